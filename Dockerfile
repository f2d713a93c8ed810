# Build: docker compose build        Run: docker compose run --rm simlab run scenarios/income-drift.yaml

FROM python:3.11-slim AS install
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/simlab
COPY requirements.lock /src/
RUN /opt/simlab/bin/python -m pip install --no-deps --only-binary :all: --require-hashes -r /src/requirements.lock
COPY pyproject.toml LICENSE /src/
COPY simlab /src/simlab
COPY datasets /src/datasets
COPY scenarios /src/scenarios
RUN /opt/simlab/bin/python -m pip install --no-deps --no-build-isolation --no-index /src


FROM python:3.11-slim
# LightGBM's only need that its wheel does not carry.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 simlab \
    && useradd --uid 10001 --gid simlab --create-home --shell /usr/sbin/nologin simlab \
    && install -d -o simlab -g simlab /home/simlab/.simlab
COPY --from=install /opt/simlab /opt/simlab
WORKDIR /home/simlab
COPY scenarios scenarios

# Silent engines, whichever of them is started; caches go where the container may write.
ENV PATH=/opt/simlab/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SIMLAB_HOME=/home/simlab/.simlab \
    ORT_DISABLE_TELEMETRY=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=true \
    GIT_PYTHON_REFRESH=quiet \
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
VOLUME /home/simlab/.simlab
ENTRYPOINT ["simlab"]
CMD ["run", "scenarios/income-drift.yaml"]
