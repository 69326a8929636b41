# ruff: noqa: F401
"""Imported by the warm parent of Prefect's servers alone, once: what a server imports when it starts.

Each server is a fork of that parent. It registers the blocks of all collections that are installed, Dask's among them,
and reads the history of its database, and cannot keep the bytecode of any of it: two seconds.
"""

from __future__ import annotations

import prefect.server.api.server
import prefect.server.database.query_components
import prefect.server.models.block_registration
from alembic.script import ScriptDirectory
from prefect.plugins import load_prefect_collections
from prefect.server.database.alembic_commands import alembic_config

import mlops_probes.warm_uvicorn

load_prefect_collections()
ScriptDirectory.from_config(alembic_config()).get_heads()
