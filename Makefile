# polyscaler's tasks. `make` lists them.

CARGO ?= cargo
DEMO_ARGS ?=
CLUSTER_ARGS ?=
RUN_ARGS ?= --leader-elect=false
IGNORE_NOT_FOUND ?= true
IMG ?= polyscaler:0.1.0
IMAGES ?= polyscaler=$(IMG)
# Most tests wait for servers, so more of them than there are cores run at once.
TEST_THREADS ?= 6
DOCKER ?= docker
TARGET_DIR ?= $(or $(CARGO_TARGET_DIR),target)
XTASK ?= $(CARGO) xtask

.DEFAULT_GOAL := help
.PHONY: help
help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: require
require:
	@hack/require.sh

.PHONY: demo
demo: require ## Watch replicas follow a load, on a control plane of its own (DEMO_ARGS="--scenario groups|http|keda|queue|worker"), in real containers (--real), or a backtest (--scenario backtest)
	$(if $(findstring --real,$(DEMO_ARGS)),$(CARGO) build --locked --package examples --bin http-app)
	$(CARGO) run --locked --package polyscaler -- demo $(DEMO_ARGS)

.PHONY: control-plane
control-plane: require ## Build the control plane's programs for tests and demo, once
	$(CARGO) run --locked --package testbed -- build

.PHONY: test
test: tools binaries ## Run all tests, on a real control plane, and name the slowest ten
	$(TARGET_DIR)/debug/testbed build
	RUST_TEST_THREADS=$(TEST_THREADS) CARGO=$(CARGO) hack/test.sh

# All packages at once: one by one they want the libraries with other features, and so build them twice.
.PHONY: binaries
binaries: require ## Build all test programs
	$(CARGO) test --locked --workspace --no-run

.PHONY: test-integration
test-integration: control-plane tools ## Run the tests of the binary on a real control plane, chart and kustomizations included
	RUST_TEST_THREADS=$(TEST_THREADS) $(CARGO) test --locked --package polyscaler --no-fail-fast --test integration

.PHONY: test-docker
test-docker: docker ## Run all tests in a container (DOCKER=podman)
	$(DOCKER) build --tag polyscaler-tests - < hack/tests.Dockerfile
	$(DOCKER) run --rm --volume "$(CURDIR)":/src:ro --volume polyscaler-tests:/var/cache/polyscaler polyscaler-tests

.PHONY: walkthrough
walkthrough: control-plane tools ## Install, scale by a queue, inspect and uninstall, as documented
	hack/walkthrough.sh

.PHONY: e2e
e2e: require ## Check all manifests, on a real API server too, scale each sample application, and run chart, kustomizations and samples in real containers
	./simple_e2e.sh

.PHONY: tools
tools: require ## Build helm, kubectl, kube-state-metrics, metrics-server, a Lua and a collector of traces for tests, once
	for tool in helm kubectl kube-state-metrics metrics-server glua; do hack/tool.sh $$tool || exit 1; done
	hack/collector/collector.sh

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
uninstall: kubectl ## Remove the CRDs and all of their objects
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

.PHONY: docker
docker:
	@command -v $(DOCKER) >/dev/null || { echo "$(DOCKER) is not on PATH: install it, or name another program as DOCKER=podman" >&2; exit 1; }

.PHONY: docker-build
docker-build: docker ## Build the image (IMG=registry/polyscaler:tag, DOCKER=podman)
	$(DOCKER) build --tag $(IMG) .

.PHONY: image
image: require ## Build images without an engine, into target/images (IMAGES="polyscaler http-app worker event-queue order-queue keda-python", polyscaler=registry/polyscaler:tag)
	hack/image.sh $(TARGET_DIR)/images $(IMAGES)

.PHONY: generate
generate: ## Write the files that come from code
	$(CARGO) xtask generate
	WRITE_REFERENCE=1 $(CARGO) test --locked --package polyscaler --bin polyscaler reference::

.PHONY: lint
lint: require ## Check format, lints, generated files and workflows
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	$(XTASK) check
	cd hack/actionlint && go tool actionlint -shellcheck= -pyflakes= $(addprefix $(CURDIR)/,$(wildcard .github/workflows/*))

.PHONY: bench
bench: export BASELINE ?= $(shell git rev-parse --verify --quiet HEAD~1)
bench: control-plane ## Measure, beside the commit before (BASELINE=COMMIT another one, BASELINE= none): one line of figures each, and a table for groups
	$(CARGO) bench --locked --package engine
	bench/thousand-objects.sh
	bench/thousand-general-scalers.sh
	bench/scaled-objects.sh
	bench/scaled-objects.sh 10000 30 60 direct
	bench/reaction-times.sh
	bench/metrics-api-load.sh
	bench/restarts.sh
	bench/admission-load.sh
	bench/churn.sh
	bench/groups.sh

.PHONY: cluster
cluster: control-plane ## Run a control plane by hand, until Ctrl-C (CLUSTER_ARGS="--nodes 0 --real-node")
	$(CARGO) run --locked --package testbed -- up $(CLUSTER_ARGS)
