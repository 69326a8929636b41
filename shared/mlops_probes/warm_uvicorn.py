# ruff: noqa: F401
"""Imported by the warm parents alone, once: what Uvicorn imports when it starts to serve, found as it finds it."""

from __future__ import annotations

import anyio._backends._asyncio
import uvicorn.lifespan.on
import uvicorn.protocols.http.auto
import uvicorn.protocols.websockets.auto
from uvicorn.loops.auto import auto_loop_factory

auto_loop_factory()
