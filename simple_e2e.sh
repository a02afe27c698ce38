#!/usr/bin/env bash
# The whole in one go: all manifests are valid, a real API server takes them, each sample application is
# scaled once, up and down, by the real operator, and on a real node chart and kustomizations are installed and
# real containers follow real loads, also on bad days and in the demo. Ends at the first step that fails.
# Needs what `make test` needs; a control plane of its own runs meanwhile and leaves nothing.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

folder=$(mktemp -d)
testbed=
finish() {
  if [ -n "$testbed" ]; then
    kill "$testbed" 2>/dev/null || true
    wait "$testbed" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap finish EXIT

step "build"
hack/require.sh
helm=$(hack/tool.sh helm)
kubectl=$(hack/tool.sh kubectl)
# With an integration test of a package Cargo builds the package's programs: polyscaler, the samples, testbed.
# All of the workspace, as `make test` does: another choice has other features, and would build all again.
cargo test --locked --workspace --no-run --test integration --test programs --test testbed
programs=${CARGO_TARGET_DIR:-target}/debug
"$programs/testbed" build >/dev/null

step "check manifests"
kustomizations=(config/default config/overlays/production config/monitoring config/coordinate/dev config/coordinate/stable)
charts=(charts/polyscaler charts/generalscaler helm/scaling-operator)
for kustomization in "${kustomizations[@]}"; do
  "$kubectl" kustomize "$kustomization" >"$folder/${kustomization//\//-}.yaml"
done
for chart in "${charts[@]}"; do
  "$helm" template e2e "$chart" --namespace scaling-operator-system >"$folder/${chart//\//-}.yaml"
done
ours=(config/samples/*.yaml deploy/*.yaml)
# A workload model or a workflow is no manifest.
for file in examples/*/*.yaml; do
  if grep --quiet '^apiVersion:' "$file"; then ours+=("$file"); fi
done
checked=$("$programs/polyscaler" check "${ours[@]}" "$folder"/*.yaml) || {
  grep --invert-match 'skipped, not a kind' <<<"$checked" >&2
  exit 1
}
grep --invert-match 'skipped, not a kind' <<<"$checked"

step "dry-run on an API server"
"$programs/testbed" up --nodes 1 >"$folder/up" 2>"$folder/up.log" &
testbed=$!
for ((i = 0; i < 600; i++)); do
  grep --quiet KUBECONFIG= "$folder/up" && break
  kill -0 "$testbed" 2>/dev/null || break
  sleep 0.5
done
if ! grep --quiet KUBECONFIG= "$folder/up"; then
  echo "no control plane:" >&2
  cat "$folder/up.log" >&2
  exit 1
fi
KUBECONFIG=$(sed -n 's/^export KUBECONFIG=//p' "$folder/up")
export KUBECONFIG
# Objects can only be judged where their kinds and their namespace are.
"$kubectl" apply --server-side -f deploy/crd.yaml -f config/default/namespace.yaml
for namespace in shop test; do "$kubectl" create namespace "$namespace"; done
"$kubectl" wait --for condition=Established --timeout 300s -f deploy/crd.yaml >/dev/null
dry_run() { "$kubectl" apply --server-side --force-conflicts --dry-run=server --validate=strict "$@"; }
for file in "${ours[@]}"; do
  case $file in
    # Of the Prometheus operator, whose kinds this API server does not have.
    *service-monitor.yaml) ;;
    *) dry_run -f "$file" ;;
  esac
done
for file in "$folder"/*.yaml; do
  case $file in
    # Without the kinds of the Prometheus operator, which this API server does not have.
    *config-monitoring.yaml) dry_run -f config/monitoring/dashboard_config_map.yaml ;;
    *) dry_run -f "$file" ;;
  esac
done
kill "$testbed"
wait "$testbed" 2>/dev/null || true
unset KUBECONFIG
testbed=

step "scale each sample"
cargo test --locked --workspace --test integration -- samples::

# As root on Linux; elsewhere a line says why it is left out.
step "operator and samples in real containers"
cargo test --locked --workspace --test integration -- --ignored real_node:: --test-threads 1 --nocapture
"$programs/testbed" leftovers

step "all is well"
