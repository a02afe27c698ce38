# What all tests need: Rust, Go, a C compiler and the servers that the tests run. The repository is
# not part of it: `make test-docker` mounts it.
ARG RUST_VERSION=1.95.0
ARG GO_VERSION=1.26

FROM docker.io/library/golang:${GO_VERSION}-bookworm AS go

FROM docker.io/library/rust:${RUST_VERSION}-bookworm
COPY --from=go /usr/local/go /usr/local/go
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nats-server \
    && rm -rf /var/lib/apt/lists/*
# Besides the mounted repository, which is not written to.
ENV PATH=/usr/local/go/bin:$PATH CARGO_TARGET_DIR=/var/cache/polyscaler/target \
    XDG_CACHE_HOME=/var/cache/polyscaler INSTA_UPDATE=no
WORKDIR /src
CMD ["make", "test"]
