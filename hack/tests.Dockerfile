# All tests in a container: Rust, Go, a C compiler and the servers that the tests run.
ARG RUST_VERSION=1.95.0
ARG GO_VERSION=1.26

FROM docker.io/library/golang:${GO_VERSION}-bookworm AS go

FROM docker.io/library/rust:${RUST_VERSION}-bookworm
COPY --from=go /usr/local/go /usr/local/go
ENV PATH=/usr/local/go/bin:$PATH
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nats-server \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
CMD ["make", "test"]
