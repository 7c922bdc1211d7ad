# Compiled, production's packages alone, an ordinary user, nothing written but the store.
# Mount the configuration at /etc/postern (read-only) and a volume at /var/lib/postern; docs/in-front-of.md has the command.
# A release pins the base by digest, node:24-slim@sha256:…: it cannot be known where this is written, put it here where you build.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Optional packages too: the compiler's own program is one. No script of a package runs.
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src src
# What stays is production's: also the Node that npm brings along goes, the image has one.
RUN npm run build && npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
COPY policies policies
RUN install -d -o node -g node -m 0700 /var/lib/postern && install -d -m 0755 /etc/postern
USER node
# A read-only root works: --read-only. Nothing but the store is written.
VOLUME ["/var/lib/postern"]
# Ports below 1024 need CAP_NET_BIND_SERVICE, or publish 25 to a higher port of the container. Behind Docker's own proxy every client
# has the same private address: use the host's network (--network host), or the checks see nobody.
EXPOSE 25
# Process 1 without an init of its own: it handles its signals, and the only children it has end by themselves and are waited for.
# SIGTERM answers 421 and finishes what is in hand, up to 20 seconds: docker stop --time 60.
STOPSIGNAL SIGTERM
# A start of Node each time, half a second of one core: every minute is enough.
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "dist/main.js", "status", "--config", "/etc/postern/postern.yaml"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve", "--config", "/etc/postern/postern.yaml"]
