# Thin by design: the logic stands in .ts files, run by the Node that npm brings. GNU make 3.81 and bash 3.2 suffice.
# `make` alone prints the targets; each one installs what it needs.
SHELL := /bin/bash
NODE := node_modules/.bin/node
INSTALLED := node_modules/.package-lock.json

# The demo stays on the embedded store unless STORE= stands on the command line; the environment does not count.
DEMO_STORE := $(if $(filter command,$(firstword $(origin STORE))),$(STORE),sqlite)

.DEFAULT_GOAL := help
.PHONY: help node build pages demo functions edge-node schema spool dep dep-verify dep-why dep-cache format check types lint \
  unused rules test test-containers cover bench bench-store bench-pressure todo drma drmia drmvu

help:
	@awk 'BEGIN { FS = ":.*## "; print "Usage: make TARGET" } \
	  /^### / { printf "\n  %s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "    %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): package-lock.json
	npm ci --loglevel=error --no-fund --no-audit
	@touch $@

node: $(INSTALLED)
	@if [ ! -e $(NODE) ]; then \
	  echo "$(NODE) is missing: run 'npm ci --include=optional'; it exists for Linux (glibc) and macOS, on x64 and arm64" >&2; exit 1; \
	elif ! said=$$($(NODE) --version 2>&1); then \
	  echo "$(NODE) cannot start ($$said): install libatomic1 (apt) or libatomic (dnf); musl systems such as Alpine need a glibc container" >&2; exit 1; \
	fi

### Build Commands
build: types ## Check the types, bundle the Lambda handlers and the pages; all else runs from source
	@npm run --silent bundle

# What the edge node serves at / of 9113 and 9112: some 0.2 s.
pages: node
	@npm run --silent bundle:pages

### Demo Command
demo: pages ## Automated demonstration (DEMO_SECONDS=15, 0: endless; STORE=sqlite|cassandra|dynamodb, DEMO_LOGS=stdout)
	@STORE=$(DEMO_STORE) $(NODE) infra/demo/demo.ts

### Run Commands
functions: node ## Run the HTTP service in the foreground (8080), with its API at /docs
	@exec $(NODE) --disable-sigusr1 --import ./infra/docs/api-docs.ts functions/server.ts
edge-node: pages ## Run the edge node in the foreground (9111, players 9113, admin 9112)
	@exec $(NODE) --disable-sigusr1 --max-semi-space-size=4 edge-node/main.ts
schema: node ## Make or update the tables of the store that STORE names
	@npm run --silent schema
spool: node ## Store the usage rows that wait in a spool folder (DIR=data/spool)
	@npm run --silent spool -- "$(or $(DIR),data/spool)"

### Develop / Test Commands
dep: node ## Update npm modules within their major versions, and list newer majors
	@$(NODE) infra/local/tasks/dep.ts
dep-verify: ## Verify npm modules: install them afresh, each against its hash in the lock
	npm ci --loglevel=error --no-fund --no-audit && npm ls --all >/dev/null && echo "all modules are as package-lock.json has them"
dep-why: node ## Question the need of npm modules: who imports each (NAME=module: what brings it in)
	@$(NODE) infra/local/tasks/dep-why.ts $(NAME)
dep-cache: ## Cache npm modules, so that later installs need no network
	@dir=$$(mktemp -d) && cp package.json package-lock.json "$$dir" && \
	  (cd "$$dir" && npm ci --ignore-scripts --prefer-offline --loglevel=error --no-fund --no-audit); result=$$?; rm -rf "$$dir"; exit $$result
format: node ## Run code formatter
	@$(NODE) node_modules/.bin/biome check --write .
check: types lint unused rules ## Run static code analysis: types, lint, unused code, the repo's own rules
types: node
	@npm run --silent types
lint: node
	@$(NODE) node_modules/.bin/biome check --error-on-warnings .
unused: node
	@$(NODE) node_modules/.bin/knip
rules: node
	@$(NODE) node_modules/.bin/vitest run infra/rules
test: node ## Run all tests, on SQLite, Cassandra and DynamoDB Local (STORES=sqlite: on that alone)
	@$(NODE) infra/local/test.ts
test-containers: node ## Run images, compose, SAM, Kubernetes and ECS against the tools that are here
	@npm run --silent test:containers
cover: node ## Run tests and capture code coverage metrics on project
	@$(NODE) infra/local/test.ts --coverage
bench: node ## Measure ordering and fan-out beside a plain C relay
	@$(NODE) infra/bench/bench.ts
bench-store: node ## Measure /register, /usage and usage rows on Cassandra and DynamoDB Local
	@$(NODE) infra/bench/store.ts
bench-pressure: node ## Measure a node that is full, a crowd that comes back, and users who do not read
	@$(NODE) infra/bench/pressure/pressure.ts
todo: ## Generate a TODO list for project
	@git grep -nIwE 'TODO|FIXME|XXX' -- ':!Makefile' ':!package-lock.json' ':!infra/rules' || echo "nothing left to do"

### Local Commands
drma: node ## Removes all stopped containers of this project
	@$(NODE) infra/local/tasks/docker-remove.ts containers
drmia: node ## Removes all untagged images of this project
	@$(NODE) infra/local/tasks/docker-remove.ts images
drmvu: node ## Removes all unused container volumes of this project
	@$(NODE) infra/local/tasks/docker-remove.ts volumes
