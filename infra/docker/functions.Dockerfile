# Registration and usage: a container on 8080, and a Lambda function where AWS_LAMBDA_RUNTIME_API is set.
# Build from the repository's root:
#   docker build -f infra/docker/functions.Dockerfile -t streaming-service/functions .
# No syntax line and no BuildKit-only instruction: `sam build` uses the classic builder.
ARG NODE_IMAGE=node:26-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS node
# On every stage: what a builder leaves of them, `make drmia` finds.
LABEL com.streaming-service.project="streaming-service"

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

# Everything is installed for the bundle; what only that needed goes again. The repository's node packages (optional
# dependencies) serve machines without Node; here it comes from the image.
FROM node AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY shared shared
COPY functions functions
COPY infra/schema.ts infra/schema.ts
COPY infra/docker infra/docker
# The handlers, each bundled into one file: a function's start reads that file and little else.
RUN node infra/docker/bundle.ts && mkdir -p /var/task && mv dist/lambda/* /var/task \
 && mv infra/docker/functions-entrypoint.sh /entrypoint.sh \
 && rm -rf dist infra/docker \
 && npm prune --omit=dev --omit=optional --ignore-scripts --no-fund --no-audit \
 && find node_modules -type d -empty -delete \
 && chmod -R a+rX . /var/task && chmod 755 /entrypoint.sh

# All that there is to run, as Lambda takes it: it ignores USER, VOLUME and HEALTHCHECK, and lets nothing be written but
# /tmp. `sam local` adds a layer of its own, which it could not as another user than root.
FROM ${BASE_IMAGE} AS lambda
RUN apt-get update \
 && apt-get install -y --no-install-recommends libatomic1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin streaming \
 && install -d -o streaming -g streaming /data
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=lambda-runtime /var/runtime/node_modules/aws-lambda-ric /var/runtime/node_modules/aws-lambda-ric
COPY --from=build /var/task /var/task
COPY --from=build /entrypoint.sh /entrypoint.sh
COPY --from=build /app /app
WORKDIR /app
ENV NODE_ENV=production SERVER_HOST=0.0.0.0 LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime \
    SQLITE_PATH=/data/streaming-service.db USAGE_SPOOL_DIR=/data/spool
LABEL com.streaming-service.project="streaming-service" \
      org.opencontainers.image.title="streaming-service functions" \
      org.opencontainers.image.description="Registers users and tells how long they have watched" \
      org.opencontainers.image.licenses="MIT"
ENTRYPOINT ["/entrypoint.sh"]
CMD ["node", "functions/server.ts"]

# The same as a container; Lambda takes it, too.
FROM lambda AS functions
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SERVER_PORT || 8080}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
