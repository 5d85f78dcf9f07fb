# The edge node. Build from the repository's root:
#   docker build -f infra/docker/edge-node.Dockerfile --target edge-node -t streaming-service/edge-node .
# No syntax line and no BuildKit-only instruction: the classic builder makes the same image.
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
COPY edge-node edge-node
COPY infra/demo infra/demo
COPY infra/docker/strip-types.ts infra/docker/strip-types.ts
RUN node --disable-warning=ExperimentalWarning infra/docker/strip-types.ts /out package.json shared edge-node \
 && node --disable-warning=ExperimentalWarning infra/docker/strip-types.ts /demo \
      infra/demo/source infra/demo/viewer infra/demo/media infra/demo/demo-error.ts
COPY infra/docker/healthcheck.sh /healthcheck.sh
RUN chmod -R a+rX node_modules /out /demo && chmod 755 /healthcheck.sh

# The pages, one file each of HTML, CSS and script: what makes them is no part of the image.
FROM node AS pages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY edge-node/browser edge-node/browser
COPY edge-node/player edge-node/player
COPY edge-node/operator edge-node/operator
COPY infra/docker/bundle-pages.ts infra/docker/bundle-pages.ts
RUN node infra/docker/bundle-pages.ts && chmod -R a+rX dist

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
COPY --from=pages /app/dist /app/dist
WORKDIR /app
ENV NODE_ENV=production STREAM_HOST=0.0.0.0 WATCH_HOST=0.0.0.0 ADMIN_HOST=0.0.0.0 \
    SQLITE_PATH=/data/streaming-service.db USAGE_SPOOL_DIR=/data/spool
USER 10001:10001
VOLUME /data
EXPOSE 9111 9112 9113
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL com.streaming-service.project="streaming-service" \
      org.opencontainers.image.title="streaming-service edge-node" \
      org.opencontainers.image.description="Orders live channels and sends each user the one they watch" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# A channel source and five users, for the demo.
FROM runtime AS demo
COPY --from=build /demo /app

FROM runtime AS edge-node
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 \
  CMD /healthcheck.sh "${ADMIN_PORT:-9112}" "${ADMIN_HOST}"
# node is process 1 and handles SIGTERM itself. Little outlives a turn of its event loop: with 4 MiB V8 collects as cheaply
# as with its default of 16, which would hold some 30 MB more.
CMD ["node", "--disable-sigusr1", "--max-semi-space-size=4", "edge-node/main.js"]

# The gateway. Last, and an image of its own: ffmpeg adds some 500 MB that no edge node needs.
FROM runtime AS gateway
USER root
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/*
USER 10001:10001
ENV GATEWAY_HOST=0.0.0.0
EXPOSE 9110 9114
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 \
  CMD /healthcheck.sh "${GATEWAY_ADMIN_PORT:-9114}" "${ADMIN_HOST}"
LABEL org.opencontainers.image.title="streaming-service gateway" \
      org.opencontainers.image.description="Makes channels of real streams, counted by their own clock"
# What stands behind the image's name is the gateway's own: docker run … zato01=udp://@239.1.1.1:1234, or check list.m3u.
ENTRYPOINT ["node", "--disable-sigusr1", "edge-node/gateway/main.js"]
CMD []
