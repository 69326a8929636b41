"""What a checker is told: one run of a lab's checks on one submission, as plain data and the texts of its files."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.course.tracks import Collected, Track
from labkit.sandbox.job import Job
from labkit.sandbox.wire import SocketStream, pack, read_frame


@dataclass(frozen=True)
class Order:
    """A run: `exercises` of lab `lab`, of these only `checks` where some are named; `job` is for the workers.

    `done` are checks that were judged before: the checker that was to run them all has ended.
    """

    root: Path
    lab: int
    exercises: tuple[str, ...]
    checks: tuple[str, ...]
    seed: int
    environment: Mapping[str, str]
    track: Track
    collected: Collected
    job: Job
    done: tuple[tuple[str, str], ...] = ()

    def send(self, channel: socket.socket) -> None:
        """Send it."""
        document = {
            "root": str(self.root), "lab": self.lab, "exercises": self.exercises, "checks": self.checks,
            "seed": self.seed, "environment": dict(self.environment), "job": self.job.to_json(),
            "track": [self.track.name, str(self.track.folder), self.track.shown],
            "files": list(self.collected.texts), "problems": self.collected.problems,
            "done": self.done,
        }  # fmt: skip
        channel.sendall(pack(document, list(self.collected.texts.values())))

    @staticmethod
    def receive(channel: socket.socket) -> Order:
        """Receive what `send` sent."""
        data, blobs = read_frame(SocketStream(channel))
        name, folder, shown = data["track"]
        return Order(
            Path(data["root"]), data["lab"], tuple(data["exercises"]), tuple(data["checks"]), data["seed"],
            data["environment"], Track(name, Path(folder), shown),
            Collected(dict(zip(data["files"], blobs, strict=True)), data["problems"]), Job.from_json(data["job"]),
            tuple((exercise, check) for exercise, check in data["done"]),
        )  # fmt: skip


def tell(channel: socket.socket, message: Mapping[str, Any]) -> None:
    """Write one message to the conductor, all of it."""
    channel.sendall(json.dumps(message).encode() + b"\n")


def ask(channel: socket.socket, message: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the conductor for something, and wait for the answer."""
    tell(channel, {"ask": message})
    answer, _ = read_frame(SocketStream(channel))
    return dict(answer)
