# The daemon in a small image: `docker compose up` builds and starts it.
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY scenarios scenarios
RUN mkdir -p tests/it && echo 'fn main() {}' > tests/it/main.rs && cargo build --release --locked --bin bellwether

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/bellwether bellwether
COPY --from=build /build/target/release/bellwether /usr/local/bin/bellwether
USER bellwether
WORKDIR /var/lib/bellwether
EXPOSE 9911
ENTRYPOINT ["bellwether"]
CMD ["serve", "--config", "/etc/bellwether/bellwether.yaml"]
