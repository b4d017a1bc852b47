# Tasks of reportgen. Paths are relative, so that the clone's folder may have spaces in its name.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help report sample install develop pdf-libraries test-programs test fuzz lint format lock fonts wheel \
	benchmark docs clean always

# The first that is new enough is taken: PYTHON=python3.12 make report
PYTHON ?= python3 python3.13 python3.12 python3.11
PYTEST_ARGS ?= -n logical --dist loadfile
BENCHMARK_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# On a terminal pip shows that it works; a log need not have that.
QUIET := $(if $(MAKE_TERMOUT),,--quiet)
PROJECT := pyproject.toml requirements.lock
# As pip does with all but what is editable: else the first build does it, or, where
# PYTHONDONTWRITEBYTECODE is set, every one, which takes it a third of a second.
COMPILE = $(BIN)/python -m compileall -q reportgen || true

PDF_PACKAGES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0

help: ## List the tasks
	@echo 'Tasks of reportgen:'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r task text; \
	do printf '%-14s %s\n' "$$task" "$$text"; done
	@echo 'PYTHON=python3.12 make ... takes another Python; NO_APT=1 make ... leaves the system alone.'
	@echo 'CDFS_DATA=/folder make report reads the survey there: crowdastro.h5 and the others.'

report: install pdf-libraries sample ## Build the report of configs/cdfs.yaml; sets up what it needs
	@if $(BIN)/python -c 'import weasyprint' >/dev/null 2>&1; then set --; else \
		echo 'Building without the PDF: its system libraries are not there.'; \
		set -- --set 'output.formats=[html]'; \
	fi; \
	$(BIN)/python -m reportgen configs/cdfs.yaml "$$@" \
	&& echo 'The report is build/cdfs/latest/report.html'

sample: install ## Make the sample survey in data/cdfs, unless there are data or CDFS_DATA names some
	@if [ -n "$$CDFS_DATA" ]; then echo "The survey is the one of CDFS_DATA: $$CDFS_DATA"; \
	elif ! ls data/cdfs/*.h5 >/dev/null 2>&1; then \
		echo 'Making a synthetic survey in data/cdfs'; \
		$(BIN)/python -m reportgen sample data/cdfs; \
	fi

install: $(VENV)/.installed ## Install reportgen in .venv, with the versions of requirements.lock

develop: $(VENV)/.developed ## Install also what tests and linters need

# Looked at each time: an update of the system may have taken the Python away that it was made with.
$(VENV)/.made: always
	@.ci/make-venv $(VENV) $(PYTHON)

$(VENV)/.installed: $(VENV)/.made $(PROJECT)
	@echo 'Installing reportgen in $(VENV); the first time takes some minutes'
	@$(PIP) install $(QUIET) --constraint requirements.lock --editable '.[all]'
	@$(COMPILE)
	@touch $@

$(VENV)/.developed: $(VENV)/.made $(PROJECT)
	@echo 'Installing reportgen and what its tests need in $(VENV); the first time takes some minutes'
	@$(PIP) install $(QUIET) --constraint requirements.lock --editable '.[all,dev]'
	@$(COMPILE)
	@touch $(VENV)/.installed $@

$(VENV)/.benchmarks: $(VENV)/.installed
	@echo 'Installing what the notebook of the benchmark needs in $(VENV)'
	@$(PIP) install $(QUIET) --constraint requirements.lock --editable '.[all,bench]'
	@touch $@

$(VENV)/.documented: $(VENV)/.installed
	@echo 'Installing what the documentation site needs in $(VENV)'
	@$(PIP) install $(QUIET) --constraint requirements.lock --editable '.[docs]'
	@touch $@

# Neither of the next two fails: a report without PDF, and tests that skip, are better than none.
pdf-libraries: install
	@$(BIN)/python -c 'import weasyprint' >/dev/null 2>&1 \
	|| .ci/system-packages 'the PDF of the report' $(PDF_PACKAGES) || true

test-programs:
	@set --; \
	command -v pdftotext >/dev/null || set -- "$$@" poppler-utils; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	|| command -v google-chrome >/dev/null || set -- "$$@" chromium; \
	command -v systemd-analyze >/dev/null || set -- "$$@" systemd; \
	command -v crontab >/dev/null || set -- "$$@" cron; \
	[ $$# = 0 ] || .ci/system-packages \
		'tests of pages in a browser, of PDF files, of units or of crontabs' "$$@" || true

test: develop pdf-libraries test-programs lint ## Run the linters and all tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

fuzz: develop ## Try REPORTGEN_FUZZ odd inputs of each kind, 20000 if not given
	@REPORTGEN_FUZZ=$${REPORTGEN_FUZZ:-20000} $(BIN)/python -m pytest $(PYTEST_ARGS) \
		-o faulthandler_timeout=0 tests/fuzz

lint: develop ## Run the linters: ruff, mypy, import-linter
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports --no-logo

format: develop ## Format the code, and mend what ruff can mend
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

benchmark: $(VENV)/.benchmarks pdf-libraries test-programs ## Measure reportgen beside a notebook
	@$(BIN)/python benchmarks/run $(BENCHMARK_ARGS)

docs: report $(VENV)/.documented ## Make the documentation site in docs/_build; warnings are errors
	@for night in 1 2 3 4 5 6; do \
		SOURCE_DATE_EPOCH=$$((1790000000 + 86400 * night)) $(BIN)/python -m reportgen docs/gallery.yaml \
			--set "sections.offsets.where=id % 7 != $$night" --quiet || exit; \
	done
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build
	@echo 'The site is docs/_build/index.html'

lock: develop ## Renew the versions in requirements.lock
	@UV_SYSTEM_CERTS=1 $(BIN)/python -m uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--all-extras --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
		--output-file requirements.lock pyproject.toml

fonts: develop ## Cut the fonts of reports from the originals in fonts/
	@$(BIN)/python fonts/cut.py

wheel: develop ## Build the wheel and the source distribution in dist/
	@rm -rf dist
	@$(BIN)/python -m build --outdir dist

clean: ## Remove .venv, dist and caches; data and reports stay
	rm -rf $(VENV) dist docs/_build docs/reference .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find reportgen tests -name __pycache__ -type d -prune -exec rm -rf {} +
