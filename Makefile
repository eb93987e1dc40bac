# Each line runs one command of the course's own kit; ARGS are passed on: make test ARGS="--part core"
PYTHON ?= python3
ARGS ?=
KIT = $(PYTHON) -m coursekit

.PHONY: help book serve lab test test-quick exercises check grade experiments clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 20

book: ## build the book into _build/html
	$(KIT) book $(ARGS)

serve: ## show the book at 127.0.0.1
	$(KIT) serve $(ARGS)

lab: ## open the exercises in JupyterLab
	$(KIT) lab $(ARGS)

test: ## all tests, part by part
	$(KIT) test $(ARGS)

test-quick: ## the tests that take under two minutes
	$(KIT) test --quick $(ARGS)

exercises: ## build exercises/ from solutions/
	$(KIT) exercises build $(ARGS)

check: ## check your answers: make check ARGS=03_lstm
	$(KIT) check $(ARGS)

grade: ## grade a trial class, or: make grade ASSIGNMENT=03_lstm SUBMISSIONS=folder
	$(KIT) grade $(if $(ASSIGNMENT),--assignment "$(ASSIGNMENT)") $(if $(SUBMISSIONS),--submissions "$(SUBMISSIONS)") $(ARGS)

experiments: ## list the experiments, or run one: make experiments ARGS=recall
	$(KIT) experiments $(ARGS)

clean: ## remove what was built (.venv, the gradebook and finished rows of experiments stay)
	rm -rf _build/html _build/.doctrees _build/.jupyter_cache _build/jupyter_execute _build/tests .pytest_cache .ruff_cache
