#!/usr/bin/env bash
# The whole way of a user on a control plane of its own, shown as a session on a terminal: make
# install and deploy, a ScalingRule on a real NATS server, kubectl get and describe, debug level,
# kustomize and Helm, and everything away again. Ends at the first step that is not as it should
# be. The steps are in crates/polyscaler/tests/walkthrough.
set -euo pipefail
cd "$(dirname "$0")/.."

exec cargo test --locked --package polyscaler --test integration walkthrough:: -- --nocapture
