"""Doors: the one way from a worker to a real server, such as MLflow's, that stands outside.

A worker has no network. An exercise that names a service in `lab.toml` finds, in its environment, an address on the
worker's own loopback: there listens a door, and behind it stands that server and nothing else.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from labkit.checking.expect import CheckFailed
from labkit.checking.relay import Bounds, Relay
from labkit.course.lab import Exercise
from labkit.sandbox.server import HOST
from labkit.sandbox.workers import WorkerSource

RESTART_SECONDS = 10.0
"""How long a server may be away that has ended and is started again."""

Ask = Callable[[dict[str, Any]], dict[str, Any]]


class Door:
    """The way to one server, whose state belongs to one exercise of this run alone.

    `state` is the folder of what the server has written: data of the learner's making, to be opened as data only.
    `environment` is what a worker is given.
    """

    def __init__(
        self,
        source: WorkerSource,
        server: Mapping[str, Any],
        how_gone: Callable[[], str],
        bounds: Bounds | None = None,
    ) -> None:
        self.title = str(server["title"])
        self.state = Path(server["state"])
        self._address = str(server["address"])
        self._source = source
        self._how_gone = how_gone
        self._bounds = bounds
        listener = source.listen(int(server["port"]))
        self.port = int(listener.getsockname()[1])
        self._relay = Relay(listener, self._connect, bounds)
        self._past: list[Relay] = []
        self._own: Relay | None = None
        self._own_port = 0
        self.environment = {
            name: value.replace("{url}", f"http://{HOST}:{self.port}") for name, value in server["client"].items()
        }

    def _connect(self) -> socket.socket:
        """Connect to the server; wait a moment for one that is just being started again."""
        end = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                return self._connect_once()
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def _connect_once(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(2.0)  # a server that hangs must not hold the relay
        try:
            connection.connect(self._address)
        except OSError:
            connection.close()
            raise
        return connection

    @property
    def url(self) -> str:
        """The check's own way to the server, which is not counted: `http://127.0.0.1:41234`."""
        if self._own is None:
            listener = socket.create_server((HOST, 0))
            self._own_port = int(listener.getsockname()[1])
            self._own = Relay(listener, self._connect)
        return f"http://{HOST}:{self._own_port}"

    @property
    def requests(self) -> list[str]:
        """The first lines of the HTTP requests that came through, as `GET /health HTTP/1.1`."""
        return [line for relay in (*self._past, self._relay) for line in relay.requests]

    @property
    def connections(self) -> int:
        """How many connections were opened."""
        return sum(relay.opened for relay in (*self._past, self._relay))

    @property
    def bytes(self) -> int:
        """How many bytes came through, both ways."""
        return sum(relay.asked + relay.answered for relay in (*self._past, self._relay))

    def shut(self) -> None:
        """Cut everything off and refuse connections, as if the server were down. The check's own way stays."""
        self._relay.close()

    def open(self) -> None:
        """Open a door that was shut, at the same address."""
        listener = self._source.listen(self.port)
        if listener.getsockname()[1] != self.port:
            listener.close()
            raise ServiceUnavailable(f"the address of the door to {self.title} is taken")
        self._past.append(self._relay)
        self._relay = Relay(listener, self._connect, self._bounds)

    def trouble(self) -> Exception | None:
        """What stood between the learner's code and the server: too much came through, or the server is gone."""
        for relay in (*self._past, self._relay):
            if relay.overrun:
                return CheckFailed(
                    expected=f"a moderate number of requests to {self.title}",
                    found=f"{relay.overrun} went through the door, and it was shut",
                    help="look for a loop that asks again and again, or for a large file that is sent each time",
                )
        gone = self._how_gone()
        return ServiceUnavailable(gone) if gone else None

    def close(self) -> None:
        """End both ways."""
        self._relay.close()
        if self._own is not None:
            self._own.close()


class Doors:
    """The doors of one run. Each exercise has servers of its own, with a fresh state, until the next exercise begins.

    Args:
        ask: asks the conductor for a server, and gives it back.
    """

    def __init__(self, source: WorkerSource, ask: Ask) -> None:
        self._source = source
        self._ask = ask
        self._doors: dict[str, dict[str, Door]] = {}
        self._given: dict[str, list[int]] = {}

    def of(self, exercise: Exercise) -> Mapping[str, Door]:
        """Return the doors of an exercise by the name of the service, made where they are not there yet.

        Raises:
            ServiceUnavailable: where a server cannot be started.
        """
        doors = self._doors.setdefault(exercise.id, {})
        for name in exercise.services:
            if name not in doors:
                server = self._ask({"service": name})
                if "broken" in server:
                    raise ServiceUnavailable(str(server["broken"]))
                number = int(server["server"])
                self._given.setdefault(exercise.id, []).append(number)
                doors[name] = Door(self._source, server, partial(self._how_gone, number))
        return doors

    def _how_gone(self, number: int) -> str:
        return str(self._ask({"alive": number}).get("gone", ""))

    def trouble(self, exercise: str) -> Exception | None:
        """What stood between the learner's code and a server of an exercise, if anything did."""
        found = (door.trouble() for door in self._doors.get(exercise, {}).values())
        return next((trouble for trouble in found if trouble is not None), None)

    def environment(self, exercise: Exercise) -> dict[str, str]:
        """Return what a worker of this exercise is told of its doors."""
        return {name: value for door in self.of(exercise).values() for name, value in door.environment.items()}

    def template(self, name: str) -> Path:
        """Return the folder of a fresh state of a service, for checks that need no server: files to copy, not to write.

        Raises:
            ServiceUnavailable: where it is not there and cannot be made.
        """
        answer = self._ask({"template": name})
        if "broken" in answer:
            raise ServiceUnavailable(str(answer["broken"]))
        return Path(answer["template"])

    def leave(self, exercise: str) -> None:
        """Close the doors of an exercise, and give its servers back."""
        for door in self._doors.pop(exercise, {}).values():
            door.close()
        for server in self._given.pop(exercise, []):
            self._ask({"release": server})

    def close(self) -> None:
        """Close all of them."""
        for exercise in list(self._doors):
            self.leave(exercise)


class ServiceUnavailable(Exception):
    """A server that a check needs could not be started: the engine's fault."""
