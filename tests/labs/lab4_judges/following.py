"""Judgements of 4.5: the service follows the registry, whatever happens to it."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from lab2_judges import inputs
from lab2_judges.models import Models

from lab4_judges.registered import Registry
from labkit.checking.doors import Door
from labkit.checking.service import Answer, Service
from labkit.checks import CheckFailed, LabHandle, LearnerFault, LearnerStopped, expect, fail
from mlops_probes.service import Told
from mlops_probes.serving import LOADED, LOADING, Champion

FOLDER = "models"
PRICE = "/v1/house-price"
WITHIN = 5.0
"""Seconds in which the service has to notice; it looks far more often in a check."""
PATIENCE = 15.0
"""Seconds that a check waits for it, on a machine that is busy."""
LOADS = 1.0
"""Seconds that a version takes to load while requests go on."""
SETTINGS = {
    "MODELS_DIR": FOLDER,
    "POLL_SECONDS": "0.1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",  # long enough to see who waits for it
}
LISTED = (
    "name", "status", "version", "created_at", "training_rows", "first_date", "last_date", "metrics", "features",
)  # fmt: skip
NAMES = ("iris", "customer_segment", "house_price")

DAMAGED = re.compile("damag|corrupt|broken|cannot|can't|could not|not be loaded|fail|invalid|bad ", re.IGNORECASE)
BAD = re.compile(
    r"cannot|can't|could not|\bload|damag|broken|corrupt|invalid|\bprice|\bbad\b|fail|unusable", re.IGNORECASE
)
COPY = re.compile(r"\bcop(?:y|ies)\b|damag|corrupt|\bkept\b|\blocal|\bdisk\b", re.IGNORECASE)
NO_ANSWER = re.compile(
    r"(?:not|n't|cannot|no) (?:answer|respond|reach|be reached|connect)"
    r"|unreachable|unavailable|is down|offline|timed out"
)
INSIDE = ("Traceback", "site-packages", "127.0.0.1", "/srv/", "/tmp", ".py")


@dataclass
class World:
    """A registry, a service that follows it, and what each version asks for a house."""

    lab: LabHandle
    door: Door
    registry: Registry
    rng: np.random.Generator
    factors: dict[str, float] = field(default_factory=dict)

    def add(self, *, files: dict[str, bytes] | None = None, **options: Any) -> str:
        """Register a version with a factor of its own; return its number."""
        # Five digits each, and no two the same: a price tells the version, and so does a factor in the output.
        factor = float(self.rng.integers(10_000, 99_999))
        while factor in self.factors.values():
            factor = float(self.rng.integers(10_000, 99_999))
        version = self.registry.add(Champion(factor, **options), **(files or {}))
        self.factors[version] = factor
        return version

    def start(self, **settings: str) -> Service:
        """Start the service."""
        return self.lab.serve("serve:create_app", **SETTINGS, **settings)

    def wanted(self, version: str, house: dict[str, Any]) -> float:
        """What a version asks for a house."""
        return float(house["grade"] * self.factors[version])


@contextmanager
def world(lab: LabHandle, door: Door, rng: np.random.Generator) -> Iterator[World]:
    """A registry without a version, and the folder of a service that has lab 2's other models."""
    registry = Registry(door)
    try:
        registry.start()
        for path, data in others().items():
            lab.write_bytes(f"{FOLDER}/{path}", data)
        yield World(lab, door, registry, rng)
    finally:
        registry.close()


def others() -> dict[str, bytes]:
    """The artifacts of lab 2's other two models, which nobody asks here."""
    models = Models()
    for name, columns in (("iris", inputs.FLOWER), ("customer_segment", inputs.CUSTOMER)):
        told = Told(name, dict.fromkeys(columns, 1.0), classes=("setosa",) if name == "iris" else ())
        models.add(name, told, pd.DataFrame({column: [1.0] for column in columns}), {"segments": 4})
    return models.files


def house(rng: np.random.Generator) -> dict[str, Any]:
    """A real house."""
    return inputs.draw_houses(rng, 1)[0]


def judge_price(world: World, answer: Answer, asked: dict[str, Any], help: str = "") -> str:
    """Expect a price that is the one of the version that the answer names; return the version."""
    value = answer.expect(200, help=help).json()
    version = value.get("model_version") if isinstance(value, dict) else None
    if version not in world.factors:
        fail(
            expected=f"{answer.asked} names the version in the registry: `model_version` is one of "
            f"{', '.join(world.factors)}",
            found=expect.shown(version),
            help="Callers ask the registry for what they read here. `load_version` puts the number into the metadata.",
        )
    price = expect.number(value.get("price"), "`price`")
    if abs(price - world.wanted(str(version), asked)) > 0.51:
        others = [one for one in world.factors if abs(price - world.wanted(one, asked)) <= 0.51]
        fail(
            expected=f"the price of version {version}, which it names: {world.wanted(str(version), asked):,.0f}",
            found=f"{price:,.0f}" + (f", the price of version {others[0]}" if others else ""),
            help="A request that comes in the middle of a swap reads one half of the new version and one of the old. "
            "Change `models.pricer` and `models.ready` together in the event loop, without an `await` between.",
        )
    return str(version)


def served(world: World, service: Service) -> str:
    """The version that answers now."""
    asked = house(world.rng)
    return judge_price(world, service.post(PRICE, json=asked), asked)


def wait_for(world: World, service: Service, version: str, help: str) -> None:
    """Wait until a version serves."""
    end, found = time.monotonic() + PATIENCE, ""
    while time.monotonic() < end:
        answer = service.post(PRICE, json=(asked := house(world.rng)))
        found = judge_price(world, answer, asked) if answer.status != 503 else "none, status 503"
        if found == version:
            return
        time.sleep(0.03)
    fail(
        expected=f"version {version} serves within {WITHIN:g} s after it became the champion",
        found=f"after {PATIENCE:g} s it is still version {found}",
        help=help,
    )


def state(service: Service) -> dict[str, Any]:
    """What `/readyz` and `/v1/models` say of the version, which has to be the same."""
    for left in (3, 2, 1, 0):  # it may change between the two
        ready = service.get("/readyz").expect(200, help="A good model serves: this service is ready.").json()
        listed = service.get("/v1/models").expect(200).json()
        models = listed.get("models") if isinstance(listed, dict) else None
        entries = [one for one in models or [] if isinstance(one, dict) and one.get("name") == "house_price"]
        if len(entries) != 1 or not isinstance(ready, dict):
            fail(
                expected="`/v1/models` has one entry `house_price`, and `/readyz` is an object",
                found=expect.shown(listed),
            )
        names = ("version", "since", "why_not_newer")
        expect.that(
            ready.get("status") == "ready", expected='`/readyz` says `"status": "ready"`', found=expect.shown(ready)
        )
        told_of = {str(one.get("name")): set(one) for one in models or [] if isinstance(one, dict)}
        lacking = [f"{name}: {key}" for name in NAMES for key in LISTED if key not in told_of.get(name, ())]
        expect.that(
            not lacking,
            expected="`/v1/models` has an entry for each of the three models, with all that lab 2 says of it",
            found=f"missing: `{lacking[0]}`" if lacking else "",
            help="`lab2.describe(models, name)` for each name of `lab2.MODELS`; the state of the champion is added to "
            "`house_price`.",
        )
        strangers = [one for one in models or [] if isinstance(one, dict) and one.get("name") != "house_price"]
        told = [f"{one.get('name')}: {name}" for one in strangers for name in names[1:] if name in one]
        expect.that(
            not told,
            expected="`/v1/models` says of the other models what lab 2 says, and nothing of a registry",
            found=f"`{told[0]}`" if told else "",
            help="Only `house_price` follows the registry: the state of the champion belongs to that entry alone.",
        )
        others = [name for name in names if name not in ready or ready[name] != entries[0].get(name)]
        if others and not left:
            two = [expect.shown(one.get(others[0], "no such field")) for one in (ready, entries[0])]
            fail(
                expected=f"`/readyz` and `/v1/models` say the same `{others[0]}`",
                found=" and ".join(two),
                help="`champion.state()` has what both say.",
            )
        if not others:
            break
    return dict(ready)


def wait_for_reason(world: World, service: Service, there: bool, what: str, help: str, says: str = "") -> str:
    """Wait until `why_not_newer` is there or gone; return it."""
    end = time.monotonic() + PATIENCE
    wanted = f"says why, with {says}" if says else "says why" if there else "is null"
    while True:
        why = state(service)["why_not_newer"]
        is_there = isinstance(why, str) and bool(why.strip())
        if (is_there and says in why) if there else why is None:
            break
        if time.monotonic() > end:
            fail(
                expected=f"`why_not_newer` {wanted} {what}",
                found=expect.shown("null" if why is None else why),
                help=help,
            )
        time.sleep(0.05)
    for inside in INSIDE:
        if inside in (why or ""):
            fail(
                expected="`why_not_newer` is a sentence for everybody: no address, no path, no trace",
                found=expect.shown(why),
                help="The details belong into the log.",
            )
    return str(why)


def judge_champion(world: World) -> None:
    """Not ready without a version, ready with the first champion, and gone after SIGTERM."""
    _judge_ready(world)
    _judge_start(world)
    first, second, third = world.add(), world.add(), world.add()
    world.registry.point(second, "another-alias")
    # Nothing can be noted here, as on a full disk: a folder has the name of the note.
    world.lab.write_bytes(f"{FOLDER}/champion/serving.json/full", b"")
    with world.start() as service:
        service.get("/livez").expect(200, help="The process answers: nothing else counts here.")
        service.get("/readyz").expect(503, help="Nobody is champion yet, and there is no local copy: not ready.")
        service.post(PRICE, json=house(world.rng)).expect(503)
        help = (
            "As in lab 2, `/v1/models` lists what is loaded and what is not: it answers also while a model is missing."
        )
        listed = service.get("/v1/models").expect(200, help=help).json()
        models = listed.get("models") if isinstance(listed, dict) else None
        found = [str(one.get("name")) for one in models or [] if isinstance(one, dict)]
        expect.that(
            set(NAMES) <= set(found),
            expected="`/v1/models` lists all three models, also while nobody is champion",
            found=", ".join(found) or expect.shown(listed),
            help=help,
        )
        told = next(one for one in models or [] if one.get("name") == "house_price")
        expect.that(
            {"version", "since", "why_not_newer"} <= set(told),
            expected="`version`, `since` and `why_not_newer` of `house_price`, also while nobody is champion",
            found=expect.shown(told),
            help="Whoever sees `loading` for minutes wants to read why.",
        )
        world.registry.point(first)
        help = (
            "Look at the registry again and again: `follow` calls `look`. In this check a folder has the name of the "
            "file that `begin` reads: what cannot be read is no local copy, and no reason to stop."
        )
        wait_for(world, service, first, help)
        service.poll("GET", "/readyz", {200})
        found = state(service)
        expect.that(found["version"] == first, expected=f"`version` is {first!r}", found=found["version"])
        expect.that(found["why_not_newer"] is None, expected="`why_not_newer` is null", found=found["why_not_newer"])
        try:
            since = datetime.fromisoformat(expect.text(found["since"], "`since`"))
        except ValueError:
            fail(expected="`since` is a time of ISO 8601", found=expect.shown(found["since"]))
        away = abs(since.timestamp() - time.time()) if since.tzinfo else 1e9
        is_utc = since.tzinfo is not None and not since.utcoffset()
        expect.that(
            away < 120 and is_utc,
            expected="`since` is the time of the swap, in UTC",
            found=found["since"],
            help="`datetime.now(UTC)`: whoever compares two services reads one time zone.",
        )
        _judge_next(world, service, second, since)
        expect.that(
            any("alias=challenger" in line for line in world.door.requests),
            expected="the registry is asked for the `challenger`, too",
            found="it was asked for the `champion` alone",
            help="`app.state.followers` has two: the lifespan begins a task for each.",
        )
        world.registry.point(third, "challenger")
        expect.that(
            service.wait_for_output(f"{LOADED} {world.factors[third]:g}", PATIENCE),
            expected="a version that becomes the `challenger` is loaded, too",
            found=f"after {PATIENCE:g} s it is not",
            help="`app.state.followers` has two, and both look again and again: a task with `follow()` for each.",
        )
        judge_end(service)


def _judge_ready(world: World) -> None:
    """One model that is missing, whichever it is, and the service is not ready."""
    factory, probe = f"{world.lab._package}.serve:create_app", "mlops_probes.serving:ready_with"
    for there, failed in ((NAMES[1:], ()), (NAMES[::2], ()), (NAMES[1:], NAMES[:1]), (NAMES[:2], ())):
        status = world.lab.make(probe, factory, list(there), list(failed), doing="`GET /readyz`")
        (missing,) = set(NAMES) - set(there)
        expect.that(
            status == 503,
            expected=f"`/readyz` answers 503 while the model `{missing}` {'cannot be' if failed else 'is not'} loaded",
            found=f"status {status}",
            help="Every model of lab 2 has to be there: `models.get(name)` for each of `lab2.MODELS` answers with 503 "
            "else.",
        )


def _judge_start(world: World) -> None:
    """Nothing is waited for before the service answers."""
    factory, probe = f"{world.lab._package}.serve:create_app", "mlops_probes.serving:starts_beside_others"
    expect.that(
        world.lab.make(probe, factory, WITHIN, doing="the lifespan of the app"),
        expected="the service answers `/livez` while lab 2's other models are still loading",
        found="the lifespan comes to its `yield` when they are loaded",
        help="`load_others` takes as long as it takes: in the lifespan begin a task for it, as for each follower.",
    )


def _judge_next(world: World, service: Service, version: str, before: datetime) -> None:
    """The next champion is taken although nothing can be noted, and `since` is its own time."""
    while time.time() < before.timestamp() + 1.1:  # the times may be whole seconds
        time.sleep(0.05)
    world.registry.point(version)
    wait_for(
        world,
        service,
        version,
        "The next champion is not taken. In this check a folder has the name of the file that `remember` writes: as on "
        "a full disk, an OSError. That is no reason to stop looking.",
    )
    since = state(service)["since"]
    expect.that(
        datetime.fromisoformat(str(since)) > before,
        expected="`since` is when this version was taken, and not when the service took its first one",
        found=expect.shown(since),
    )


def judge_end(service: Service) -> None:
    """After SIGTERM the service ends, although something in it never would."""
    service.terminate()
    if not service.process.wait(6):
        fail(
            expected="after SIGTERM the service ends",
            found="it still runs six seconds later",
            help="`follow` never ends by itself: after the `yield` of the lifespan, cancel its task.",
        )


@dataclass
class Traffic:
    """Requests that go on beside a swap."""

    world: World
    service: Service
    answered: list[str] = field(default_factory=list)
    wrong: list[Exception] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask one house after the other."""
        rng = np.random.default_rng(threading.get_ident())
        houses = inputs.draw_houses(rng, 20)
        while not self.stop.is_set() and not self.wrong:
            asked = houses[len(self.answered) % len(houses)]
            try:
                answer = self.service.post(PRICE, json=asked)
                if answer.status != 200:
                    fail(
                        expected="every request during a swap is answered with status 200",
                        found=f"{answer.asked}: status {answer.status}, {answer.excerpt()}",
                        help="The old version answers until the new one is loaded and has priced a house. Take nothing "
                        "out of `models.ready` before.",
                    )
                self.answered.append(judge_price(self.world, answer, asked))
                self.stop.wait(0.004)
            except (CheckFailed, LearnerFault) as wrong:
                self.wrong.append(wrong)


@contextmanager
def traffic(world: World, service: Service) -> Iterator[Traffic]:
    """Two callers that never pause, until the end of the block; what went wrong for them fails the check."""
    found = Traffic(world, service)
    threads = [threading.Thread(target=found.run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.stop.set()
        for thread in threads:
            thread.join()
    if found.wrong:
        raise found.wrong[0]


def judge_swap(world: World) -> None:
    """A slow version is taken under traffic; no request is lost, and none waits for it; then back again."""
    first, slow = world.add(), world.add(loading=LOADS)
    world.registry.point(first)
    with world.start() as service:
        wait_for(world, service, first, "The champion is there from the start.")
        world.registry.point(slow)
        if service.wait_for_output(f"{LOADING} {world.factors[slow]:g}", PATIENCE):
            # Asked while it loads: the answer has to come before it is loaded.
            served(world, service)
            if f"{LOADED} {world.factors[slow]:g}" in service.output():
                fail(
                    expected="while a version is loading, requests are answered by the one before",
                    found=f"loading takes {LOADS} s, and a request had to wait for it",
                    help="Loading inside the event loop stops everything: `await run_in_threadpool(prepare, …)`.",
                )
        with traffic(world, service) as seen:
            wait_for(world, service, slow, "Look at the registry again and again, and take what is new there.")
            world.registry.point(first)
            wait_for(
                world,
                service,
                first,
                "This is a rollback: the older version is the champion again. What counts is the alias, and not the "
                "larger number.",
            )
        both = set(seen.answered)
        expect.that(both == {first, slow}, expected="answers of both versions during the swap", found=str(both))


def judge_outage(world: World) -> None:
    """MLflow goes away and comes back."""
    first, second = world.add(), world.add()
    world.registry.point(first)
    with world.start() as service:
        wait_for(world, service, first, "The champion is there from the start.")
        with traffic(world, service):
            world.door.shut()
            try:
                help = "What `ask` raises is caught in `look`: note a sentence with `stay`, and go on."
                why = wait_for_reason(world, service, True, "while MLflow does not answer", help)
                another = re.search(
                    "no version .*alias|^[Vv]ersion .*(has the alias|is champion)|cannot be loaded", why
                )
                expect.that(
                    not another or NO_ANSWER.search(why),
                    expected="`why_not_newer` says that MLflow does not answer, while it does not",
                    found=expect.shown(why),
                    help="Nobody knows what stands in the registry then. Only `NoVersion` says that no version has the "
                    "alias.",
                )
                _judge_patience(world, service)
                world.registry.point(second)
            finally:
                world.door.open()
            wait_for(
                world,
                service,
                second,
                "A look that fails must not end the looking: catch the exception inside `look`.",
            )
        wait_for_reason(world, service, False, "when all is well again", "`take` sets it back to None.")


def _judge_patience(world: World, service: Service) -> None:
    """MLflow takes the question, and says nothing: requests are answered all the same."""
    with world.door._source.listen(world.door.port) as silent:
        silent.settimeout(PATIENCE)
        question, _ = silent.accept()
        with question:
            question.settimeout(PATIENCE)
            while b"\r\n\r\n" not in question.recv(65_536, socket.MSG_PEEK):
                time.sleep(0.02)
            question.recv(65_536)
            # Nobody answers: where the question was given up by now, the request has waited for that.
            question.settimeout(0)
            try:
                served(world, service)
                is_open = bool(question.recv(1))
            except BlockingIOError:
                is_open = True
            except LearnerStopped:  # one question after the other, and no request in between
                is_open = False
        expect.that(
            is_open,
            expected="while MLflow takes long to answer, requests go on",
            found="a request had to wait until the question to MLflow had failed",
            help="`ask` inside the event loop stops everything: `await run_in_threadpool(self.ask)`.",
        )


def judge_bad_versions(world: World) -> None:
    """A version that cannot be loaded, or cannot answer, does not serve."""
    first = world.add()
    bad = {
        "whose file is damaged": world.add(files={"model__pkl": b"\x80\x04not a model"}),
        "that raises when it is asked": world.add(answer="raise"),
        "that answers with NaN": world.add(answer="nan"),
        "that answers with infinity": world.add(answer=str(world.rng.choice(["inf", "-inf"]))),
    }
    last = world.add()
    world.registry.point(first)
    with world.start() as service:
        wait_for(world, service, first, "The champion is there from the start.")
        since = state(service)["since"]
        for what, version in bad.items():
            world.registry.point(version)
            help = (
                "Load the version and have it price `EXAMPLE` before it serves, in `prepare`. What is raised there is "
                "caught in `look`, which says which version it is. Neither NaN nor infinity is a price."
            )
            with traffic(world, service) as seen:
                why = wait_for_reason(world, service, True, f"when the champion is a version {what}", help, version)
            another = re.search("MLflow.*(not|n't) (answer|respond)|[Nn]o version|has the alias[^,;]*$", why)
            expect.that(
                not another or BAD.search(why),
                expected=f"`why_not_newer` says that version {version} cannot be loaded",
                found=expect.shown(why),
                help="MLflow has answered. It is the version that is bad: a sentence of its own.",
            )
            others = set(seen.answered) - {first}
            expect.that(not others, expected=f"version {first} goes on", found=f"version {min(others, default='')}")
        found = state(service)
        expect.that(
            found["version"] == first and found["since"] == since,
            expected=f"`version` is {first!r}, since {since}",
            found=f"{found['version']!r}, since {found['since']}",
        )
        world.registry.unpoint()
        help = "`NoVersion` is caught in `look`: the version that serves goes on, and the reason is another one."
        end = time.monotonic() + PATIENCE
        while version in str(state(service)["why_not_newer"]):
            if time.monotonic() > end:
                fail(
                    expected="`why_not_newer` says that no version is the champion",
                    found=state(service)["why_not_newer"],
                    help=help,
                )
            time.sleep(0.05)
        why = wait_for_reason(world, service, True, "when no version has the alias", help)
        expect.that(
            not re.search("(not|n't) (answer|respond)|unreach|not reach|is down", why),
            expected="`why_not_newer` says that no version has the alias",
            found=expect.shown(why),
            help="MLflow has answered. `ask` raises NoVersion where nobody is champion: catch it before the others.",
        )
        world.registry.point(first)
        again = "Where the champion is the version that serves, `look` loads nothing, and takes the reason back."
        wait_for_reason(world, service, False, f"when version {first}, which serves, is the champion again", again)
        world.registry.point(last)
        wait_for(world, service, last, "After versions that cannot be loaded, a good one is taken.")


def judge_local_copy(world: World) -> None:
    """What served before serves after a restart, without MLflow."""
    first, second = world.add(), world.add()
    world.registry.point(first)
    help = "`create_app(tracking_uri)`: each call of MLflow's has to be told of it. Else the environment counts."
    run_before(world, first, "with the address of MLflow as its argument", help, by_argument=True)
    bad = world.add(answer="nan")
    world.registry.point(bad)
    help = (
        "The service has been up before: `begin` takes what `remember` noted, and it goes on where the champion is a "
        "version that cannot answer."
    )
    run_before(world, first, f"the champion is version {bad}, which answers with NaN", help, why=bad)
    world.registry.point(second)
    world.door.shut()
    is_open = False
    try:
        with world.start() as service:
            ready = service.poll("GET", "/readyz", {200}, within=PATIENCE)
            ready.expect(
                200,
                help=f"MLflow is down, and version {first} has served before: `begin` takes what `remember` noted. A "
                f"version that was tried and is bad, as {bad}, is not noted, and removes no other copy.",
            )
            expect.that(served(world, service) == first, expected=f"version {first} serves", found="another one")
            help = "A service that started from its copy has to say that it could not ask."
            wait_for_reason(world, service, True, "after a start without MLflow", help)
            world.door.open()
            is_open = True
            wait_for(world, service, second, "When MLflow is back, the service catches up.")
    finally:
        if not is_open:
            world.door.open()


def run_before(world: World, version: str, what: str, help: str = "", **options: Any) -> dict[str, Any]:
    """Run the service once in the same folder, without a socket, until this version serves; what was seen of it."""
    factory = f"{world.lab._package}.serve:create_app"
    probe = "mlops_probes.serving:run_until_ready"
    found = world.lab.make(probe, factory, SETTINGS, PATIENCE, version, doing="the service", **options)
    found = found if isinstance(found, dict) else {}
    status, text = expect.pair(found.get("answer"), "what the service answered")
    expect.that(
        status == 200 and f'"{version}"' in str(text),
        expected=f"`/readyz` answers with status 200 and version {version} within {WITHIN:g} s: {what}",
        found=f"status {status}, {expect.shown(text)}",
        help=help,
    )
    expect.that(
        found.get("takes_in_loop") is True,
        expected="`take` is called in the event loop",
        found="it is called in another thread",
        help="A request may come between its lines there, and read the new pricer with the old version. Load in a "
        "thread, and `self.take(…)` after the `await`.",
    )
    expect.that(
        found.get("slow_in_loop") is False,
        expected="versions are downloaded and loaded in threads, in `begin` and in `look`",
        found="one of them is downloaded or loaded in the event loop",
        help="Nobody is answered meanwhile, not even `/livez`: `await run_in_threadpool(…)` for `fetch` and `prepare`.",
    )
    return found


def _judge_damaged(seen: dict[str, Any]) -> None:
    """A damaged copy stays until there is another one, and the log tells of it."""
    expect.that(
        seen.get("copies") != 0,
        expected="the damaged copy stays where it is until another one is there",
        found="it was removed before the download began",
        help="It may be the process that is at fault, and not the copy; and the download may fail. Remove it when the "
        "new copy is whole.",
    )
    told = []
    for entry in seen.get("logged") or []:
        level, text = expect.pair(entry, "a line of the log")
        # The challenger has no version, which is told as well; `stay` writes "version 1 goes on".
        about_another = "goes on:" in str(text) and not COPY.search(str(text))
        if "challenger" in str(text) or about_another:
            continue
        if expect.number(level, "the level of a line of the log") >= logging.WARNING or DAMAGED.search(str(text)):
            told.append(text)
    expect.that(
        bool(told),
        expected="the log says that the local copy is damaged",
        found="no such line",
        help="`logger.error(…)` in `begin`: else nobody learns that a disk is going bad.",
    )


def judge_copies(world: World) -> None:
    """A copy that is damaged, or not whole, is fetched anew; the copies of earlier champions are removed."""
    world.registry.point(first := world.add())
    help = "A download that breaks off must not be taken for a copy: download beside, and rename it when it is whole."
    run_before(world, first, "the first download broke off, the second one was whole", help, breaks=True)
    kept = copies(world)
    for path in kept:
        world.lab.write_bytes(f"{FOLDER}/{path}", b"\x80\x04not a model")
    expect.that(len(kept) == 1, expected=f"one local copy below `{FOLDER}`", found=f"{len(kept)} files `model.pkl`")
    _judge_damaged(run_before(world, first, "the local copy is damaged, and MLflow has a good one"))
    world.registry.point(second := world.add())
    for path in world.lab.list_files(FOLDER):
        if str(path).endswith("/serving.json"):
            _judge_notes(world, f"{FOLDER}/{path}")
            world.lab.write_bytes(f"{FOLDER}/{path}", b"{")
    help = "What stands in the note need not be what was written: whatever is wrong with it, look for the champion."
    run_before(world, second, "the note of what served is damaged, and there is a next champion", help)
    _judge_one_copy(world, "two champions")
    world.registry.point(first)
    run_before(world, first, "after a rollback")
    _judge_one_copy(world, "a rollback")


def _judge_one_copy(world: World, after: str) -> None:
    found = len(copies(world))
    expect.that(
        found == 1,
        expected="the folder holds the copy of the version that serves, and of no other one",
        found=f"{found} copies after {after}",
        help="A service that follows for a year fills its disk: `remember` removes the others, whatever their numbers.",
    )


def _judge_notes(world: World, path: str) -> None:
    """Whatever stands in the note, the service looks for the champion."""
    factory, probe = f"{world.lab._package}.serve:create_app", "mlops_probes.serving:goes_on_with_notes"
    note = world.lab.make(probe, factory, SETTINGS, path, ["{}", "[]", "null"], doing="the service")
    expect.that(
        note is None,
        expected="whatever stands in the note of what served, the service goes on and asks MLflow",
        found=f"it does not when `serving.json` holds `{note}`",
        help="`begin` raised, and that ends `follow`. JSON without a `version` is a LookupError or a TypeError.",
    )


def copies(world: World) -> list[str]:
    """The models below the folder of the service."""
    return [str(path) for path in world.lab.list_files(FOLDER) if str(path).endswith("model.pkl")]
