# Registration and usage: the target `functions` is a container on 8080, the target `lambda` three Lambda functions.
# Build from the repository's root:
#   docker build -f infra/docker/functions.Dockerfile --target functions -t streaming-service/functions .
# No syntax line and no BuildKit-only instruction: `sam build` uses the classic builder, which makes every stage up to the
# target. So what Lambda alone needs stands last.
ARG NODE_IMAGE=node:26-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS node
# On every stage: what a builder leaves of them, `make drmia` finds.
LABEL com.streaming-service.project="streaming-service"

# The repository's node packages (optional dependencies) serve machines without Node; here it comes from the image.
FROM node AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-fund --no-audit
COPY shared shared
COPY functions functions
COPY infra/schema.ts infra/schema.ts
COPY infra/docker/strip-types.ts infra/docker/strip-types.ts
RUN node --disable-warning=ExperimentalWarning infra/docker/strip-types.ts \
      /out package.json shared functions infra/schema.ts
COPY infra/docker/healthcheck.sh /healthcheck.sh
RUN chmod -R a+rX node_modules /out && chmod 755 /healthcheck.sh

# All that there is to run. No USER: Lambda ignores it, and `sam local` adds a layer of its own, which it could not as
# another user than root.
FROM ${BASE_IMAGE} AS runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends libatomic1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin streaming \
 && install -d -o streaming -g streaming /data
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=build /healthcheck.sh /healthcheck.sh
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /out /app
WORKDIR /app
ENV NODE_ENV=production SERVER_HOST=0.0.0.0 SERVER_METRICS_HOST=0.0.0.0 \
    SQLITE_PATH=/data/streaming-service.db USAGE_SPOOL_DIR=/data/spool
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL com.streaming-service.project="streaming-service" \
      org.opencontainers.image.title="streaming-service functions" \
      org.opencontainers.image.description="Registers users and tells how long they have watched" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS functions
USER 10001:10001
VOLUME /data
EXPOSE 8080 9115
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 \
  CMD /healthcheck.sh "${SERVER_PORT:-8080}" "${SERVER_HOST}"
# node is process 1 and handles SIGTERM itself.
CMD ["node", "--disable-sigusr1", "functions/server.js"]

# The Lambda runtime interface client is native code: the compilers it needs stay in this stage.
FROM node AS lambda-runtime
RUN apt-get update \
 && apt-get install -y --no-install-recommends cmake g++ make python3 xz-utils \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /var/runtime
COPY infra/docker/lambda-runtime ./
# Headers as the image has them: node-gyp would fetch them from elsewhere.
RUN npm_config_nodedir=/usr/local npm ci --no-fund --no-audit \
 && rm -rf node_modules/aws-lambda-ric/deps node_modules/aws-lambda-ric/src node_modules/aws-lambda-ric/build

# The handlers, each bundled into one file: a function's start reads that file and little else.
FROM node AS lambda-bundle
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY shared shared
COPY functions functions
COPY infra/docker infra/docker
RUN node infra/docker/bundle.ts \
 && mkdir -p /var/task && mv dist/lambda/* /var/task && chmod -R a+rX /var/task \
 && mv infra/docker/functions-entrypoint.sh /entrypoint.sh && chmod 755 /entrypoint.sh

# It lets nothing be written but /tmp, and knows neither VOLUME nor HEALTHCHECK.
FROM runtime AS lambda
COPY --from=lambda-runtime /var/runtime/node_modules/aws-lambda-ric /var/runtime/node_modules/aws-lambda-ric
COPY --from=lambda-bundle /var/task /var/task
COPY --from=lambda-bundle /entrypoint.sh /entrypoint.sh
ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime
ENTRYPOINT ["/entrypoint.sh"]
