# Two commands do everything: `make serve` and `make test`. Each sets up what it needs, once.

PREPARE = $(shell sh tools/find_python.sh) tools/prepare.py
BIN = .venv/bin
CODE = src tests tools $(wildcard bench)
QUICK = tests/house $(wildcard tests/core/test_model.py tests/core/*/test_model.py \
	tests/apps/*/test_model.py tests/apps/*/test_wire.py)

.DEFAULT_GOAL := help
.PHONY: help serve test check lint fmt bench soak fuzz pictures docs lock release clean prepare-serve prepare-check prepare-test

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: prepare-serve ## Set everything up and serve on http://localhost:4698
	@exec $(BIN)/fazt serve

test: prepare-test lint ## Set everything up (Debian packages too, when root), then check and run every test
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

check: prepare-check lint ## Format, lint, types, import contracts and the quick tests, in seconds
	$(BIN)/python -m pytest -q $(QUICK)

lint: prepare-check
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-logo

fmt: prepare-check ## Format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix-only $(CODE)
	$(BIN)/ruff format $(CODE)

bench: prepare-test ## Measure fazt beside its peers; `make bench ONLY=db` for one part
	@for file in $(or $(ONLY:%=bench/%.py),$(sort $(wildcard bench/[!_]*.py))); do \
		echo "== $$file"; $(BIN)/python $$file || failed="$$failed $$file"; done; \
		test -z "$$failed" || { echo "These failed:$$failed"; exit 1; }

soak: prepare-test ## All apps under load and kill -9: `make soak MINUTES=10 KILLS=5`; what was acknowledged is there
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10) --kills $(or $(KILLS),5) $(if $(SEED),--seed $(SEED))

fuzz: prepare-test ## Damaged input for every protocol: `make fuzz MINUTES=5 ONLY=smtp`
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),5) $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED))

docs: prepare-check ## Write docs/reference.md from the manifests, and the pages of docs/ into site/
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.pages

pictures: prepare-test ## Take the pictures of docs/guide anew
	$(BIN)/python -m tests.e2e.pictures

lock: prepare-serve ## Choose new versions for requirements.lock (UPGRADE=1 for the newest)
	$(BIN)/python -m tools.lock $(if $(UPGRADE),--upgrade)

release: prepare-check ## Build the release into dist/: tried, packed, signed (FAZT_RELEASE_KEY), and the wheel
	$(BIN)/python -m tools.release

clean: ## Remove what make has made; data/ stays
	rm -rf .venv .cache site build dist tests/e2e/node_modules tests/e2e/*/node_modules

prepare-serve:
	@$(PREPARE) serve

prepare-check:
	@$(PREPARE) check

prepare-test:
	@$(PREPARE) test
