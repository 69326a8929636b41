# exercise: 2.8
# file: Dockerfile
# accepted: wheels are made first; the packages of the system's Python are carried over
ARG BASE=docker.io/library/python:3.13.11-slim-bookworm
ARG VARIANT=3.13
FROM ${BASE} AS wheels
COPY requirements-serve.lock requirements-train.lock /
ENV PIP_CACHE_DIR=/cache
RUN --mount=type=cache,target=/cache \
    pip wheel --require-hashes --wheel-dir /wheels -r /requirements-train.lock

FROM ${BASE} AS install
COPY --from=wheels /wheels /wheels
COPY requirements-serve.lock /
RUN pip install --no-index -f /wheels --target /packages -r /requirements-serve.lock

FROM wheels AS train
ARG TRACK=labs
RUN pip install --no-index -f /wheels -r /requirements-train.lock
COPY shared/mlops_lab /src/mlops_lab
COPY solutions/lab1_models /src/lab1_models
COPY ${TRACK}/lab2_service/*.py /src/lab2_service/
WORKDIR /src
RUN ["python", "-m", "lab2_service.training", "--out", "/models"]

FROM ${BASE} AS serve
ARG TRACK=labs
ENV PYTHONPATH=/app:/packages \
    MODELS_DIR=/models \
    OMP_NUM_THREADS=1
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip
COPY --from=install /packages /packages
COPY --from=train /models /models
COPY shared/mlops_lab/*.py /app/mlops_lab/
COPY ${TRACK}/lab2_service/*.py /app/lab2_service/
COPY ${TRACK}/lab2_service/page /app/lab2_service/page
USER nobody
EXPOSE 8000
HEALTHCHECK --start-period=20s CMD ["python", "-c", "import urllib.request as r; assert r.urlopen('http://127.0.0.1:8000/livez').status == 200"]
ENTRYPOINT ["python", "-m", "uvicorn", "--factory", "lab2_service.app:create_app"]
CMD ["--host", "0.0.0.0", "--port", "8000"]
ARG REVISION=""
LABEL org.opencontainers.image.title="lab2" \
      org.opencontainers.image.revision="${REVISION:-unknown}"
