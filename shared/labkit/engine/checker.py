"""The checker process: trusted, one for each run. It runs the checks and tells the conductor each result."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import sys
import traceback
from pathlib import Path

from labkit.checking.checker import run_checks
from labkit.checking.doors import Doors
from labkit.checking.drivers import Drivers, driver_job
from labkit.checking.run import CheckRun
from labkit.course.catalog import load_catalog
from labkit.engine.orders import Order, ask, tell
from labkit.sandbox.spawn import SpawnedWorkers
from labkit.sandbox.workers import Nursery, WorkerSource


def serve_run(
    channel: socket.socket, control: socket.socket | None = None, second: socket.socket | None = None
) -> None:
    """Receive the order for one run, carry it out, and end this process.

    Args:
        channel: where the order comes from and the results go.
        control: gives orders to the nursery of the run; None where workers are fresh processes.
        second: the same for the nursery in which checks drive a service, once it was asked for.
    """
    status = 3
    try:
        with contextlib.suppress(OSError):  # where memory is short, one run ends, and not the engine of all
            Path("/proc/self/oom_score_adj").write_text("500")
        order = Order.receive(channel)
        os.environ.update(order.environment)
        source: WorkerSource = Nursery(control, order.job) if control else SpawnedWorkers(order.job)
        status = check(order, source, channel, second)
    except BaseException:
        tell(channel, {"broken": traceback.format_exc()[-3000:]})
    finally:
        os._exit(status)


def check(order: Order, source: WorkerSource, channel: socket.socket, second: socket.socket | None) -> int:
    """Run the checks and tell each result; return pytest's exit status."""
    if not os.environ.get("LABKIT_DEBUG"):
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(quiet, number)
    doors = Doors(source, lambda message: ask(channel, message))
    drivers = Drivers(lambda: _open_second(order, channel, second) if second else None)
    run = CheckRun(
        order.root, load_catalog(order.root).lab(order.lab), order.track, order.exercises, order.collected,
        source, doors, order.job.walls.work,
        lambda result: tell(channel, {"result": dataclasses.asdict(result.bounded())}),
        lambda expected: tell(channel, {"announce": expected}),
        order.seed,
        order.checks,
        begin=lambda exercise, check, title: tell(channel, {"begin": [exercise, check, title]}),
        done=frozenset(order.done),
        drivers=drivers,
    )  # fmt: skip
    try:
        return run_checks(run)
    finally:
        tell(channel, {"missing": sorted(source.missing), "seed": run.seed})
        doors.close()
        drivers.close()
        source.close()


def _open_second(order: Order, channel: socket.socket, control: socket.socket) -> WorkerSource:
    answer = ask(channel, {"second nursery": True})
    if "broken" in answer:
        raise RuntimeError(answer["broken"])
    return Nursery(control, driver_job(order.root, order.job.walls.work.parent / "drivers"))


if __name__ == "__main__":
    serve_run(socket.socket(fileno=int(sys.argv[1])))
