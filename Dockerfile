# The operator alone in an image: a static binary and the certificate authorities that it
# trusts for https metrics. Builds on x86_64 and aarch64.
ARG RUST_VERSION=1.95.0

FROM docker.io/library/rust:${RUST_VERSION}-bookworm AS builder
ARG RUST_VERSION
# Without this, rustup would fetch the components that rust-toolchain.toml wants for developers.
ENV RUSTUP_TOOLCHAIN=${RUST_VERSION}
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    hack/static-binary.sh /out/polyscaler

FROM scratch
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /out/polyscaler /polyscaler
USER 65532:65532
ENTRYPOINT ["/polyscaler"]
CMD ["operator"]
