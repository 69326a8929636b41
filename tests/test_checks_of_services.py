"""Whatever a service answers, a check of lab 2 fails with a message: it never breaks, and never passes by accident."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course.catalog import load_catalog
from labkit.course.marks import reference
from labkit.course.mutants import solved_files
from labkit.course.tracks import Track, resolve_track
from labkit.engine.client import Engine
from labkit.records import Report

ROOT = Path(__file__).resolve().parents[1]
LAB = load_catalog(ROOT).lab(2)

# An app that answers everything alike: status, headers, body. `path` and `body` can be used.
ODD_APP = """

def create_app(models_dir=None):
    import json

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        path = scope["path"]
        await receive()
        status, kind, body = {answer}
        await send({{"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]}})
        await send({{"type": "http.response.body", "body": body}})

    return app
"""
PRICE = '{"price": 1, "likely_range": null, "warnings": [], "model_version": "x"}'
ANSWERS = {
    "nothing": '200, b"", b""',
    "text": '200, b"text/plain", b"an answer"',
    "null": '200, b"application/json", b"null"',
    "list": '200, b"application/json", b"[1, [2], {}]"',
    "number": '200, b"application/json", b"1e999"',
    "nan": '200, b"application/json", b"NaN"',
    "deep": '200, b"application/json", b"[" * 100_000',
    "no utf-8": '200, b"application/json", bytes([255, 254, 0])',
    "fields of nothing": (
        '200, b"application/json", json.dumps(dict.fromkeys(["price", "likely_range", "warnings", "model_version",'
        ' "species", "probabilities", "segment", "segments", "predictions", "models", "status", "errors", "title",'
        ' "detail", "openapi", "paths", "info"])).encode()'
    ),
    "fields of odd kinds": (
        '200, b"application/json", json.dumps({"price": "1", "likely_range": {"low": [], "high": {}, "share": "x"},'
        ' "warnings": 7, "model_version": [], "species": {}, "probabilities": {"setosa": "x", "versicolor": None,'
        ' "virginica": True}, "segment": "2", "segments": None, "predictions": [{"price": []}] * 30, "models":'
        ' [{"name": []}], "openapi": 3, "paths": {"/v1/iris": {"post": 5}}, "info": []}).encode()'
    ),
    "problems of odd kinds": (
        '422, b"application/problem+json", json.dumps({"status": 422, "title": 5, "detail": [], "errors": [{"field": 3,'
        ' "reason": None}, 7]}).encode()'
    ),
    "always the same price": f"200, b'application/json', b'{PRICE}'",
    "not found": '404, b"application/json", b"{}"',
    "own fault": '500, b"text/plain", b"Traceback (most recent call last)"',
    "redirect": '307, b"text/plain", b""',
}

SERVICES = ("2.2", "2.3", "2.4", "2.5")

# Functions that do nothing, or break.
FUNCTIONS = {
    "app.py": ("load_models", "add_predictions", "price_houses", "add_batch", "add_problems", "add_operations"),
    "predictor.py": ("as_frame", "compile_model", "make_pricer"),
}
BODIES = {
    "none": "return None",
    "raises": "raise ZeroDivisionError('on purpose')",
}


@pytest.fixture(scope="module")
def engine(patience: None) -> Iterator[Engine]:
    with Engine(ROOT, jobs=2) as engine:
        yield engine


def submission(folder: Path, extra: dict[str, str]) -> Track:
    """Write the solution, with code at the end of some of its files."""
    for file, content in solved_files(ROOT, LAB):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reference(content.decode(), file) + extra.get(file, ""), encoding="utf-8")
    return resolve_track(ROOT, str(folder), LAB)


def faults(report: Report, name: str) -> list[str]:
    """What must not be: an error of the engine's own, or a failure without a word."""
    return [
        f"{name}: {result.check} {result.outcome}: {result.message.raw}"
        for result in report.results
        if result.outcome != "passed" and (result.outcome != "failed" or "found:" not in result.message)
    ]


@pytest.mark.parametrize("exercise", SERVICES)
def test_a_service_that_answers_nonsense_fails_with_a_message(exercise: str, engine: Engine, tmp_path: Path) -> None:
    # Each exercise gets every fourth answer: all of them for all take more than a minute, mostly of waiting.
    names = list(ANSWERS)[SERVICES.index(exercise) :: len(SERVICES)]
    tracks = [submission(tmp_path / name, {"app.py": ODD_APP.format(answer=ANSWERS[name])}) for name in names]
    reports = engine.run_many(LAB, tracks, exercises=[exercise])
    found = []
    for name, report in zip(names, reports, strict=True):
        found += faults(report, name)
        if not any(result.outcome == "failed" for result in report.results):
            found.append(f"{name}: nothing failed")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("body", BODIES)
def test_functions_that_do_nothing_fail_with_a_message(body: str, engine: Engine, tmp_path: Path) -> None:
    extra = {
        file: "".join(f"\n\ndef {name}(*args, **kwargs):\n    {BODIES[body]}\n" for name in names)
        for file, names in FUNCTIONS.items()
    }
    exercises = ["2.2", "2.3", "2.4", "2.5", "2.6"]
    report = engine.run(LAB, exercises, submission(tmp_path, extra))
    failed = {result.exercise for result in report.results if result.outcome == "failed"}
    assert not faults(report, body)
    assert failed == set(exercises)
