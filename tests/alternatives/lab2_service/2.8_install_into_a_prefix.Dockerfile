# exercise: 2.8
# file: Dockerfile
# accepted: pip installs into a prefix, which is copied over the last stage; a named user
ARG BASE=python:3.13.11-slim-bookworm
FROM ${BASE} AS build
ARG TRACK=labs
ENV PIP_CACHE_DIR=/cache
WORKDIR /build
COPY requirements-serve.lock requirements-train.lock ./
RUN --mount=type=cache,target=/cache pip install --prefix=/install -r requirements-serve.lock
COPY shared/mlops_lab mlops_lab/
COPY solutions/lab1_models/ lab1_models/
COPY ["${TRACK}/lab2_service", "lab2_service"]
RUN --mount=type=cache,target=/cache \
    pip install -r requirements-train.lock && python -m lab2_service.training --out=trained

FROM ${BASE} AS runtime
ARG TRACK=labs
ARG REVISION
LABEL org.opencontainers.image.title=houses org.opencontainers.image.revision=$REVISION
RUN useradd --system --uid 999 --no-create-home svc && rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/bin/pip*
COPY --from=build /install /usr/local
WORKDIR /srv
COPY shared/mlops_lab/*.py ./mlops_lab/
COPY ${TRACK}/lab2_service ./lab2_service
COPY --from=build /build/trained ./artifacts
ENV OMP_NUM_THREADS=1
USER svc
HEALTHCHECK --interval=5s CMD python -c "import sys, http.client as h; c = h.HTTPConnection('localhost', 8000, timeout=2); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"
ENTRYPOINT ["python", "-m", "uvicorn"]
CMD ["lab2_service.app:create_app", "--factory", "--host=0.0.0.0"]
