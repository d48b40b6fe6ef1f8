# `make image-base` adds the digest that the tag has today, and renews it later.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Not `npm ci`: the lock file names no addresses, so that any registry will do.
RUN npm install --omit=dev --loglevel=error

FROM ${NODE_IMAGE} AS built
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm install --loglevel=error
COPY gen/typescript ./gen/typescript
COPY dashboard ./dashboard
RUN npm run --silent build:dashboard
COPY src ./src
COPY bin ./bin
COPY scripts/bundle.ts ./scripts/
RUN npm run --silent bundle

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG SOURCE=
ARG REVISION=
LABEL org.opencontainers.image.title="gravitas-telemetry" \
      org.opencontainers.image.description="Telemetry collector: checks, LLM usage and metrics over gRPC, Connect and HTTP into PostgreSQL" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    TELEMETRY_HOST=0.0.0.0 \
    TELEMETRY_DATA_DIR=/var/lib/gravitas-telemetry
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY LICENSE NOTICE package.json ./
COPY gen/typescript ./gen/typescript
COPY src ./src
COPY bin ./bin
COPY --from=built /app/dashboard/dist ./dashboard/dist
COPY --from=built /app/bundle ./bundle
# Leaves what Node makes of the bundle, so that the collector starts quickly and small.
RUN bin/gravitas-telemetry --version \
 && install --directory --owner=1000 --group=1000 --mode=700 /var/lib/gravitas-telemetry
# By number, so that Kubernetes can tell that it is not root.
USER 1000:1000
VOLUME /var/lib/gravitas-telemetry
EXPOSE 8002
# The first start creates a database; nobody asks for long afterwards.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "bin/healthcheck.mjs"]
# In the exec form, so that signals reach the collector and not a shell.
ENTRYPOINT ["bin/gravitas-telemetry"]
