"""The checks of lab 3: one idea each. What they judge with is in `lab3_judges`."""

from __future__ import annotations

import pytest
from lab3_judges import routes, workload
from lab3_judges.schema import judge_schema

from labkit.checks import exercise

# 3.1 a Deployment


@pytest.fixture(scope="module")
def deployment(documents):
    """The Deployment as it is written."""
    return documents.yaml("base/deployment.yaml").one(kind="Deployment")


@exercise("3.1")
def test_kubernetes_takes_the_deployment(deployment):
    """Kubernetes 1.35 to 1.37 take the Deployment: they know each field, each quantity and each word in it."""
    judge_schema(deployment)


@exercise("3.1")
def test_the_selector_selects_the_pods(deployment):
    """Deployment and container are named `ml-api`, the port `http` is 8000, and the selector selects the pods."""
    workload.judge_names(deployment)


@exercise("3.1")
def test_the_start_may_take_its_time(deployment):
    """A startup probe asks a route of the service, and gives the start 30 s or more."""
    workload.judge_startup(deployment)


@exercise("3.1")
def test_liveness_asks_what_a_restart_can_mend(deployment):
    """Liveness asks `/livez`, waits 2 s or more for an answer, and restarts after 3 failures or more."""
    workload.judge_liveness(deployment)


@exercise("3.1")
def test_readiness_asks_for_the_models(deployment):
    """Readiness asks `/readyz`, every 10 s or more often."""
    workload.judge_readiness(deployment)


@exercise("3.1")
def test_the_memory_fits_the_model(deployment):
    """Request and limit of memory fit what was measured, with a quarter left over, and no more than 2 GiB."""
    workload.judge_memory(deployment)


@exercise("3.1")
def test_threads_and_cpu_agree(deployment):
    """There is a CPU request; a limit, if any, is half a core or more; OMP_NUM_THREADS is no more than it allows."""
    workload.judge_cpu(deployment)


@exercise("3.1")
def test_the_pod_has_no_rights(deployment):
    """Nothing runs as root, gains rights, has capabilities, is part of the node, or may make every system call."""
    workload.judge_rights(deployment)


@exercise("3.1")
def test_the_root_file_system_is_read_only(deployment):
    """The root file system of each container is read-only."""
    workload.judge_read_only(deployment)


@exercise("3.1")
def test_the_pod_has_no_key_to_the_cluster(deployment):
    """No token for the API of the cluster is mounted."""
    workload.judge_token(deployment)


@exercise("3.1")
def test_an_update_takes_no_pod_away_too_early(deployment):
    """A rolling update takes no old pod away before a new one is ready, and can go on."""
    workload.judge_update(deployment)


@exercise("3.1")
def test_a_stop_loses_no_request(deployment):
    """A stop waits 5 s for the proxies and has 10 s for the requests in flight, all within the grace period."""
    workload.judge_stop(deployment)


@exercise("3.1")
def test_the_pods_spread_over_nodes(deployment):
    """The pods spread over nodes, without stopping an update."""
    workload.judge_spread(deployment)


# 3.2 Service and Ingress


@pytest.fixture(scope="module")
def service(documents):
    """The Service as it is written."""
    return documents.yaml("base/service.yaml").one(kind="Service")


@pytest.fixture(scope="module")
def way_in(documents):
    """The Ingress or the HTTPRoute as it is written."""
    return routes.way_in(documents)


@exercise("3.2")
def test_kubernetes_takes_service_and_ingress(documents):
    """Kubernetes 1.35 to 1.37 take both files: they know each field and each word in them."""
    for file in ("base/service.yaml", "base/ingress.yaml"):
        for document in documents.yaml(file):
            judge_schema(document)


@exercise("3.2")
def test_the_service_finds_the_pods(service, deployment):
    """The Service is named `ml-api`, selects the pods of the Deployment, and is for the cluster only."""
    routes.judge_selector(service, deployment)


@exercise("3.2")
def test_the_service_leads_to_the_port_of_the_container(service, deployment):
    """Port 80 of the Service, named `http`, leads to the port of the container."""
    routes.judge_ports(service, deployment)


@exercise("3.2")
def test_every_path_gets_to_the_service(way_in):
    """Each path of lab 2's service gets to the Service as it is, under any host."""
    routes.judge_paths(way_in)


@exercise("3.2")
def test_a_route_has_its_gateway(documents, way_in):
    """An HTTPRoute, where one is used, names a Gateway of the same file."""
    routes.judge_gateway(way_in, list(documents.yaml("base/ingress.yaml")))
