"""The guides of the weeks: their code runs, their commands exist, their figures were measured, their links lead on."""

import contextlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8s.installing import ADD_ONS
from labkit.course.catalog import Catalog, load_catalog
from labkit.course.lab import Lab
from weeks import guide_figures

ROOT = Path(__file__).resolve().parent.parent
CATALOG = load_catalog(ROOT)
BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
SECTIONS = [
    "What you will be able to do",
    "Why it matters",
    "The map",
    "Before you start",
    "Questions to discuss in the group",
    "Quiz",
    "What you can tick off now",
    "Other tools for the same job",
    "Clean up",
]
# What a shell block may hold besides `make …` and `lab …`.
SHELL = re.compile(
    r"source \.venv/bin/activate|rm -rf artifacts reports|(PYTHONPATH=labs )?python -m (?P<module>[\w.]+)"
    r"|docker (run|image rm) .*mlops-lab/lab\d-\w+:labs"
    r"|kubectl (kustomize|get|describe|top|apply|create secret) [\w ./=,-]+"
)


@pytest.fixture(params=list(CATALOG), ids=lambda lab: lab.week)
def lab(request: pytest.FixtureRequest) -> Lab:
    found: Lab = request.param
    return found


@pytest.fixture
def guide(lab: Lab) -> str:
    return (ROOT / lab.guide).read_text(encoding="utf-8")


def blocks(guide: str, language: str) -> list[str]:
    return [match["code"] for match in BLOCK.finditer(guide) if match["language"] == language]


def python_examples() -> Iterator[object]:
    """Each Python block of each guide, with the output that stands below it."""
    for lab in CATALOG:
        found = list(BLOCK.finditer((ROOT / lab.guide).read_text(encoding="utf-8")))
        for block, after in zip(found, [*found[1:], None], strict=True):
            if block["language"] == "python":
                printed = after["code"] if after is not None and after["language"] == "text" else ""
                line = block.string[: block.start()].count("\n") + 1
                yield pytest.param(block["code"], printed, id=f"{lab.week}:{line}")


@pytest.mark.parametrize(("code", "printed"), list(python_examples()))
def test_the_python_of_a_guide_prints_what_stands_below_it(code: str, printed: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(code, "<guide>", "exec"), {"__name__": "__guide__"})
    assert output.getvalue() == printed


def test_a_guide_has_its_sections_in_their_order(guide: str) -> None:
    titles = re.findall(r"^## (.+)$", guide, re.MULTILINE)
    assert [title for title in titles if title in SECTIONS] == SECTIONS


def test_each_exercise_has_its_section(lab: Lab, guide: str) -> None:
    for exercise in lab.exercises:
        section = re.search(rf"^### {re.escape(exercise.id)} (.+?)\n\n(.+?)(?=^##)", guide, re.DOTALL | re.MULTILINE)
        assert section, f"{exercise.id} has no section"
        assert section[1] == exercise.title
        first, rest = section[2].split("\n", 1)
        assert first.startswith(f"{exercise.minutes} minutes · `{(lab.labs_dir / exercise.file).as_posix()}` · ")
        for part in ("**The story.**", "**Write**", f"make check-{exercise.id}\n", "**What goes wrong in practice.**"):
            assert part in rest, f"{exercise.id} has no {part}"
        # The functions that it names are there, and the reference has them in marks of this exercise.
        files = (exercise.file, *exercise.also)
        solution = "\n".join((ROOT / lab.solutions_dir / file).read_text(encoding="utf-8") for file in files)
        for name in re.findall(r"`(\w+)[`(]", first.split("·", 2)[2]):
            there = rf"^((async )?def {name}\(|class {name}\b|{name}\b)"
            assert re.search(there, solution, re.MULTILINE), f"{exercise.file} has no {name}"


def test_the_minutes_of_the_exercises_are_those_of_the_lab(lab: Lab, guide: str) -> None:
    assert sum(exercise.minutes for exercise in lab.exercises) == lab.minutes
    assert re.search(rf"\| {lab.minutes / 60:g} hours", guide)


def test_every_quiz_answer_is_folded(guide: str) -> None:
    quiz = guide.partition("## Quiz\n")[2].partition("\n## ")[0]
    questions = re.findall(r"<details>\n<summary>(\d+)\. [^\n]+</summary>\n\n.+?\n\n</details>", quiz, re.DOTALL)
    assert questions == [str(number) for number in range(1, len(questions) + 1)]
    assert len(questions) >= 5
    assert quiz.count("<details>") == len(questions)
    assert not re.sub(r"<details>.*?</details>", "", quiz, flags=re.DOTALL).strip()


def commands(guide: str) -> list[str]:
    """Every command that the guide says to type, in a block or within a sentence."""
    lines = [line for code in blocks(guide, "sh") for line in code.splitlines()]
    inline = INLINE.findall(BLOCK.sub("", guide))
    return [*lines, *(text for text in inline if text.startswith(("make ", "lab ", ".venv/bin/")))]


def test_every_command_of_a_guide_is_there(guide: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z\d%-]+):.*## ", makefile, re.MULTILINE)
    for command in commands(guide):
        command = re.sub(r"^(?:[A-Z_]+=\S+ )+(?=lab )", "", command)
        if command.startswith("make "):
            target = command.split()[1]
            assert any(re.fullmatch(name.replace("%", rf"([\d.]+|{'|'.join(ADD_ONS)})"), target) for name in targets), (
                command
            )
            check_number(CATALOG, target.partition("-")[2])
        elif command.partition(" ")[0] == "lab":
            check_lab_command(command)
        else:
            match = SHELL.fullmatch(command)
            assert match, f"an unknown command: {command}"
            if match["module"]:
                assert (ROOT / "solutions" / match["module"].replace(".", "/")).with_suffix(".py").is_file()


def check_number(catalog: Catalog, number: str) -> None:
    """A lab or an exercise that is named must be there."""
    if re.fullmatch(r"\d+(\.\d+)?", number):
        catalog.find(number)


def check_lab_command(command: str) -> None:
    """The subcommand has a help page, and what follows is a lab or an exercise that there is."""
    words = command.split()
    if len(words) > 1:
        asked = [sys.executable, "-m", "labkit", words[1], "--help"]
        assert subprocess.run(asked, capture_output=True, check=False).returncode == 0, command
    for word in words[2:] if words[1:2] != ["run"] else [next(word for word in words[2:] if word.isdigit())]:
        check_number(CATALOG, word)


def test_links_and_anchors_lead_somewhere(lab: Lab, guide: str) -> None:
    text = BLOCK.sub("", guide)
    anchors = {anchor(title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    folder = (ROOT / lab.guide).parent
    for target in LINK.findall(INLINE.sub("", text)):
        if target.startswith("#"):
            assert target[1:] in anchors, f"no heading for {target}"
        elif not target.startswith("https://"):
            assert (folder / target.partition("#")[0]).exists(), f"{target} is missing"


def anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_diagrams_are_well_formed(guide: str) -> None:
    diagrams = blocks(guide, "mermaid")
    assert diagrams
    for diagram in diagrams:
        check_diagram(diagram)
    # The map has all eight weeks, and lights this one only.
    assert set(re.findall(r'"(\d) · ', diagrams[0])) == set("12345678")


def check_diagram(diagram: str) -> None:
    """A small grammar of Mermaid's flowcharts: nodes are named before they are coloured, brackets and blocks close."""
    first, *lines = diagram.strip().splitlines()
    assert first in {"flowchart LR", "flowchart TD"}
    assert diagram.count('"') % 2 == 0
    bare = re.sub(r'"[^"]*"', '""', diagram)
    for opening, closing in ("()", "[]", "{}"):
        assert bare.count(opening) == bare.count(closing)
    nodes: set[str] = set()
    classes: set[str] = set()
    coloured: list[tuple[list[str], str]] = []
    depth = 0
    for line in (line.strip() for line in lines):
        if line.startswith("classDef "):
            classes.add(line.split()[1])
        elif line.startswith("class "):
            coloured.append((line.split()[1].split(","), line.split()[2]))
        elif line.startswith("subgraph "):
            depth += 1
        elif line == "end":
            depth -= 1
        else:
            nodes |= set(nodes_of(line))
    assert depth == 0
    for members, name in coloured:
        assert set(members) <= nodes, set(members) - nodes
        assert name in classes
    if coloured:
        assert {member for members, _ in coloured for member in members} == nodes, "a node without a colour"


def nodes_of(line: str) -> list[str]:
    """The nodes of a line such as `a["text"] -->|"no"| b --> c`."""
    node = r'\w+(?:(?:\(\[|\[\(|\[/|\[|\(|\{)"[^"]*"(?:\]\)|\)\]|/\]|\]|\)|\}))?'
    arrow = r'\s*(?:-->|-\.->)(?:\|"[^"]*"\|)?\s*'
    assert re.fullmatch(rf"{node}(?:{arrow}{node})*", line), f"not a line of a flowchart: {line}"
    return [re.match(r"\w+", part)[0] for part in re.split(arrow, line)]  # type: ignore[index]


@pytest.fixture
def week(lab: Lab) -> Any:
    """The module that measures the figures of a week."""
    return importlib.import_module(f"weeks.{lab.week}.figures")


@pytest.fixture
def kept(lab: Lab) -> guide_figures.Figures:
    """The figures as they were measured."""
    content: guide_figures.Figures = json.loads((ROOT / "weeks" / lab.week / "figures.json").read_text("utf-8"))
    return content


def test_the_figures_of_a_guide_were_measured(lab: Lab, guide: str, kept: guide_figures.Figures) -> None:
    assert guide_figures.fill(guide, kept) == guide, f"run `python -m weeks.{lab.week}.figures --write`"
    assert guide_figures.typed_in(guide) == [], "name the figure that each number is: `12<!--name-->`"


def test_quick_figures_are_measured_again(week: Any, kept: guide_figures.Figures) -> None:
    for name in week.QUICK:
        assert list(guide_figures.differences(week.GROUPS[name](), kept)) == []


def test_every_picture_of_a_guide_is_drawn_from_its_figures(
    lab: Lab, guide: str, kept: guide_figures.Figures, tmp_path: Path
) -> None:
    drawn = {path.name for path in importlib.import_module(f"weeks.{lab.week}.drawing").draw(kept, tmp_path)}
    folder = ROOT / "weeks" / lab.week / "figures"
    assert drawn == {path.name for path in folder.iterdir()}
    assert drawn == set(re.findall(r"!\[[^\]]+\]\(figures/([\w.]+)\)", guide))
    assert all(path.stat().st_size < 100_000 for path in folder.iterdir())


def test_the_program_of_week_1_prints_what_its_guide_shows(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab1_models.house_price"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "solutions")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept = json.loads((ROOT / "weeks/week1_models/figures.json").read_text(encoding="utf-8"))["script_output"]
    assert list(guide_figures.differences({"printed": done.stdout}, {"printed": kept})) == []
    assert (tmp_path / "artifacts/house_price/metadata.json").is_file()


@pytest.mark.parametrize(
    ("week", "lab", "mutant"),
    [
        ("week1_models", "lab1_models", "1.1_house_on_both_sides"),
        ("week2_service", "lab2_service", "2.1_nan_passes_a_comparison"),
        ("week3_kubernetes", "lab3_kubernetes", "3.1_liveness_asks_for_the_models"),
        ("week4_tracking", "lab4_tracking", "4.1_metric_on_train"),
        ("week5_pipeline", "lab5_pipeline", "5.2_fillna_0"),
        ("week6_monitoring", "lab6_monitoring", "6.2_counter_without_rate"),
    ],
)
def test_the_verdict_in_a_guide_is_what_lab_check_prints(week: str, lab: str, mutant: str) -> None:
    kept = json.loads((ROOT / "weeks" / week / "figures.json").read_text(encoding="utf-8"))["verdict"]
    now = guide_figures.verdict(lab, mutant)
    # How many houses it finds may change with the data that the check draws.
    assert re.sub(r"\d+", "N", now) == re.sub(r"\d+", "N", kept), f"run `python -m weeks.{week}.figures`"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is 64,630 USD.", ["1: 64,630"]),
        ("It is 12 % more, or 9%.", ["1: 12", "1: 9"]),
        ("An R² of 0.99.", ["1: 0.99"]),
        ("It is 64,630<!--mae--> USD and 12<!--more--> %, 1,000<!--example--> times.", []),
        ("Exercise 1.2 has 150 flowers, in `0.99` code.\n```text\n1,000\n```\n", []),
        ("```text\n1,000\n```\n13.5 more", ["4: 13.5"]),
    ],
)
def test_typed_in_numbers_are_found(text: str, found: list[str]) -> None:
    assert guide_figures.typed_in(text) == found


@pytest.mark.parametrize(
    "broken",
    [
        'flowchart LR\n  a["x] --> b',
        "flowchart LR\n  a --> b\n  class c now",
        "graph\n  a",
        "flowchart LR\n  subgraph a",
    ],
)
def test_broken_diagrams_are_found(broken: str) -> None:
    with pytest.raises(AssertionError):
        check_diagram(broken)
