# exercise: 2.8
# file: Dockerfile
# accepted: uv, from the index, installs into a virtual environment; a shell that replaces itself by the server
ARG BASE=python:3.13.11-slim-bookworm
FROM ${BASE} AS uv
RUN pip install --no-cache-dir uv==0.9.9
ENV VIRTUAL_ENV=/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_CACHE_DIR=/cache
RUN uv venv /venv
WORKDIR /build
RUN --mount=type=bind,source=requirements-serve.lock,target=/build/serve.lock \
    --mount=type=cache,target=/cache \
    uv pip sync serve.lock

FROM uv AS training
ARG TRACK=labs
RUN --mount=type=bind,source=requirements-train.lock,target=/build/train.lock \
    uv pip install --require-hashes -r train.lock
COPY shared /build/shared
COPY solutions/lab1_models /build/lab1_models
COPY ${TRACK}/lab2_service /build/lab2_service
RUN PYTHONPATH=/build:/build/shared /venv/bin/python -m lab2_service.training --out /trained

FROM $BASE
ARG TRACK=labs
ARG REVISION=none
LABEL "org.opencontainers.image.title"="service of week 2" \
      "org.opencontainers.image.revision"="$REVISION"
RUN python -m pip uninstall -y pip
COPY --from=uv /venv /venv
COPY --from=training /trained /srv/models
COPY --chown=0:0 shared/mlops_lab/*.py /venv/lib/python3.13/site-packages/mlops_lab/
COPY ${TRACK}/lab2_service/ /srv/lab2_service/
WORKDIR /srv
ENV PATH="/venv/bin:${PATH}" MODELS_DIR=models PORT=8000 OMP_NUM_THREADS=1
EXPOSE $PORT/tcp
USER 65532
HEALTHCHECK --timeout=4s CMD python -c "from urllib.request import urlopen; urlopen('http://localhost:8000/readyz')" || exit 1
CMD exec uvicorn --factory lab2_service.app:create_app --host 0.0.0.0 --port $PORT
