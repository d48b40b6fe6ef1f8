# make start   installs what is missing and runs the collector on its embedded PostgreSQL
# make test    installs what is missing and runs every check and test
PYTHON ?= python3

.PHONY: start test check generate bench chaos fuzz clean

start: node_modules/.installed
	@npm run --silent start

test: node_modules/.installed .venv/.installed
	@PATH="$(CURDIR)/.venv/bin:$(PATH)" npm run --silent test:all

check: node_modules/.installed .venv/.installed
	@PATH="$(CURDIR)/.venv/bin:$(PATH)" npm run --silent check

# Writes gen/ from proto/.
generate: node_modules/.installed .venv/.installed
	@PATH="$(CURDIR)/.venv/bin:$(PATH)" npm run --silent generate

bench: node_modules/.installed
	@npm run --silent bench

# Tortures a collector with 60 faults: docs/reliability.md.
chaos: node_modules/.installed
	@npm run --silent chaos

# Damaged requests of every protocol: make fuzz SEED=7 INPUTS=1000000
fuzz: node_modules/.installed
	@npm run --silent fuzz -- --seed $(or $(SEED),1) --inputs $(or $(INPUTS),100000)

node_modules/.installed: package.json package-lock.json .npmrc
	npm install --no-save --loglevel=error
	@touch $@

.venv/.installed: requirements-dev.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:
	rm -rf node_modules .venv
