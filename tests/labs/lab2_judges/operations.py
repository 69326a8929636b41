"""Judgements of 2.5: alive, ready, which models, request ids, the log, a graceful end, a free event loop."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any

import numpy as np

from lab2_judges import inputs
from lab2_judges.models import NAMES, PATHS, told_models
from lab2_judges.predictions import BATCH, LATE, Running
from lab2_judges.problems import INSIDE
from lab2_judges.services import FOLDER, ask, start, start_ready, typical, write
from labkit.checking.service import Answer, Service
from labkit.checks import CheckFailed, LabHandle, LearnerFault, expect, fail
from mlops_probes.service import ASKED, LOADED

SLOW = 1.0
"""Seconds that a slow model takes for an answer."""
TOOK = 0.3
"""Seconds that a model takes whose request is looked for in the log."""
AT_ONCE = 0.15
"""Seconds in which an answer is seen here once it was sent."""
TRACES = ("WARNING", "ERROR", "CRITICAL")
"""Levels of lines that tell of a fault, and not of a request."""


def judge_alive_and_ready(lab: LabHandle, rng: np.random.Generator, slow: str) -> None:
    """While a model loads: alive, but not ready. Afterwards: both."""
    with start(lab, told_models(rng, **{slow: {"loading": 0.8}})) as service:
        service.get("/livez").expect(200, help="The process answers: that is all that `/livez` says.")
        ready = service.get("/readyz")
        if ready.status != 503 and not service.wait_for_output(f"{LOADED} {slow}", LATE):
            fail(
                expected=f"`/readyz` answers with status 503 while `{slow}` is loading",
                found=f"status {ready.status}",
                help="Ready means that every model is there. Before, a load balancer must not send anybody here.",
            )
        told = listed(service).get(slow, {})
        if told.get("status") != "loading" and not service.wait_for_output(f"{LOADED} {slow}", LATE):
            fail(
                expected=f'`/v1/models` says "status": "loading" of `{slow}` meanwhile',
                found=expect.shown(told.get("status")),
                help="A model that is not in `models.ready` has failed, or is on its way: `models.failed` tells which.",
            )
        service.poll("GET", "/readyz", {200}).expect(200, help="All models are loaded by now.")
        if not service.wait_for_output(f"{LOADED} {slow}", LATE):
            fail(expected="`/readyz` waits for every model", found=f"it is ready, and `{slow}` is not loaded")
        # A model may have been asked a few times while it was loaded, to warm it up.
        others = ("house_price", "iris")
        before = [times_asked(service, name) for name in others]
        for path in ("/livez", "/readyz", "/livez", "/readyz"):
            service.get(path).expect(200)
        already = times_asked(service, "customer_segment")
        ask(service, "customer_segment", typical("customer_segment"))
        asked_again(service, "customer_segment", already, LATE)  # what was asked before is seen by then
        if [times_asked(service, name) for name in others] != before or max(before) > 4:
            fail(
                expected="`/livez` and `/readyz` ask no model for an answer",
                found="a model was asked, and nobody has sent it a request",
                help="A probe comes every few seconds. Where it waits for a model, a busy service looks dead.",
            )


def times_asked(service: Service, name: str) -> int:
    """How often a model was asked so far."""
    return service.output().count(f"{ASKED} {name}")


def asked_again(
    service: Service, name: str, before: int, seconds: float, is_over: Callable[[], bool] = lambda: False
) -> bool:
    """Whether a model is asked once more than `before` within these seconds, or until it `is_over`."""
    end = time.monotonic() + seconds
    while times_asked(service, name) == before and not is_over() and time.monotonic() < end:
        time.sleep(0.005)
    return times_asked(service, name) > before


def judge_never_ready(lab: LabHandle, rng: np.random.Generator) -> None:
    """With a damaged artifact the service is alive and never ready."""
    models = told_models(rng, customer_segment={"loading": 0.8})
    path = models.path_of("iris", ".joblib")
    models.files[path] = models.files[path][:-20]
    with start(lab, models) as service:
        judge_others_are_loading(service, "iris", "customer_segment")
        others = [name for name in NAMES if name != "iris"]
        for name in others:
            ask(service, name, typical(name), within=service.seconds).expect(200)
        service.get("/livez").expect(200, help="A restart would not mend the file: `/livez` stays 200.")
        mine = f"night-{rng.integers(10**9)}"
        ready = service.request("GET", "/readyz", headers={"X-Request-ID": mine})
        if ready.status != 503:
            fail(
                expected="`/readyz` answers with status 503 while a model is damaged",
                found=f"status {ready.status}",
                help="Ready means that every model is loaded: one that has failed is not.",
            )
        if ready.headers.get("x-request-id") != mine:
            fail(
                expected=f"the 503 of `/readyz` carries the caller's `X-Request-ID`, {mine}",
                found=f"`{ready.headers.get('x-request-id', 'no such header')}`",
                help="Every answer has it, whatever its status: it is the answers that went wrong that are looked for.",
            )
        found = listed(service).get("iris", {})
        if told := [word for word in INSIDE if word in json.dumps(found)]:
            fail(
                expected="`/v1/models` does not say why a model has failed",
                found=f"`{told[0]}` stands in it: {expect.shown(found)}",
                help="The caller cannot use it, and an attacker can. Write it to the log instead.",
            )
        if found.get("status") != "failed":
            fail(
                expected='`/v1/models` says `"status": "failed"` of a damaged model',
                found=expect.shown(found.get("status")),
            )


def judge_others_are_loading(service: Service, damaged: str, slow: str) -> None:
    """When one model has failed, another one is loading still, and has not failed."""
    seen = listed_without_loading(service, damaged)
    if seen.get(slow, {}).get("status") == "failed":
        fail(
            expected=f'"status": "loading" or "ready" of `{slow}`, whose file is well, while `{damaged}` has failed',
            found="failed",
            help="Each model has a status of its own: `models.failed` names those that have failed.",
        )


def judge_alive_without_models(lab: LabHandle, rng: np.random.Generator) -> None:
    """Where no model at all can be loaded, the process is alive all the same."""
    models = told_models(rng)
    name = str(rng.choice(NAMES[1:]))  # who asks for all three, in their order, comes to another one first
    path = models.path_of(name, ".joblib")
    models.files[path] = models.files[path][:-20]
    with start(lab, models, MODELS=name) as service:
        seen = listed_without_loading(service, name)
        if set(seen) != {name}:
            fail(
                expected=f"with `MODELS={name}` in the environment `/v1/models` lists this model alone",
                found=", ".join(seen) or "none",
                help="`MODELS` has the names of the models of this service: go through it, and type in none.",
            )
        service.get("/readyz").expect(
            503, help=f"The only model of this service, `{name}`, is damaged: `models.get(name)` for each of `MODELS`."
        )
        service.get("/livez").expect(
            200,
            help=f"`{name}` is the only model of this service, and its file is damaged. The process answers, and "
            "`/livez` asks for nothing else: restarts would come on top of the trouble.",
        )


def listed(service: Service) -> dict[str, dict[str, Any]]:
    """What `/v1/models` says about each model."""
    value = service.get("/v1/models").expect(200).json()
    found = value.get("models") if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) and "name" in one for one in found):
        fail(expected="`/v1/models` answers with `models`, a list of objects with a `name`", found=expect.shown(value))
    return {str(one["name"]): one for one in found}


def listed_without_loading(service: Service, name: str) -> dict[str, dict[str, Any]]:
    """What `/v1/models` says about each model as soon as this one is not loading any more."""
    end = time.monotonic() + service.seconds
    while (seen := listed(service)).get(name, {}).get("status") == "loading" and time.monotonic() < end:
        time.sleep(0.01)
    return seen


def judge_models(running: Running) -> None:
    """`/v1/models` lists every model with its status and what its metadata say."""
    found = listed(running.service)
    if set(found) != set(NAMES):
        fail(expected=f"`/v1/models` lists {', '.join(NAMES)}", found=", ".join(found) or "none")
    for name, one in found.items():
        known = running.models.metadata[name]
        same = ("version", "created_at", "training_rows", "first_date", "last_date", "metrics")
        wanted = {"status": "ready", **{key: getattr(known, key) for key in same}, "features": list(known.features)}
        told = {**one, "features": list(one["features"]) if isinstance(one.get("features"), list | dict) else None}
        for key, value in wanted.items():
            if key not in one or not (told[key] == value or (key == "created_at" and _same_time(told[key], value))):
                fail(
                    expected=f"`{key}` of `{name}` is {value}, as in its metadata",
                    found=expect.shown(one[key]) if key in one else "no such field",
                    help="Hand on what the metadata say, as it is: `None` becomes `null` in JSON.",
                )


def _same_time(one: Any, other: str) -> bool:
    """Whether two texts name the same moment: `Z` is `+00:00`."""
    try:
        return datetime.fromisoformat(str(one)) == datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return False


def judge_request_id(running: Running, rng: np.random.Generator) -> None:
    """The caller's request id comes back; without one the service makes one up."""
    service = running.service
    mine = f"Order-{rng.integers(10**9)}-of-the-Shop-in-Seattle-{rng.integers(10**9)}-AbC"
    wrong = {"bedrooms": "many"}
    asked = [("GET", "/livez", None), ("POST", PATHS["iris"], typical("iris")), ("POST", PATHS["house_price"], wrong)]
    paths = ("/nowhere", "/readyz", "/v1/models", "/openapi.json", "/", "/page/page.js")
    for place, (method, path, body) in enumerate([*asked, *(("GET", path, None) for path in paths)]):
        name = f"{mine}-{place}"
        answer = service.request(method, path, json=body, headers={"X-Request-ID": name})
        if answer.headers.get("x-request-id") != name:
            fail(
                expected=f"{answer.asked} with `X-Request-ID: {name}` sends it back (status {answer.status})",
                found=f"`{answer.headers.get('x-request-id', 'no such header')}`",
                help="A middleware sees every answer, errors too.",
            )
        # Probes, files and the page are requests, too. Other requests have their lines looked at elsewhere.
        if path in paths:
            service.wait_for_output(name, 2)
            judge_line(service, {"request_id": name, "method": method, "path": path, "status": answer.status}, [])
    short = str(rng.integers(2, 10))
    for given in (None, None, "", short):
        headers = {} if given is None else {"X-Request-ID": given}
        _judge_taken_or_made(service, given, service.request("GET", "/livez", headers=headers))
    made = [service.get("/livez").headers.get("x-request-id", "") for _ in range(3)]
    if "" in made or len(set(made)) < 3:
        fail(expected="a request without an id is given a new one", found=f"{made}")


def _judge_taken_or_made(service: Service, given: str | None, answer: Answer) -> None:
    """The id of an answer is the one of its line in the log; it is the caller's where the caller sent one."""
    found = answer.headers.get("x-request-id", "")
    if not found or (given and found != given):
        fail(
            expected=f"the id `{given}` comes back"
            if given
            else "a request with an empty id or none is given a new one",
            found=f"`{found}`" if found else "no id",
            help="Any short and plain text is an id, and an empty one is none.",
        )
    service.wait_for_output(f'"{found}"', 2)
    if not any(line.get("request_id") == found for line in lines(service)):
        last = next((line for line in reversed(lines(service)) if line.get("path") == "/livez"), {})
        fail(
            expected="the `request_id` in the log is the one that the caller gets, also where the service made it up",
            found=f"the caller gets `{found}`, and the log has {expect.shown(last.get('request_id'))}",
            help="Make the id up once, keep it in a variable, and use it for the header and for the line.",
        )


def judge_odd_request_id(running: Running) -> None:
    """What a caller sends as an id cannot spoil headers or the log."""
    service = running.service
    for odd in ("x" * 5_000, 'a"}{"status": 200, "b": "', "a\tb"):
        answer = service.get("/livez", headers={"X-Request-ID": odd}).expect(200)
        if len(answer.headers.get("x-request-id", "")) > 1_000:
            fail(
                expected="an id of 5,000 characters is replaced by a shorter one",
                found="it comes back whole, and stands in each log line",
                help="Take over an id of the caller only where it is short and plain.",
            )
    service.get("/livez", headers=[(b"X-Request-ID", bytes([0xFF, 0xFE]))]).expect(
        200, help='A header may hold any bytes: `.decode("latin-1")` reads them all.'
    )
    lines(service)


def lines(service: Service) -> list[dict[str, Any]]:
    """The lines of the log that tell of requests."""
    found = []
    for line in service.output().splitlines():
        if line.startswith("{"):
            try:
                value = json.loads(line)
            except ValueError:
                fail(
                    expected="each log line is JSON",
                    found=f"`{line[:160]}`",
                    help="`json.dumps` quotes what has to be quoted.",
                )
            if isinstance(value, dict) and "path" in value:
                found.append(value)
    return found


def judge_log(lab: LabHandle, rng: np.random.Generator) -> None:
    """One JSON line for each request: id, method, path, status and how long it took."""
    wanted: list[dict[str, Any]] = []
    broken = f"broken-{rng.integers(10**9)}"
    models = told_models(rng, customer_segment={"error": broken}, iris={"asking": TOOK})
    with start_ready(lab, models, ("iris",)) as service:
        ask(service, "customer_segment", typical("customer_segment"))
        for method, path, body in (
            ("POST", PATHS["iris"], typical("iris")),
            ("POST", PATHS["iris"], {"petal_width": "wide"}),
            ("GET", f"/nothing-{rng.integers(10**6)}?token={rng.integers(10**6)}", None),
            ("POST", PATHS["house_price"], {"note": "x" * 1_200_000}),
            ("GET", "/livez", None),
            ("POST", PATHS["customer_segment"], typical("customer_segment")),
        ):
            name = f"log-{rng.integers(10**9)}"
            answer = service.request(method, path, json=body, headers={"X-Request-ID": name})
            wanted.append(
                {"request_id": name, "method": method, "path": path.partition("?")[0], "status": answer.status}
            )
            if answer.headers.get("x-request-id") != name:
                fail(
                    expected=f"{answer.asked} sends its `X-Request-ID` back (status {answer.status})",
                    found=f"`{answer.headers.get('x-request-id', 'no such header')}`",
                    help="A `BodyLimit` that answers by itself, outside of `RequestLog`, leaves no id and no line: "
                    "raise the exception where the body is read."
                    if answer.status == 413
                    else "The answer to an own fault (500) is made outside of every middleware. `problem(…)` gives it "
                    "the id that it finds in `request.state`: put it into "
                    '`scope.setdefault("state", {})["request_id"]`.',
                )
        for one in wanted:
            service.wait_for_output(one["request_id"], 2)
            judge_line(service, one, wanted)
        first = next(line for line in lines(service) if line.get("request_id") == wanted[0]["request_id"])
        took = first["milliseconds"]
        if took < 900 * TOOK:
            fail(
                expected=f"`milliseconds` is at least {1_000 * TOOK:.0f} for a request whose model takes that long",
                found=expect.shown(took),
                help="`time.perf_counter()` counts seconds: take it before and after, times 1,000."
                if TOOK * 0.9 < took < TOOK * 20
                else "Take the time before the request is handed on, and once more when its answer is complete.",
            )
        if not service.wait_for_output(broken, 2):
            fail(
                expected="the log says what went wrong where nobody expected an error",
                found="nothing of it",
                help="Let the exception go on: a `finally` sees the end of every request, and swallows nothing.",
            )


def judge_line(service: Service, wanted: dict[str, Any], every: list[dict[str, Any]]) -> None:
    """Expect exactly one line about a request, with what it was."""
    asked = f"`{wanted['method']} {wanted['path']}` (status {wanted['status']})"
    found = [line for line in lines(service) if line.get("request_id") == wanted["request_id"]]
    # A trace in JSON is another thing than the line about the request.
    found = [line for line in found if "milliseconds" in line or line.get("level") not in TRACES] or found
    if len(found) != 1:
        text, help = nearest(service, wanted, every, len(found))
        fail(
            expected=f"one line of JSON in the log for {asked}, with `request_id`, `method`, `path` and `status`",
            found=text,
            help=help,
        )
    for key, value in wanted.items():
        if found[0].get(key) != value:
            fail(
                expected=f"`{key}` in the log line of {asked} is {value}",
                found=expect.shown(found[0].get(key)),
                help={
                    "status": "Where the app breaks, no status passes by your middleware: the caller gets 500. So "
                    "begin with 500.",
                    "path": 'What follows `?` may be a secret: `scope["path"]` has none of it.',
                }.get(key, ""),
            )
    took = found[0].get("milliseconds")
    if isinstance(took, bool) or not isinstance(took, int | float) or not 0 <= took < 60_000:
        fail(expected="`milliseconds` says how long the request took", found=expect.shown(took))


def nearest(service: Service, wanted: dict[str, Any], every: list[dict[str, Any]], count: int) -> tuple[str, str]:
    """What the log has in place of the one line about a request, and what that points to."""
    if count:
        return f"{count} such lines", "A request is one line, written when its answer is complete."
    # Only one request has a path of its own: its line is known by that.
    ids = {one["path"]: one["request_id"] for one in every if one["path"].startswith("/nothing-")}
    for line in lines(service):
        if line.get("path") in ids and line.get("request_id") != ids[line["path"]]:
            return (
                f"the line of `{line['path']}` has `request_id` {expect.shown(line.get('request_id'))}",
                "The id in the log is the one that the caller gets back: take it once, and use it for both.",
            )
    near = [line for line in service.output().splitlines() if wanted["request_id"] in line]
    bare = [line for line in service.output().splitlines() if '"message": "request"' in line and '"path"' not in line]
    if bare and not near:
        return f"a line without them: {bare[-1][:160]}", '`JsonLines` writes what stands in `extra={"fields": {…}}`.'
    if near:
        shape = '`logger.info("request", extra={"fields": {…}})`: `JsonLines` makes a field of each.'
        return f"no such line; nearest: {near[0][:160]}", shape
    return "no such line", "Requests that fail are the ones that somebody looks for: write the line in a `finally`."


def judge_free_loop(lab: LabHandle, rng: np.random.Generator, names: tuple[str, ...]) -> None:
    """While a model computes, other requests are answered."""
    slow = {name: {"asking": SLOW} for name in names}
    with start_ready(lab, told_models(rng, **slow), names) as service:
        for name in names:
            mine = f"beside-{rng.integers(10**9)}"
            answer = judge_answers_beside(service, name, PATHS[name], typical(name), {"X-Request-ID": mine})
            found = answer.headers.get("x-request-id", "no such header")
            if found != mine:
                fail(
                    expected=f"{answer.asked} sends its `X-Request-ID` back, also where another request came meanwhile",
                    found=f"`{found}` in place of `{mine}`",
                    help="One middleware serves all requests at once. What belongs to one request is a local variable "
                    "of `__call__`; in `self` the next request writes over it.",
                )
            service.wait_for_output(mine, 2)
            judge_line(service, {"request_id": mine, "method": "POST", "path": PATHS[name], "status": 200}, [])


def judge_free_loop_in_batch(lab: LabHandle, rng: np.random.Generator) -> None:
    """While a batch computes, other requests are answered."""
    with start_ready(lab, told_models(rng, house_price={"asking": SLOW})) as service:
        judge_answers_beside(service, "house_price", BATCH, {"houses": inputs.draw_houses(rng, 20)})


def judge_compiled_batch(lab: LabHandle, rng: np.random.Generator) -> None:
    """A batch runs beside the event loop, compiled or not."""
    write(lab, told_models(rng))
    houses = {"houses": inputs.draw_houses(rng, 400)}
    target = "mlops_probes.service:batch_is_in_the_loop"
    if lab.make(target, FOLDER, BATCH, houses, doing="a batch"):
        fail(
            expected="a batch is priced beside the event loop, also by a compiled model",
            found="`models.pricer.predict` runs in the event loop itself",
            help="One house, compiled, takes a fraction of a millisecond; a thousand take far more. Only for a single "
            "house a thread costs more than it saves.",
        )


def judge_answers_beside(
    service: Service, name: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> Answer:
    """Ask a slow model, and something else while it computes; return what the slow one answered."""
    service.get("/openapi.json").expect(200)  # made once, so that the next time is quick
    with ThreadPoolExecutor(1) as pool:
        before = times_asked(service, name)
        slow = ask_beside(pool, service, path, body, headers)
        wait_until_asked(service, name, before, slow)
        service.get("/openapi.json").expect(200)
        if wait([slow], AT_ONCE).done:
            fail(
                expected=f"while `POST {path}` computes, other requests are answered",
                found=f"an answer takes the model {SLOW} seconds, and another request had to wait for it",
                help="A long computation inside `async def` stops the event loop, and with it every other request "
                "and the health checks. Use `def`, or `await run_in_threadpool(…)`.",
            )
        return slow.result().expect(200)


def ask_beside(
    pool: ThreadPoolExecutor, service: Service, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> Future[Answer]:
    """Send a request in a thread."""
    return pool.submit(service.request, "POST", path, json=body, headers=headers)


def wait_until_asked(service: Service, name: str, before: int, slow: Future[Answer]) -> None:
    """Wait until the model computes."""
    if not asked_again(service, name, before, service.seconds, slow.done):
        answer = slow.result()
        fail(expected=f"{answer.asked} asks the model", found=f"status {answer.status} without asking it")


def judge_graceful_end(lab: LabHandle, rng: np.random.Generator) -> None:
    """After SIGTERM the request at hand is answered, and then the process ends."""
    with start_ready(lab, told_models(rng, house_price={"asking": SLOW})) as service, ThreadPoolExecutor(1) as pool:
        before = times_asked(service, "house_price")
        slow = ask_beside(pool, service, PATHS["house_price"], typical("house_price"))
        wait_until_asked(service, "house_price", before, slow)
        service.terminate()
        help_text = (
            "A deployment must not lose a request. uvicorn finishes those at hand and then ends, if nobody else "
            "handles the signal."
        )
        try:
            answer = slow.result()
        except (LearnerFault, CheckFailed):
            fail(expected="a request from before SIGTERM is answered", found="no answer came", help=help_text)
        answer.expect(200, help=help_text)
        if not service.process.wait(5):
            fail(
                expected="after SIGTERM the process ends",
                found="it still runs five seconds later",
                help="What runs in the lifespan has to end too: do not wait for something that never comes.",
            )
        ending = service.process.ending()
        if ending.code not in (0, 143) and ending.signal != 15:
            shown = f"code {ending.code}" if ending.code is not None else f"signal {ending.signal}"
            fail(expected="the process ends as it was asked to: code 0 or SIGTERM", found=shown)
        if re.search(r"Traceback \(most recent", service.output()):
            last = service.output().strip().splitlines()[-1]
            fail(expected="nothing breaks while the service ends", found=f"a traceback in its output: {last[:200]}")
