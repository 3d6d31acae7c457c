# The daemon in a small image: `docker compose up` builds and starts it, and so does
#   docker build -t bellwether . && docker run --read-only -p 127.0.0.1:9911:9911 -v state:/var/lib/bellwether bellwether
# With a browser for pages and Lighthouse for their quality, which are large: `docker build --target browser .`, run with `--tmpfs /tmp`;
# where the engine forbids user namespaces, say `browser: { sandbox: false }` in the environment.
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY scenarios scenarios
COPY benches benches
COPY tests tests
RUN cargo build --profile dist --locked --bin bellwether

FROM debian:bookworm-slim AS base
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 65532 --create-home --home-dir /var/lib/bellwether bellwether
COPY --from=build /build/target/dist/bellwether /usr/local/bin/bellwether
# What it watches until you mount a configuration of your own: itself.
COPY scenarios/packages/etc /etc/bellwether
USER 65532
WORKDIR /var/lib/bellwether
VOLUME /var/lib/bellwether
EXPOSE 9911
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["bellwether", "ready"]
ENTRYPOINT ["bellwether"]
CMD ["serve", "--config", "/etc/bellwether/bellwether.yaml", "--listen", "0.0.0.0:9911", "--log-format", "json"]

FROM base AS browser
USER root
RUN apt-get update && apt-get install -y --no-install-recommends chromium fonts-liberation fonts-noto-color-emoji nodejs npm \
 && npm install --global lighthouse@12.2.3 && npm cache clean --force && rm -rf /var/lib/apt/lists/*
USER 65532

FROM base
