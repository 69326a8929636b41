"""What is known about the service of lab 2 and the cluster around it; a test compares it with the service."""

from __future__ import annotations

NAME, PORT_NAME, PORT = "ml-api", "http", 8000
NAMESPACE, NAME_LABEL = "ml-api", "app.kubernetes.io/name"
ALIVE, READY = "/livez", "/readyz"
# What a caller from outside must be able to reach.
PATHS = (
    "/",
    "/page/page.js",
    "/docs",
    "/openapi.json",
    "/livez",
    "/readyz",
    "/v1/models",
    "/v1/house-price",
    "/v1/house-price/batch",
    "/v1/iris",
    "/v1/customer-segment",
)
MODELS = ("house_price", "iris", "customer_segment")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MORE_LEVELS = ("WARN", "FATAL")  # other names that Python's logging takes
# What the service reads from its environment, and OpenMP below it.
SETTINGS = ("MODELS", "LOG_LEVEL", "MAX_BODY", "MODELS_DIR", "OMP_NUM_THREADS")
MEMORY_MB = 253.4  # resident, with three models, after a load of eight connections
PRE_STOP_S, DRAIN_S = 5, 10  # until every proxy has forgotten a pod; for the requests in flight

SETTINGS_MAP, SECRETS = "ml-api-settings", "ml-api-secrets"
IMAGE = "mlops-lab/lab2-service"
INGRESS_NAMESPACE, METRICS_NAMESPACE, REGISTRY_NAMESPACE, REGISTRY_PORT = "traefik", "monitoring", "mlflow", 5000
VPC = "10.0.0.0/16"
