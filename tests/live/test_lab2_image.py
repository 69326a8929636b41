"""The image of lab 2, really built: the solution, right answers, and the wrong ones that only an engine can catch."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course.catalog import load_catalog
from labkit.course.check_functions import needs_of_mutant, read_checks
from labkit.course.mutants import Mutant, load_alternatives, load_mutants, write_submission
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine
from labkit.records import Report

ROOT = Path(__file__).resolve().parents[2]
LAB = load_catalog(ROOT).lab("lab2_service")
CHECKS = read_checks(ROOT, LAB)
WRONG = [one for one in load_mutants(ROOT, LAB) if "docker" in needs_of_mutant(one, CHECKS)]
# A `# syntax=` line has the engine fetch a frontend from a registry: no test does.
RIGHT = [one for one in load_alternatives(ROOT, LAB) if one.exercise == "2.8" and "# syntax=" not in one.body]
TAG = "mlops-lab-check:script"

# Sets of lines of a `.dockerignore`. (Engines before 23 do not look into a folder for `!**/…` alone.)
IGNORED = (
    "*\n!a",
    "*\n!a/b/*",
    "**/f\n!a/f",
    "a\n!a/b\na/b/g.b",
    "**/*.b",
    "a/**/f",
    "/a/\n!./a/b/f",
    "?\n!b",
    "[ab]/*\n![^b]/f",
    "*\n!a\n!b/a\n**/g*",
    "a**\n!ab",
    "# a\n\n .b \n",
    "!a\na/b",
    "*/*\n!a/b",
    "../a\n.\nb/../ab",
)


def docker(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    return subprocess.run(["docker", *arguments], env=environment, capture_output=True, check=False)


@pytest.fixture(scope="module", autouse=True)
def _engine_of_docker() -> Iterator[None]:
    try:
        told = docker("version", "--format", "{{.Server.Version}}")
    except FileNotFoundError:
        pytest.skip("`docker` is not there; `lab doctor` says how to get it")
    if told.returncode:
        pytest.skip("no Docker engine answers; `lab doctor` says what to do")
    before = _images()  # a run that was killed may have left some
    yield
    docker("rmi", "--force", TAG)
    assert not _images() - before, "the checks have left an image behind"
    assert not docker("ps", "--all", "--quiet", "--filter", "label=mlops-lab.check").stdout


def _images() -> set[str]:
    """The names of the images of checks."""
    told = docker("images", "--format", "{{.Repository}}:{{.Tag}}", "mlops-lab-check")
    return set(told.stdout.decode().split())


@pytest.fixture(scope="module")
def engine(patience: None) -> Iterator[Engine]:
    with Engine(ROOT) as engine:
        yield engine


def check(engine: Engine, track: str) -> Report:
    return engine.run(LAB, ["2.8"], resolve_track(ROOT, track, LAB))


def told(report: Report) -> str:
    return "\n".join(
        f"{one.check} {one.outcome}\n{one.message.raw}" for one in report.results if one.outcome != "passed"
    )


def test_the_solution_passes_every_check(engine: Engine) -> None:
    report = check(engine, "solutions")
    assert {result.outcome for result in report.results} == {"passed"}, told(report)
    assert {check.name for check in CHECKS if "docker" in check.needs} <= {one.check for one in report.results}


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.name)
def test_right_answers_written_another_way_pass(answer: Mutant, engine: Engine, tmp_path: Path) -> None:
    report = check(engine, str(write_submission(answer, tmp_path / LAB.package)))
    assert {result.outcome for result in report.results} == {"passed"}, told(report)


@pytest.mark.parametrize("mutant", WRONG, ids=lambda mutant: mutant.name)
def test_wrong_answers_that_only_an_engine_sees_are_caught(mutant: Mutant, engine: Engine, tmp_path: Path) -> None:
    track = resolve_track(ROOT, str(write_submission(mutant, tmp_path / LAB.package)), LAB)
    [report] = engine.run_many(LAB, [track], exercises=["2.8"], checks=[mutant.caught_by])
    assert [result.outcome for result in report.results] == ["failed"] * len(mutant.caught_by), told(report)
    assert mutant.is_named_by(report), told(report)


def test_make_image_builds_it(tmp_path: Path) -> None:
    environment = {**os.environ, "TRACK": "solutions", "TAG": TAG}
    done = subprocess.run(
        ["sh", ROOT / "scripts/build_image.sh", "2"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].startswith(f"{TAG} is built.")
    [image] = json.loads(docker("image", "inspect", TAG).stdout)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert image["Config"]["Labels"]["org.opencontainers.image.revision"] == (commit.strip() or "unknown")


@pytest.mark.parametrize("lines", IGNORED, ids=range(len(IGNORED)))
def test_our_dockerignore_is_dockers(lines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tests" / "labs"), *sys.path])
    from lab2_judges.patterns import is_ignored, read_ignore

    context, recipe = tmp_path / "context", tmp_path / "recipe"
    folders = ["/".join(parts) for n in (1, 2) for parts in itertools.product(("a", "b", "ab", ".b"), repeat=n)]
    files = {*(f"{folder}/{name}" for folder in folders for name in ("f", "g.b")), "f", "g.b"}
    for file in files:
        (context / file).parent.mkdir(parents=True, exist_ok=True)
        (context / file).write_text("x")
    recipe.mkdir()
    (recipe / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (recipe / "Dockerfile.dockerignore").write_text(lines)
    done = docker("build", "--file", str(recipe / "Dockerfile"), "--output", "type=tar,dest=-", str(context))
    assert done.returncode == 0, done.stderr.decode()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        sent = {member.name.strip("/") for member in archive if member.isfile()}
    rules = read_ignore(lines)
    assert sent == {file for file in files if not is_ignored(file, rules)}
