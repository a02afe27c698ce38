# polyscaler's tasks. `make` lists them.

CARGO ?= cargo
DEMO_ARGS ?=
RUN_ARGS ?= --leader-elect=false
IGNORE_NOT_FOUND ?= true
IMG ?= polyscaler:0.1.0
DOCKER ?= docker

.DEFAULT_GOAL := help
.PHONY: help
help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: require
require:
	@hack/require.sh

.PHONY: demo
demo: require ## Watch replicas follow a load, on a control plane of its own (DEMO_ARGS="--duration 60s")
	$(CARGO) run --locked --package polyscaler -- demo $(DEMO_ARGS)

.PHONY: control-plane
control-plane: require ## Build the control plane's programs for tests and demo, once
	$(CARGO) run --locked --package testbed -- build

.PHONY: test
test: control-plane ## Run all tests, on a real control plane
	hack/tools/helm.sh
	hack/collector/collector.sh
	$(CARGO) test --locked --workspace --no-fail-fast

.PHONY: test-integration
test-integration: control-plane ## Run the tests of the binary on a real control plane, chart and kustomizations included
	hack/tools/helm.sh
	hack/collector/collector.sh
	$(CARGO) test --locked --package polyscaler --no-fail-fast --test '*'

.PHONY: build
build: require ## Build the release binary
	$(CARGO) build --locked --release --package polyscaler

.PHONY: run
run: require ## Run the operator against the current kubeconfig (RUN_ARGS=...)
	$(CARGO) run --locked --package polyscaler -- operator $(RUN_ARGS)

.PHONY: install
install: kubectl ## Install the CRDs into the current cluster
	kubectl apply -k config/crd

.PHONY: uninstall
uninstall: kubectl ## Remove the CRDs, and with them every object of theirs
	kubectl delete -k config/crd --ignore-not-found=$(IGNORE_NOT_FOUND)

.PHONY: deploy
deploy: kubectl ## Install CRDs and operator into the current cluster (IMG=registry/polyscaler:tag)
	kubectl kustomize config/default | sed 's|image: polyscaler:.*|image: $(IMG)|' | kubectl apply -f -

.PHONY: undeploy
undeploy: kubectl ## Remove the operator; CRDs and objects stay
	kubectl delete -f deploy/operator.yaml --ignore-not-found=$(IGNORE_NOT_FOUND)

.PHONY: kubectl
kubectl:
	@command -v kubectl >/dev/null || { echo "kubectl is not on PATH: install it, see https://kubernetes.io/docs/tasks/tools" >&2; exit 1; }

.PHONY: docker-build
docker-build: ## Build the image (IMG=registry/polyscaler:tag, DOCKER=podman)
	@command -v $(DOCKER) >/dev/null || { echo "$(DOCKER) is not on PATH: install it, or name another program as DOCKER=podman" >&2; exit 1; }
	$(DOCKER) build --tag $(IMG) .

.PHONY: generate
generate: ## Write the files that come from code
	$(CARGO) xtask generate

.PHONY: lint
lint: require ## Check format, lints and generated files
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	$(CARGO) xtask check

.PHONY: bench
bench: control-plane ## Measure: one line of figures each
	bench/thousand-objects.sh

.PHONY: cluster
cluster: control-plane ## Run a control plane by hand, until ctrl-c
	$(CARGO) run --locked --package testbed -- up
