# Compiled with types stripped; runs as an ordinary user. Mount the configuration at /etc/postern and the store at /var/lib/postern.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional
COPY tsconfig.json ./
COPY src src
RUN npm run build && npm prune --omit=dev --omit=optional

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
COPY policies policies
RUN install -d -o node -g node /var/lib/postern /etc/postern
USER node
VOLUME ["/var/lib/postern"]
# Ports below 1024 need CAP_NET_BIND_SERVICE, or publish 25 to a higher port of the container. Behind Docker's own proxy every client
# has the same private address: use the host's network (--network host), or the checks see nobody.
EXPOSE 25
HEALTHCHECK --interval=30s --timeout=5s CMD ["node", "dist/main.js", "status", "--config", "/etc/postern/postern.yaml"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve", "--config", "/etc/postern/postern.yaml"]
