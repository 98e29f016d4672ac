# The image runs without root and with a read-only root file system; it needs no volume and no build tools.
# Of both processors. Renovate proposes a newer digest.
ARG NODE_IMAGE=node:24-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/build.ts ./scripts/
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  # Node runs neither types nor maps nor sources; licences stay.
  && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="eks-access" \
      org.opencontainers.image.description="Time-bound, proven access to Amazon EKS clusters, asked for in Slack" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY deploy/iam ./deploy/iam
COPY deploy/cloudformation ./deploy/cloudformation
COPY package.json LICENSE ./
USER node
EXPOSE 3000
# With HEALTH_PORT: whether the process answers at all. It waits for Redis by itself, so an outage does not count here.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --start-interval=1s --retries=3 \
  CMD ["node", "-e", "const port = process.env.HEALTH_PORT; if (port) fetch(`http://127.0.0.1:${port}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# In 512 MiB, V8 keeps two times 1 MB for new objects, and what a run drops soon counts as old.
ENTRYPOINT ["node", "--max-semi-space-size=32", "dist/bin/eks-access.js"]
CMD ["all"]
