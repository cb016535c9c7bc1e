# `make study` and `make test` set up .venv from the lock, then run. Both can be repeated.
PYTHON ?= python3
BIN := .venv/bin
BENCH := PYTHONPATH=src $(BIN)/python -m
RULES := Snakefile workflow/rules

.PHONY: study test test-slow check readme bench bench-short test-bench soak slurm test-slurm audit

# An environment on top of .venv, so that all else sees a plain installation: $(@D), with what $< lists.
define ON_TOP
	$(BIN)/python -m venv --without-pip $(@D)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
	    `$(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'`/venv.pth
	$(BIN)/python -m pip --python $(@D)/bin/python install --quiet --no-deps --requirement $<
	touch $@
endef

study: .venv/ready
	$(BIN)/snakemake --cores all

# Three workers on two cores, since tests on SLURM mostly wait.
test: .venv/ready check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Takes some twenty minutes: studies of known truth through the tables, whose rates of error it prints, and large figures.
test-slow: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -s tests/unit/analysis tests/unit/figures

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check $(RULES)
	$(BIN)/mypy
	$(BIN)/snakemake --lint

# README.md and its heatmap, from the tables of a `make study` in docs/demo/.
readme: .venv/ready
	$(BIN)/python docs/demo/make.py

# Takes an hour: see tests/soak.py. For example: make soak SOAK='--minutes 5 --configfile tiny.yaml'
soak: .venv/ready
	$(BIN)/python tests/soak.py $(SOAK)

bench: .venv/ready
	$(BENCH) bench.engine --repetitions 2
	$(BENCH) bench.methods --repetitions 2
	$(BENCH) bench.mixtures --repetitions 2
	$(BENCH) bench.steps
	$(BENCH) bench.study
	$(BENCH) bench.planning
	$(BENCH) bench.gpu

# Some six minutes: a task of each script, once; results in results/bench/short.
bench-short: export INTERLUDE_BENCH_RESULTS = results/bench/short
bench-short: .venv/ready
	$(BENCH) bench.engine --tasks sarcasm --steps 4 --repetitions 1
	$(BENCH) bench.methods --tasks sarcasm --steps 4 --repetitions 1
	$(BENCH) bench.mixtures --pairs sarcasm+privacy-qa --steps 8 --repetitions 1
	$(BENCH) bench.steps --tasks sarcasm --steps 6 --repetitions 1
	$(BENCH) bench.study --loops tuned
	$(BENCH) bench.planning --restarts 3 --scheduled-restarts

test-bench: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/bench

# Licences of what is installed, then known vulnerabilities. Fails where there is one, and where the
# database of vulnerabilities cannot be reached: what was not audited must not look as if it were.
audit: .venv/audit/ready
	.venv/audit/bin/pip-licenses --python $(BIN)/python --from mixed
	.venv/audit/bin/pip-audit --strict --no-deps --disable-pip \
	    --requirement requirements.lock --requirement requirements-cluster.lock

.venv/audit/ready: requirements-audit.lock .venv/ready
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --quiet --requirement $<
	touch $@

# As root, on Debian or Ubuntu: installs SLURM, starts it for the tests on the loopback interface.
test-slurm: slurm
	$(BIN)/python -m pytest tests/slurm

slurm: .venv/slurm/ready
	tests/slurm/onebox.sh install

.venv/slurm/ready: requirements-cluster.lock .venv/ready
	$(ON_TOP)

.venv/ready: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	touch $@
