# make start   installs what is missing and runs the collector on its embedded PostgreSQL
# make test    installs what is missing and runs every check and test
PYTHON ?= python3

.PHONY: start test check image image-base audit generate packages package-npm package-python bench bench-peers bench-query bench-clients \
  bench-clients-python bench-clients-typescript test-citus chaos conformance fuzz clean

# Without a shell or npm between, which would keep signals from it.
start: node_modules/.installed dashboard/dist/index.html bundle/.built
	@bin/gravitas-telemetry

# What the collector serves at /.
dashboard/dist/index.html: node_modules/.installed \
    $(shell find dashboard gen/typescript -name dist -prune -o -type f -print)
	@npm run --silent build:dashboard
	@touch $@

# The sources in one file, which is what the launcher runs where it is theirs.
bundle/.built: node_modules/.installed package.json bin/bundle-name scripts/bundle.ts \
    $(shell find src gen/typescript -name dist -prune -o -type f -print)
	@npm run --silent bundle
	@touch $@

test: node_modules/.installed .venv/.installed
	@PATH="$(CURDIR)/.venv/bin:$(PATH)" npm run --silent test:all

# What a Citus cluster is asked, whose coordinator CITUS_URL names: docs/citus.md
test-citus: node_modules/.installed
	@if [ -n "$(CITUS_URL)" ]; then CITUS_URL='$(CITUS_URL)' npm run --silent test:citus; \
	else echo 'skipped: CITUS_URL names no coordinator of a Citus cluster (docs/citus.md)'; fi

check: node_modules/.installed .venv/.installed
	@PATH="$(CURDIR)/.venv/bin:$(PATH)" npm run --silent check

# The image, with its version and where it is from.
image:
	docker build --tag gravitas-telemetry \
	  --build-arg VERSION=$$(sed -n 's/^  "version": "\(.*\)",/\1/p' package.json) \
	  --build-arg SOURCE=$$(git config --get remote.origin.url) \
	  --build-arg REVISION=$$(git rev-parse HEAD) .

# Pins the image's base to the digest that its tag has today: once before a release, then commit.
image-base:
	@base=$$(sed -n 's/^ARG NODE_IMAGE=\([^@]*\).*/\1/p' Dockerfile) && \
	digest=$$(docker buildx imagetools inspect "$$base" --format '{{.Manifest.Digest}}') && \
	{ echo "$$digest" | grep -Eq '^sha256:[0-9a-f]{64}$$' || { echo "$$base has no digest: $$digest" >&2; exit 1; }; } && \
	sed -i.old "s|^ARG NODE_IMAGE=.*|ARG NODE_IMAGE=$$base@$$digest|" Dockerfile && rm Dockerfile.old && \
	grep '^ARG NODE_IMAGE' Dockerfile

# Licences and known faults of what is used, and a list of it: dist/sbom.cdx.json
audit: node_modules/.installed .venv/.installed
	@-[ -e .venv/bin/pip-audit ] || .venv/bin/pip install --quiet --disable-pip-version-check -r scripts/audit/requirements.txt
	@PATH="$(CURDIR)/.venv/bin:$(PATH)" npm run --silent audit

# Writes gen/ from proto/.
generate: node_modules/.installed .venv/.installed
	@PATH="$(CURDIR)/.venv/bin:$(PATH)" npm run --silent generate

# What services install, into dist/: npm install dist/gravitas-telemetry-client-*.tgz and
# pip install dist/gravitas_telemetry-*.whl
packages: package-npm package-python

package-npm: node_modules/.installed
	@mkdir -p dist
	@PATH="$(CURDIR)/node_modules/.bin:$(PATH)" npm pack --silent --pack-destination dist ./clients/typescript

package-python: .venv/.installed
	@.venv/bin/python -m build --wheel --no-isolation --outdir dist clients/python >/dev/null

# The collector beside raw COPY and others, for about 13 minutes: docs/performance.md.
# Parts of it: make bench BENCH='--only raw,stream --rounds 3'
bench: node_modules/.installed
	@-$(MAKE) --no-print-directory bench/.venv/.installed
	@npm run --silent bench -- $(BENCH)

# Beside Telegraf, the OpenTelemetry Collector (both built with Go, once) and the RFC's design. The
# report names what can't be built.
bench-peers: node_modules/.installed
	@-$(MAKE) --no-print-directory bench/.venv/.installed
	@npm run --silent bench:peers -- $(BENCH)

# How long the questions of dashboards take: make bench-query BENCH='--events 100000000'
bench-query: node_modules/.installed
	@npm run --silent bench:query -- $(BENCH)

# What the client libraries cost their callers, and how much they deliver: make bench-clients ROUNDS=1;
# beside the libraries of another checkout: make bench-clients BESIDE=../before
bench-clients: bench-clients-python bench-clients-typescript

bench-clients-python: node_modules/.installed .venv/.bench-installed
	@PATH="$(CURDIR)/node_modules/.bin:$(CURDIR)/.venv/bin:$(PATH)" python clients/python/bench/main.py

bench-clients-typescript: node_modules/.installed
	@npm run --silent bench:client

# Tortures a collector with faults: make chaos SEED=7 FAULTS=100 (docs/reliability.md); with
# CITUS=/usr/lib/postgresql/16/bin the cluster that it makes of those programs, and kills.
chaos: node_modules/.installed
	@npm run --silent chaos -- --seed $(or $(SEED),1) --faults $(or $(FAULTS),60) $(if $(CITUS),--citus $(CITUS)) $(CHAOS)

# Damaged requests of every protocol: make fuzz SEED=7 INPUTS=1000000
fuzz: node_modules/.installed
	@npm run --silent fuzz -- --seed $(or $(SEED),1) --inputs $(or $(INPUTS),100000)

# Connect's conformance suite against the collector's front; needs Go: docs/conformance.md.
conformance: node_modules/.installed
	@npm run --silent conformance -- $(CONFORMANCE)

node_modules/.installed: package.json package-lock.json .npmrc
	npm install --no-save --loglevel=error
	@touch $@

.venv/.installed: requirements-dev.txt
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

bench/.venv/.installed: bench/peers/requirements.txt
	$(PYTHON) -m venv bench/.venv
	bench/.venv/bin/pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt
	@touch $@

.venv/.bench-installed: .venv/.installed clients/python/bench/requirements.txt
	.venv/bin/pip install --quiet --disable-pip-version-check -r clients/python/bench/requirements.txt
	@touch $@

clean:
	rm -rf node_modules .venv bench/.venv bundle dashboard/dist
