# ruff: noqa: F401
"""Imported by the warm parent alone, once: what MLflow works out at its first use in a process.

Each worker is a fork of that parent and would spend a second and a half on it. A worker also cannot keep the bytecode
of what it imports. This is why work happens on import in these modules, `warm_…`, and nowhere else.
"""

from __future__ import annotations

import alembic.command
import git  # MLflow asks which commit the code is of
import IPython  # MLflow looks whether it runs in a notebook
import mlflow.models.display_utils
import mlflow.pyfunc
import mlflow.store.db.utils
import mlflow.store.model_registry.sqlalchemy_workspace_store
import mlflow.store.tracking.sqlalchemy_workspace_store
import mlflow.tracing.processor.base_mlflow
import sqlalchemy.dialects.sqlite
from mlflow.utils import requirements_utils
from sqlalchemy.orm import configure_mappers

configure_mappers()
# Which package a module belongs to: MLflow reads the metadata of all that is installed.
requirements_utils._init_modules_to_packages_map()  # type: ignore[no-untyped-call]
# Some sixty steps of a database's history: each new connection reads them.
mlflow.store.db.utils._get_latest_schema_revision()  # type: ignore[no-untyped-call]
