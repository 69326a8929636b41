# ruff: noqa: F401
"""Imported by the warm parent alone, once: what a flow of Prefect that trains a model imports in its first run."""

from __future__ import annotations

import anyio._backends._asyncio
import graphviz  # type: ignore[import-untyped]
import matplotlib.backends.backend_agg
import matplotlib.figure
import mlflow.sklearn
import mlflow.store.artifact.local_artifact_repo
import PIL.Image
import prefect.artifacts
import prefect.flow_engine
import prefect.schedules
import prefect.task_engine
import pydantic.v1
import sklearn.compose
import sklearn.tree
import skops.io  # type: ignore[import-untyped]

import mlops_probes.warm_mlflow

PIL.Image.preinit()  # the kinds of pictures: each is a module of its own
