# `make` lists the targets. The first one that you run makes .venv; the thinking is in `lab` and in scripts/.
.DEFAULT_GOAL := help
.PHONY: help test test-live lint lock sync clean elective-dvc bench-labkit bench-serving cluster-up
.PHONY: deploy smoke cluster-down live-kubernetes bench-cluster bench-pipeline elective-feast
.PHONY: elective-spark bench-tracking demo bench-monitoring

# A user who sets PYTHONDONTWRITEBYTECODE would wait for the same compilation at every command.
unexport PYTHONDONTWRITEBYTECODE

# No tool of the stack reports home (mlflow, prefect, evidently).
export DO_NOT_TRACK = true

# A checkout that was moved or copied, or whose Python was removed, is made ready anew.
ifneq ($(shell test -x .venv/bin/python && head -n 1 .venv/.ready 2>/dev/null),$(CURDIR))
.PHONY: .venv/.ready
endif

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-zA-Z0-9%-]+:.*## / { sub(/%/, "N", $$1); printf "  make %-16s %s\n", $$1, $$2 }' Makefile

.venv/.ready: requirements.lock pyproject.toml
	@sh scripts/bootstrap.sh

lab-%: .venv/.ready  ## begin week N: its guide, the board of its exercises, the next command
	@.venv/bin/lab start $*

check-%: .venv/.ready  ## check your work on lab N, or on one exercise: make check-1.2
	@.venv/bin/lab check $*

watch-%: .venv/.ready  ## check lab N again each time you save a file
	@.venv/bin/lab watch $*

notebook-%: .venv/.ready  ## open the guided tour of lab N in JupyterLab
	@sh scripts/notebook.sh $*

up-%: .venv/.ready  ## run the servers that lab N talks to, until Ctrl-C; ARGS=--port=mlflow=5001 takes another port
	@.venv/bin/lab up $(strip $* $(ARGS))

test: .venv/.ready  ## run all that needs no Docker, no cluster and no cloud
	@sh scripts/test.sh $(ARGS)

test-live: .venv/.ready  ## run what needs Docker or a browser: images are built and run, pages are opened
	@sh scripts/test_live.sh $(ARGS)

image-%:  ## build the image of lab N; TRACK=solutions takes the solution
	@sh scripts/build_image.sh $* $(ARGS)

cluster-up: .venv/.ready  ## make a cluster with kind; ARGS=--offline builds one without an image registry
	@.venv/bin/python -m k8s up $(ARGS)

deploy: .venv/.ready  ## roll the service out on the cluster; ARGS=--mine takes your own labs/
	@.venv/bin/python -m k8s deploy $(ARGS)

secrets-%: .venv/.ready  ## make the passwords of an add-on: mlflow, prefect, monitoring
	@.venv/bin/python -m k8s secrets $* $(ARGS)

deploy-%: .venv/.ready  ## add mlflow, prefect, dask, monitoring, loki or elastic to the cluster
	@.venv/bin/python -m k8s addon $* $(ARGS)

smoke: .venv/.ready  ## ask the service on the cluster, through Ingress and Service
	@.venv/bin/python -m k8s smoke

cluster-down: .venv/.ready  ## remove the cluster
	@.venv/bin/python -m k8s down

chaos-%: .venv/.ready  ## game day of week N: something is broken, mend it; SEED=7 chooses, ARGS=--give-up explains
	@.venv/bin/python -m weeks.$(notdir $(wildcard weeks/week$*_*)).chaos $(if $(SEED),--seed $(SEED)) $(ARGS)

game-day-%: .venv/.ready  ## game day of week N: metrics and reports say what is the matter; SEED=7, ARGS='--answer …'
	@.venv/bin/python -m weeks.$(notdir $(wildcard weeks/week$*_*)).game_day $(if $(SEED),--seed $(SEED)) $(ARGS)

report-%: .venv/.ready  ## write the dashboard of week N as one page, without Grafana; ARGS=--mine takes your queries
	@.venv/bin/python -m weeks.$(notdir $(wildcard weeks/week$*_*)).report $(ARGS)

live-kubernetes: .venv/.ready  ## test lab 3 on the cluster of KUBECONFIG: rollouts, failures, scaling under load
	@sh scripts/live_kubernetes.sh $(ARGS)

lint: .venv/.ready  ## check style, types, import rules and stray words
	@sh scripts/lint.sh

lock:  ## write requirements.lock anew; ARGS=--upgrade takes newer versions
	@sh scripts/lock.sh $(ARGS)

sync: .venv/.ready  ## for authors: write the starters in labs/ anew from solutions/
	@.venv/bin/lab dev sync

bench-labkit: .venv/.ready  ## time the exercise engine against plain pytest
	@.venv/bin/python -m bench.labkit $(ARGS)

bench-serving: .venv/.ready  ## load the service of week 2 beside MLflow and BentoML; ARGS=--write keeps the figures
	@.venv/bin/python -m bench.serving $(ARGS)

demo: .venv/.ready  ## play a year through the finished system: drift, alert, retraining; ARGS=--mine takes your labs
	@.venv/bin/python -m weeks.demo $(ARGS)

bench-cluster: .venv/.ready  ## measure lab 3 on the cluster: losses, memory, scaling; ARGS=--write keeps the figures
	@.venv/bin/python -m bench.cluster $(ARGS)

bench-monitoring: .venv/.ready  ## time the metrics, the scrape and the drift report of week 6; ARGS=--write keeps the figures
	@.venv/bin/python -m bench.monitoring $(ARGS)

bench-tracking: .venv/.ready  ## time a record of week 4, and swap its champion under 200 requests a second
	@.venv/bin/python -m bench.tracking $(ARGS)

elective-dvc: .venv/.ready  ## week 4, elective: a tour of DVC, which gets an environment of its own
	@sh scripts/elective_dvc.sh

elective-feast: .venv/.ready  ## the features of week 5 in Feast, in an environment of its own (500 MB)
	@sh scripts/elective_feast.sh

elective-spark: .venv/.ready  ## the aggregation of week 5 on Spark, in an environment of its own (750 MB, Java 17)
	@sh scripts/elective_spark.sh

bench-pipeline: .venv/.ready  ## time the contract and the features of week 5 on up to 10 million rows
	@.venv/bin/python -m bench.pipeline $(ARGS)

clean:  ## remove .venv and the caches; your work and your progress stay
	@sh scripts/clean.sh
