# The image of a release: what the Dockerfile makes, of binaries that were built on machines of their own kind. No
# step of it runs on another platform than that of the builder. See .github/workflows/release.yaml.
FROM --platform=$BUILDPLATFORM docker.io/library/debian:bookworm-slim AS certificates
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*

FROM scratch
ARG TARGETARCH
COPY --from=certificates /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY dist/linux/${TARGETARCH}/polyscaler /polyscaler
USER 65532:65532
ENTRYPOINT ["/polyscaler"]
CMD ["operator"]
