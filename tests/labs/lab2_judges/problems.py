"""Judgements of 2.4: every error is a problem document, and none shows what is inside."""

from __future__ import annotations

import http.client
import json
import select
from http import HTTPStatus
from typing import Any

import numpy as np

from lab2_judges import inputs
from lab2_judges.models import PATHS, SHOWN, draw_house, draw_iris, draw_segments, told_models
from lab2_judges.openapi import own_document
from lab2_judges.predictions import BATCH, Running
from lab2_judges.services import ask, fields, start, typical
from labkit.checking.deadlines import Deadline
from labkit.checking.service import Answer, Service
from labkit.checks import LabHandle, LearnerStopped, expect, fail
from labkit.sandbox.server import HOST
from labkit.text import clean

MEDIA_TYPE = "application/problem+json"
INSIDE = ("Traceback", 'File "', "site-packages", ".py", ".joblib", "sha256", "Exception(")
"""What only the service itself may know."""
ENDLESS = 4.0
"""Seconds that a service may take to refuse a body that does not end."""


def judge_problem(answer: Answer, *statuses: int, help: str = "") -> dict[str, Any]:
    """Expect a problem document with one of these statuses, and nothing from inside; return it."""
    answer.expect(*statuses, help=help)
    if answer.media_type != MEDIA_TYPE:
        fail(
            expected=f"{answer.asked} with status {answer.status} has the content type `{MEDIA_TYPE}`",
            found=f"`{answer.media_type}`: {answer.excerpt()}",
            help="Errors of FastAPI and Starlette have a form of their own. An exception handler turns each into "
            "`problem(…)`: for `RequestValidationError`, for Starlette's `HTTPException`, and for `Exception`.",
        )
    value = answer.json()
    wanted = ("title", "status", "detail")
    if not isinstance(value, dict) or any(name not in value for name in wanted):
        fail(expected="a problem document has `title`, `status` and `detail` (RFC 9457)", found=answer.excerpt())
    if value["status"] != answer.status:
        fail(expected=f"`status` in the document is {answer.status}, as in the answer", found=value["status"])
    given = {"type": "about:blank", "title": HTTPStatus(answer.status).phrase, "instance": answer.path}
    for name, right in given.items():
        if value.get(name) != right:
            fail(
                expected=f"`{name}` of a problem document with status {answer.status} is `{right}`",
                found=expect.shown(value.get(name)),
                help="Every error is a document that `problem(…)` makes: call it in each handler.",
            )
    if not str(value["detail"] or "").strip():
        fail(
            expected=f"`detail` of a problem document with status {answer.status} says what is wrong",
            found="no text",
            help="A client that knows nothing of `errors` shows `detail`. An HTTPException has its words in `detail`.",
        )
    judge_nothing_inside(answer)
    return dict(value)


def judge_nothing_inside(answer: Answer, *secrets: str) -> None:
    """Expect nothing of traces, paths and messages from inside in an answer."""
    told = [word for word in (*INSIDE, *secrets) if word in answer.text]
    if told:
        fail(
            expected=f"the error of {answer.asked} tells nothing about the inside of the service",
            found=f"`{told[0]}` stands in it: {answer.excerpt()}",
            help="The caller cannot use it, and an attacker can. Write it to the log instead.",
        )


def judge_wrong_fields(running: Running, rng: np.random.Generator) -> None:
    """A wrong request is told each wrong field, and why."""
    house = inputs.draw_houses(rng, 1)[0]
    names = [str(name) for name in rng.permutation(["bedrooms", "grade", "lat", "zipcode", "waterfront"])[:4]]
    secret = f"password-{rng.integers(10**9)}"
    wrong = {**house, **dict.fromkeys(names, secret)}
    answer = running.service.post(PATHS["house_price"], wrong)
    value = judge_problem(answer, 422)
    if secret in answer.text:
        fail(
            expected="the answer names the wrong fields, and not what was in them",
            found=f"the value comes back: {answer.excerpt()}",
            help="What somebody typed into the wrong field may be a password, and answers end up in logs.",
        )
    errors = value.get("errors")
    if not isinstance(errors, list) or not all(
        isinstance(one, dict) and {"field", "reason"} <= set(one) for one in errors
    ):
        fail(
            expected="`errors` lists each wrong field as `field` and `reason`",
            found=expect.shown(errors),
            help="A page wants to show each error beside its field.",
        )
    found = sorted(str(one["field"]) for one in errors)
    if found != sorted(names):
        fail(
            expected=f"`errors` names the fields {', '.join(f'`{name}`' for name in sorted(names))}, and no other",
            found=f"{', '.join(f'`{name}`' for name in found) or 'none'}",
            help="Name all of them, not the first ones alone: whoever has mended one should not learn of the next then."
            if set(found) < set(names)
            else "Pydantic's `loc` begins with where the value came from, `body`: the caller does not need that.",
        )
    if not all(str(one["reason"]).strip() for one in errors):
        fail(expected="each of `errors` gives a reason", found=expect.shown(errors))
    judge_reasons(running, rng)


def judge_reasons(running: Running, rng: np.random.Generator) -> None:
    """Each of many wrong fields has the reason that it has alone; in a batch its row is named, too."""
    houses = inputs.draw_houses(rng, 4)
    house, row = houses[0], int(rng.integers(1, 4))
    missing, *texts = (str(name) for name in rng.permutation(inputs.HOUSE))
    lacks = {name: value for name, value in house.items() if name != missing}
    alone = {
        missing: reasons(running, PATHS["house_price"], lacks).get(missing),
        texts[0]: reasons(running, PATHS["house_price"], {**house, texts[0]: "many"}).get(texts[0]),
    }
    found = reasons(running, PATHS["house_price"], {**lacks, **dict.fromkeys(texts, "many")})
    lost = [name for name in inputs.HOUSE if name not in found]
    if lost:
        fail(
            expected=f"a request with {len(inputs.HOUSE)} wrong fields gets each of them in `errors`",
            found=f"{len(found)} fields, without `{lost[0]}`, which is {'missing' if lost[0] == missing else 'a text'}",
            help="Name all of them, whatever is wrong with each, and however many there are.",
        )
    for name, reason in alone.items():
        if found[name] != reason:
            fail(
                expected=f"the reason of `{name}` is the same alone and beside other wrong fields: "
                f"{expect.shown(reason)}",
                found=expect.shown(found[name]),
                help="Each field has a reason of its own.",
            )
    if len(set(alone.values())) == 1:
        fail(
            expected=f"`reason` says what is wrong: `{missing}` is missing, and `{texts[0]}` is a text",
            found=f"{expect.shown(alone[missing])} for both",
            help="Pydantic says why, in `msg`.",
        )
    houses[row][texts[0]] = "many"
    answer = running.service.post(BATCH, {"houses": houses})
    if answer.status in (404, 405):  # 2.3 is still to be written
        return
    found = listed_errors(answer)
    if not any(str(row) in name and texts[0] in name for name in found):
        fail(
            expected=f"for a wrong row of a batch `errors` names the row and the field: `houses[{row}].{texts[0]}`",
            found=", ".join(f"`{name}`" for name in found) or "no field",
            help="`loc` of Pydantic has the whole place, and `field_name` writes it.",
        )


def reasons(running: Running, path: str, request: dict[str, Any]) -> dict[str, str]:
    """Send a wrong request; return the reason of each field that is named."""
    return listed_errors(running.service.post(path, request))


def listed_errors(answer: Answer) -> dict[str, str]:
    """The reason of each field that the answer to a wrong request names."""
    errors = judge_problem(answer, 422).get("errors")
    listed = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return {str(one.get("field")): str(one.get("reason")) for one in listed}


def judge_field_name(lab: LabHandle, rng: np.random.Generator) -> None:
    """The place of an error in a list, in an object and in the body itself is written as a person writes it."""
    row, inner = int(rng.integers(1, 900)), int(rng.integers(1, 9))
    places = {
        ("body", "zipcode"): "zipcode",
        ("body", "houses", row, "grade"): f"houses[{row}].grade",
        ("body", "houses", 0, "grade"): "houses[0].grade",
        ("body", "houses", row): f"houses[{row}]",
        ("body", "rooms", row, "doors", inner, "size"): f"rooms[{row}].doors[{inner}].size",
        ("body",): "body",
    }
    for place, wanted in places.items():
        found = lab.app.field_name(place)
        expect.that(
            found == wanted,
            expected=f"`field_name({place})` is `{wanted}`",
            found=expect.shown(found),
            help="The first row is number 0, and 0 counts as false: ask `isinstance(part, int)`, not `if part`."
            if 0 in place
            else "A number is a place in a list and gets brackets; a name after another one gets a dot.",
        )


def judge_bad_body(running: Running, body: bytes, what: str) -> None:
    """A body that is no request is answered with 4xx."""
    headers = {"content-type": "application/json"}
    answer = running.service.request("POST", PATHS["house_price"], content=body, headers=headers)
    if answer.status >= 500:
        fail(
            expected=f"{what} is the caller's mistake: status 422 or 400",
            found=f"status {answer.status}, {answer.excerpt()}",
            help="Do not send back the value that was wrong: NaN, for one, cannot be written as JSON.",
        )
    value = judge_problem(answer, 400, 422)
    errors = value.get("errors", [])
    for one in errors if answer.status == 422 and isinstance(errors, list) else []:
        name = str(one.get("field", "")) if isinstance(one, dict) else ""
        if not name:
            fail(
                expected=f"for {what} each of `errors` says what is wrong: the field, or `body`",
                found=expect.shown(one),
                help="Where no field is wrong but the body itself, Pydantic's `loc` has `body` alone.",
            )


def bad_bodies(rng: np.random.Generator) -> dict[str, bytes]:
    """Bodies that are no request, by what they are."""
    house = inputs.draw_houses(rng, 1)[0]
    text = json.dumps(house)
    return {
        "a body that is no JSON": text[: len(text) // 2].encode(),
        "an empty body": b"",
        "a list": f"[{text}]".encode(),
        "null": b"null",
        "NaN in a field": json.dumps({**house, "lat": float("nan")}).encode(),
        "an infinite number": text.replace(f'"lat": {house["lat"]}', '"lat": 1e999').encode(),
        "bytes that are no UTF-8": b'{"bedrooms": "\xff\xfe"}',
        "a thousand nested lists": b"[" * 1_000 + b"]" * 1_000,
        "a number of 400 digits": text.replace(f'"bedrooms": {house["bedrooms"]}', '"bedrooms": ' + "9" * 400).encode(),
        "a huge text in a field": json.dumps({**house, "bedrooms": "3" * 100_000}).encode(),
    }


def judge_large_body(running: Running, *, chunked: bool) -> None:
    """A body over 1 MB is refused with 413, whether it says its size or not."""

    def pieces() -> Any:
        for _ in range(30):
            yield b" " * 50_000

    content: Any = pieces() if chunked else b" " * 1_500_000
    headers = {"content-type": "application/json"}
    answer = running.service.request("POST", PATHS["house_price"], content=content, headers=headers)
    how = "sent in chunks, without `Content-Length`," if chunked else "of 1.5 MB"
    if answer.status != 413:
        fail(
            expected=f"a body {how} is refused with status 413",
            found=f"status {answer.status}",
            help="There is a limit, but its exception got lost: FastAPI answers 400 to an error while the body is "
            "read. A middleware made with `@app.middleware` wraps it; write that one as a class, or send the "
            "answer yourself."
            if answer.status == 400
            else "Without a limit, a few callers fill the memory of the service. Count the bytes as they arrive: "
            "`Content-Length` may be missing.",
        )
    judge_problem(answer, 413)
    large = json.dumps({**typical("house_price"), "note": "x" * 800_000}).encode()
    answer = running.service.request("POST", PATHS["house_price"], content=large, headers=headers)
    answer.expect(
        422,
        help="0.8 MB is below the limit of 1 MB, and only the unknown field is wrong. The count begins at 0 for each "
        "request.",
    )


def judge_environment(lab: LabHandle, rng: np.random.Generator) -> None:
    """The limit is `MAX_BODY`, for each request anew; a model that knows no zipcodes warns of none."""
    limit = int(rng.integers(2_000, 9_000))
    with start(lab, told_models(rng), MAX_BODY=str(limit)) as service:
        value = fields(ask(service, "house_price", typical("house_price")), "price", "warnings")
        if value["warnings"]:
            fail(
                expected="no warning where the metadata of the model have no `zipcodes`",
                found=expect.shown(value["warnings"]),
                help="An artifact of another maker may not list them. Then nobody knows which ones are unseen.",
            )
        small, other = PATHS["iris"], (PATHS["customer_segment"], BATCH)
        tried = [
            (small, 0, 422),
            (small, -50, 422),
            (small, 1, 413),
            (small, 0, 422),
            *((path, 1, 413) for path in other),
        ]
        for path, more, status in tried:
            body = json.dumps({"note": ""}).encode()
            body = body.replace(b'""', b'"' + b"x" * (limit + more - len(body)) + b'"')
            answer = service.request("POST", path, content=body, headers={"content-type": "application/json"})
            if path == BATCH and answer.status in (404, 405):  # 2.3 is still to be written
                continue
            if answer.status != status:
                fail(
                    expected=f"with `MAX_BODY={limit}` in the environment a body of {len(body):,} bytes to `{path}` "
                    f"gets {status}",
                    found=f"status {answer.status}",
                    help="The limit is `MAX_BODY`: a body of that size is allowed, a larger one is not. The count "
                    "begins at 0 for each request.",
                )


def judge_endless_body(running: Running) -> None:
    """A body that does not end is refused as soon as it is over 1 MB, not when it has ended."""
    piece = b" " * 50_000
    connection = http.client.HTTPConnection(HOST, running.service.port, timeout=ENDLESS)
    deadline = Deadline(ENDLESS)
    try:
        with deadline:
            connection.connect()
            deadline.watch(connection.sock)
            connection.putrequest("POST", PATHS["house_price"])
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            for _ in range(24):  # and then no more, but no end either
                if select.select([connection.sock], [], [], 0)[0]:
                    break  # it has answered, and may have closed
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        fail(
            expected="a body of 1.2 MB that does not end is refused at once, with status 413",
            found=f"no answer in {ENDLESS:.0f} seconds"
            if deadline.passed or isinstance(error, TimeoutError)
            else f"{type(error).__name__}: {clean(str(error), 200)}",
            help="Whoever collects the whole body before looking at its size has it in memory by then. Look at the "
            "size whenever a piece has arrived.",
        )
    finally:
        connection.close()
    if status != 413:
        fail(expected="a body of 1.2 MB that does not end is refused with status 413", found=f"status {status}")


def judge_unknown_path(running: Running) -> None:
    """404 and 405 are problem documents, too."""
    answer = running.service.get("/v1/nothing-here")
    judge_problem(answer, 404)
    judge_nothing_inside(answer)
    answer = running.service.get(PATHS["house_price"])
    judge_problem(answer, 405)
    if "post" not in answer.headers.get("allow", "").lower():
        fail(
            expected="an answer with status 405 says in `Allow` what is allowed",
            found=f"`Allow: {answer.headers.get('allow', '')}`",
            help="Hand on the headers of the exception: `error.headers`.",
        )


def judge_unseen_zipcode(running: Running, rng: np.random.Generator) -> None:
    """A zipcode that was not in the training data is answered, with a warning."""
    known = running.models.metadata["house_price"].extra["zipcodes"]
    house = inputs.draw_houses(rng, 1)[0]
    others = sorted({int(zipcode) for zipcode in inputs.sales()["zipcode"]} - set(known))
    asked = ((rng.choice(known), True), (rng.choice(others), False), (rng.integers(98_900, 98_999), False))
    for zipcode, is_known in ((int(zipcode), is_known) for zipcode, is_known in asked):
        request = {**house, "zipcode": zipcode}
        answer = ask(running.service, "house_price", request)
        answer.expect(200, help="The model has an answer for every zipcode; the caller should know how good it is.")
        value = fields(answer, "price", "warnings")
        wanted = [] if is_known else [f"zipcode {zipcode} was not in the training data"]
        if value["warnings"] != wanted:
            fail(
                expected=f"`warnings` is {json.dumps(wanted)} for a zipcode that was {'' if is_known else 'not '}"
                "learned",
                found=expect.shown(value["warnings"]),
                help="`extra` in the metadata of the model lists the zipcodes that it has learned.",
            )
        price = float(running.models.prices([request])[0])
        if abs(expect.number(value["price"], "`price`") - price) > 1:
            fail(expected=f"the price is {price:,.0f} USD, as the model says", found=f"{value['price']:,.0f}")
        if not isinstance(value.get("likely_range"), dict):
            fail(
                expected=f"the price in zipcode {zipcode} has its likely range, as the metadata have one",
                found=expect.shown(value.get("likely_range")),
                help="A warning is said beside what was said before, and takes nothing away.",
            )


def judge_damaged_artifact(lab: LabHandle, rng: np.random.Generator) -> None:
    """A damaged artifact: 503 for that model, and the others go on."""
    from lab2_judges.models import Models

    models = Models()
    for draw in (draw_house, draw_iris, draw_segments):
        draw(models, rng)
    hurt, other = "iris", "customer_segment"
    for name in (hurt, "house_price"):
        path = models.path_of(name, ".joblib")
        data = bytearray(models.files[path])
        data[len(data) // 2] ^= 0xFF
        models.files[path] = bytes(data)
    with start(lab, models) as service:
        ask(service, other, typical(other)).expect(
            200, help=f"The artifact of the {SHOWN[hurt]} is damaged. That is no reason not to load the others."
        )
        # A service that trains it anew is ready with that a moment later.
        answer = service.poll("POST", PATHS[hurt], {200}, within=1.5, json=typical(hurt))
        judge_problem(answer, 503, help="The file of this model is damaged, so there is no answer: 503.")
        house = typical("house_price")
        for path, body in ((PATHS["house_price"], house), (BATCH, {"houses": [house]})):
            answer = service.post(path, body)
            if path == BATCH and answer.status in (404, 405):  # 2.3 is still to be written
                continue
            judge_problem(answer, 503, help="The file of this model is damaged: `models.get(name)` says so, with 503.")


def judge_own_fault(lab: LabHandle, rng: np.random.Generator) -> None:
    """An error in the service: 500 without a word of it, and the trace in the log."""
    odd = ["KeyError", "IndexError", "TypeError", "OSError", "TimeoutError", "AssertionError"]
    # Two alone: what a service prints is cut when it is too long.
    kinds = {"house_price": str(rng.choice(odd)), "iris": "ValueError"}
    secrets = {name: f"password-{rng.integers(10**9)}" for name in kinds}
    broken = {name: {"error": f"cannot reach db with {secrets[name]}", "kind": kind} for name, kind in kinds.items()}
    with start(lab, told_models(rng, **broken)) as service:
        for name, kind in kinds.items():
            secret = secrets[name]
            answer = ask(service, name, typical(name))
            if answer.status != 500:
                fail(
                    expected=f"where the model itself fails, here with a {kind}, the status is 500",
                    found=f"status {answer.status}",
                    help="What the caller sends is validated before the model sees it: what breaks after that is our "
                    "own fault, whatever the kind of the error.",
                )
            judge_nothing_inside(answer, secret, kind)
            if secret in str(answer.headers):
                fail(expected="no header tells what went wrong", found="the message of the error stands in a header")
            judge_problem(answer, 500, help="`@app.exception_handler(Exception)` catches what nobody expected.")
            if not service.wait_for_output(secret, 2):
                fail(
                    expected="the log says what went wrong",
                    found="nothing of it stands in the output of the service",
                    help="Whoever is called at night has the log and nothing else.",
                )


def judge_schema(service: Service, rng: np.random.Generator, examples: int) -> None:
    """Requests made from the OpenAPI document: no 5xx, and answers as the document says."""
    document = own_document(service.get("/openapi.json").expect(200).json())
    for path in (*PATHS.values(), BATCH):
        if path in document["paths"]:
            judge_documented(document, path)
    found = _generated_problem(service, document, int(rng.integers(2**31)), examples)
    if found:
        fail(
            expected="whatever is sent, the status is below 500, and the answer is as the OpenAPI document says",
            found=found,
            help="`responses=problem_answers(…)` at an endpoint documents its errors.",
        )


def judge_documented(document: dict[str, Any], path: str) -> None:
    """Expect the errors that a prediction may answer in the documentation of its endpoint."""
    item = document["paths"].get(path, {})
    answers = item.get("post", {}).get("responses", {})
    for status in ("413", "422", "503"):
        if not {status, f"{status[0]}XX", "default"} & set(answers):
            fail(
                expected=f"the documentation of `POST {path}` says that it may answer with status {status}",
                found=f"it says {', '.join(answers) or 'nothing'}",
                help="`responses=ERRORS` at each endpoint of 2.2 and 2.3.",
            )


def _generated_problem(service: Service, document: dict[str, Any], seed: int, examples: int) -> str:
    target = "lab2_judges.generated:first_problem"
    try:
        return str(service.drive(target, service.url, json.dumps(document), seed=seed, examples=examples))
    except LearnerStopped as stopped:
        found = "not in a minute" if stopped.reason == "time" else f"the process that makes them ends: {stopped.reason}"
        fail(expected="requests can be made from the OpenAPI document", found=found)
