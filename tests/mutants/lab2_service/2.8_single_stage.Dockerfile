# exercise: 2.8
# file: Dockerfile
# caught by: test_no_build_tool_is_in_the_image
# misconception: one stage is simpler
# says: no pip
ARG BASE=python:3.13.11-slim-bookworm
FROM ${BASE}
ARG TRACK=labs
WORKDIR /app
COPY requirements-serve.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-serve.lock
COPY shared/mlops_lab mlops_lab
COPY solutions/lab1_models lab1_models
COPY ${TRACK}/lab2_service lab2_service
RUN python -m lab2_service.training --out artifacts
USER 10001
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz')"]
CMD ["uvicorn", "--factory", "lab2_service.app:create_app", "--host", "0.0.0.0"]
ARG REVISION
LABEL org.opencontainers.image.title="lab2" org.opencontainers.image.revision="${REVISION}"
