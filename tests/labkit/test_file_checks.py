"""Checks of exercises that are files: the line of what is wrong; one failed check for a file that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.labkit import hostile_files, toy_files

from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.course.marks import reference
from labkit.course.mutants import apply_mutant, load_mutants, solved_files, write_submission
from labkit.course.tracks import resolve_track
from labkit.engine.client import Engine
from labkit.records import Report, Result

Changes = dict[str, str | bytes | None]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, which stays as it is."""
    return toy_files.make_course(tmp_path_factory.mktemp("course") / "course")


class Bench:
    """The course, a warm engine, and submissions that are right but for some files."""

    def __init__(self, root: Path, engine: Engine, folder: Path) -> None:
        self.root = root
        self.engine = engine
        self.lab: Lab = load_catalog(root).lab(1)
        self.folder = folder
        self.count = 0
        self.right = {file: reference(data.decode(), file) for file, data in solved_files(root, self.lab)}

    def submission(self, changes: Changes) -> Path:
        """A folder with the right answers, but for these files; None leaves one out."""
        self.count += 1
        folder = self.folder / str(self.count)
        for file, right in self.right.items():
            content = changes.get(file, right)
            if content is not None:
                path = folder / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))
        return folder

    def check(self, changes: Changes, exercises: list[str] | None = None) -> Report:
        track = resolve_track(self.root, str(self.submission(changes)), self.lab)
        return self.engine.run(self.lab, exercises, track)


@pytest.fixture(scope="module")
def bench(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Engine(shared, jobs=2) as engine:
        yield Bench(shared, engine, tmp_path_factory.mktemp("submissions"))


def by_check(report: Report) -> dict[str, Result]:
    found = {f"{result.exercise} {result.check}": result for result in report.results}
    assert len(found) == len(report.results)
    return found


def outcomes(report: Report) -> dict[str, str]:
    return {name: result.outcome for name, result in by_check(report).items()}


PASSED = {
    "1.1 test_replicas": "passed",
    "1.1 test_images": "passed",
    "1.2 test_region": "passed",
    "1.3 test_port": "passed",
    "1.4 test_user": "passed",
    "1.5 test_ports": "passed",
}


def test_the_solution_passes_and_the_starter_is_to_do(bench: Bench) -> None:
    for track, wanted in (("solutions", "passed"), ("labs", "todo")):
        report = bench.engine.run(bench.lab, None, resolve_track(bench.root, track, bench.lab))
        assert outcomes(report) == dict.fromkeys(PASSED, wanted)
    assert outcomes(bench.check({})) == PASSED


def test_each_mutant_is_caught_and_named(bench: Bench, tmp_path: Path) -> None:
    mutants = load_mutants(bench.root, bench.lab)
    assert len(mutants) == len(toy_files.MUTANTS)
    for mutant in mutants:
        folder = write_submission(mutant, tmp_path / mutant.name)
        report = bench.engine.run(bench.lab, [mutant.exercise], resolve_track(bench.root, str(folder), bench.lab))
        assert mutant.not_caught_by(report) == () and mutant.is_named_by(report), report
        assert not any(result.check == "parses" for result in report.results)
        text = (bench.root / "solutions" / "lab1_files" / mutant.file).read_text()
        assert (folder / mutant.file).read_text() == apply_mutant(text, mutant)


def test_a_wrong_value_is_shown_with_the_line_of_its_key(bench: Bench) -> None:
    right = bench.right["base/deployment.yaml"]
    report = bench.check({"base/deployment.yaml": right.replace("replicas: 2", "replicas: 1")}, ["1.1"])
    message = by_check(report)["1.1 test_replicas"].message
    assert message.startswith("expected: 2 or more\nfound: the number 1\nwhere: ")
    assert message.endswith("/base/deployment.yaml:7")
    report = bench.check({"base/deployment.yaml": right.replace("  replicas: 2\n", "")}, ["1.1"])
    message = by_check(report)["1.1 test_replicas"].message
    assert message.startswith("expected: `spec` has `replicas`\nfound: none\nwhere: ")
    assert message.endswith("/base/deployment.yaml:6")


def test_a_file_that_cannot_be_read_is_one_failed_check(bench: Bench) -> None:
    report = bench.check({"base/deployment.yaml": "kind: Deployment\nspec:\n\treplicas: 2\n"})
    found = by_check(report)
    parses = found.pop("1.1 parses")
    assert parses.outcome == "failed"
    assert parses.title == "`base/deployment.yaml` can be read."
    assert parses.message.startswith(
        "expected: `base/deployment.yaml` can be read as YAML\n"
        "found: line 3, column 1: a tab stands where spaces are wanted\n"
        "help: indent with spaces only; YAML takes no tabs\n"
        "    replicas: 2\n    ^\n"
        "where: "
    )
    assert parses.message.endswith("/base/deployment.yaml:3")
    place = parses.message.rpartition("where: ")[2].removesuffix(":3")
    for name, result in found.items():
        if name.startswith("1.1 "):
            assert (result.outcome, result.message) == (
                "failed",
                f"not run: {place} cannot be read (see `parses` of 1.1)",
            )
        else:
            assert result.outcome == "passed"


def test_every_declared_file_is_looked_at(bench: Bench) -> None:
    report = bench.check({"base/service.yaml": "a: 1\na: 2\n", "answer.py": "def port(:\n"}, ["1.5"])
    assert outcomes(report) == {"1.5 imports": "failed", "1.5 parses": "failed", "1.5 test_ports": "failed"}
    assert "cannot be imported (see `imports` of 1.5)" in by_check(report)["1.5 test_ports"].message
    report = bench.check({"base/service.yaml": "a: 1\na: 2\n"}, ["1.5"])
    assert outcomes(report) == {"1.5 parses": "failed", "1.5 test_ports": "failed"}
    assert "cannot be read (see `parses` of 1.5)" in by_check(report)["1.5 test_ports"].message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "nothing but comments stands in the file"),
        (None, "base/service.yaml is missing"),
        (b"kind: \xff\n", "`base/service.yaml` is not UTF-8: byte 0xff in line 1"),
        (b"kind: \0\n", "`base/service.yaml` has a NUL byte in line 1"),
    ],
)
def test_what_is_not_there_is_said_once(bench: Bench, content: str | bytes | None, said: str) -> None:
    report = bench.check({"base/service.yaml": content}, ["1.5"])
    assert outcomes(report) == {"1.5 parses": "failed", "1.5 test_ports": "failed"}
    assert said in by_check(report)["1.5 parses"].message
    assert "not run: " in by_check(report)["1.5 test_ports"].message


def test_a_dockerfile_has_no_reader_but_must_be_there(bench: Bench) -> None:
    report = bench.check({"Dockerfile": None}, ["1.4"])
    assert outcomes(report) == {"1.4 parses": "failed", "1.4 test_user": "failed"}
    assert by_check(report)["1.4 parses"].title == "`Dockerfile` can be read."
    assert outcomes(bench.check({"Dockerfile": "USER root\n"}, ["1.4"])) == {"1.4 test_user": "failed"}


def test_a_broken_file_with_its_todo_is_to_do(bench: Bench) -> None:
    changes: Changes = {
        "main.tf": "  // TODO 1.2: A region\n}}}\n",
        "base/service.yaml": "\t# TODO 1.5: x\n{",
        "Dockerfile": "#TODO 1.4\n",
    }
    report = bench.check(changes)
    assert outcomes(report) == {**PASSED, "1.2 test_region": "todo", "1.4 test_user": "todo", "1.5 test_ports": "todo"}
    assert "main.tf:1; delete the line" in by_check(report)["1.2 test_region"].message


def test_the_check_of_contributing_is_a_good_one(bench: Bench, tmp_path: Path) -> None:
    root = toy_files.make_course(tmp_path / "course")
    page = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = page.partition("## Exercises that are files")[2].partition("```python\n")[2].partition("```")[0]
    checks = root / "tests" / "labs" / "test_lab1_files.py"
    checks.write_text(f"{checks.read_text()}\n\n{code}", encoding="utf-8")
    lab, name = load_catalog(root).lab(1), "1.1 test_it_can_lose_one"
    right = bench.right["base/deployment.yaml"]
    with Engine(root) as engine:
        for old, new, said in (
            ("", "", ""),
            ("replicas: 2", "replicas: 1", "expected: 2 replicas or more\nfound: the number 1\nwhere: "),
            (":1.0", "", "expected: a version behind a `:`\nfound: the text `registry.example/house-price`\nwhere: "),
            ("          image: registry.example/house-price:1.0\n", "", "has `image`\nfound: the key"),
            ("          image: ", "          imag: ", "help: did you mean `image` where `imag` stands?\nwhere: "),
        ):
            folder = bench.submission({"base/deployment.yaml": right.replace(old, new)})
            result = by_check(engine.run(lab, ["1.1"], resolve_track(root, str(folder), lab)))[name]
            assert result.outcome == ("failed" if said else "passed")
            assert said in result.message


def test_no_worker_is_started_for_files(bench: Bench, tmp_path: Path) -> None:
    """What `lab.answer` needs is not there, and only its own exercise says so."""
    root = toy_files.make_course(tmp_path / "course")
    toml = root / "weeks" / "week1_files" / "lab.toml"
    toml.write_text(toml.read_text().replace('title = "Files"', 'title = "Files"\nprepare = "nothing_of_this_name:f"'))
    lab = load_catalog(root).lab(1)
    with Engine(root) as engine:
        report = engine.run(lab, None, resolve_track(root, "solutions", lab))
    assert {name for name, outcome in outcomes(report).items() if outcome == "passed"} == {*PASSED} - {"1.5 test_ports"}


# Hostile files


def judged(bench: Bench, submissions: list[Changes], exercises: list[str]) -> list[Report]:
    tracks = [resolve_track(bench.root, str(bench.submission(changes)), bench.lab) for changes in submissions]
    reports = bench.engine.run_many(bench.lab, tracks, exercises=exercises)
    assert len(reports) == len(submissions)
    return reports


def never_an_error(report: Report, exercise: str, text: str) -> None:
    assert {result.exercise for result in report.results} == {exercise}
    for result in report.results:
        assert result.outcome in ("passed", "failed"), f"{result}\n{text[:500]}"
        if result.outcome == "failed" and not result.message.startswith("not run: "):
            assert "\nwhere: " in result.message, f"{result}\n{text[:500]}"


@pytest.mark.parametrize(
    ("file", "exercise"), [("base/deployment.yaml", "1.1"), ("main.tf", "1.2"), ("config.toml", "1.3")]
)
def test_a_hostile_file_fails_its_checks_and_no_more(bench: Bench, file: str, exercise: str) -> None:
    texts = hostile_files.REFUSED[file]
    for text, report in zip(texts, judged(bench, [{file: text} for text in texts], [exercise]), strict=True):
        never_an_error(report, exercise, text)
        assert report.exit_code == 1, text[:500]


@pytest.mark.parametrize("part", range(2))
def test_a_deployment_that_is_broken_at_random_is_never_the_engines_fault(bench: Bench, part: int) -> None:
    """200 of them, some of which can still be read."""
    right = bench.right["base/deployment.yaml"]
    texts = [hostile_files.broken(right, seed) for seed in range(100 * part, 100 * part + 100)]
    reports = judged(bench, [{"base/deployment.yaml": text} for text in texts], ["1.1"])
    for text, report in zip(texts, reports, strict=True):
        never_an_error(report, "1.1", text)
    unread = sum(any(result.check == "parses" for result in report.results) for report in reports)
    assert 20 < unread < 95
