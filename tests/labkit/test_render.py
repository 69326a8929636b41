"""Renderers: a learner's text does nothing to a terminal, an XML parser, GitHub's runner or a notebook."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from tests.labkit import toy

from labkit.course.catalog import Catalog, load_catalog
from labkit.course.lab import Lab
from labkit.learner.progress import Verdict, file_digests, load_progress
from labkit.records import Report, Result
from labkit.render.board import print_board, print_lab
from labkit.render.github import command, no_commands, step_summary, workflow_commands
from labkit.render.html import report_html, report_text
from labkit.render.junit import junit_xml
from labkit.render.style import make_console, minutes, seconds
from labkit.render.terminal import next_step, print_report

HOSTILE = (
    "found: \x1b[31mred\x1b]0;owned\x07\x00\ufffe\u202e\ud800\n"
    "::error file=a.py,line=1::forged\n##[error]forged\n::stop-commands::x\n"
    "</pre></details><script>alert(1)</script><img src=x onerror=alert(1)>\n"
    "| **bold** `code` [link](http://evil.example) @somebody #1 \\| $x^2$ [/red] :smile:\n"
    "]]> <![CDATA[ & \" ' 한글\n"
    "where: labs/lab1_toy/answer.py:7 in double: return 1\n"
)


@pytest.fixture
def catalog(course: Path) -> Catalog:
    return load_catalog(course)


@pytest.fixture
def one(catalog: Catalog) -> Lab:
    return catalog.lab(1)


@pytest.fixture
def hostile() -> Report:
    failed = Result("1.1", "test_doubles", "failed", HOSTILE, 0.1, title=f"Doubles. {HOSTILE}", output=HOSTILE * 100)
    good = Result("1.1", "test_good", "passed", "", 0.1, title="All is well.")
    todo = Result("1.2", "test_counts", "todo", "`TODO 1.2` still stands", 0.0)
    return Report(1, "labs", (good, failed, todo), (f"note {HOSTILE}",))


def make(width: int = 80, *, colour: bool = False, encoding: str = "utf-8") -> tuple[Console, io.BytesIO]:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="replace", write_through=True, newline="\n")
    console = make_console(stream)
    console.width = width
    if colour:
        console = Console(file=stream, force_terminal=True, color_system="standard", markup=False, width=width)
    return console, raw


def shown(raw: io.BytesIO, encoding: str = "utf-8") -> str:
    return raw.getvalue().decode(encoding)


# The terminal


def test_a_report_in_a_terminal(one: Lab) -> None:
    console, raw = make()
    message = "expected: 4\nfound: 6\nhelp: twice is `2 * x`\nwhere: labs/lab1_toy/answer.py:6 in double: return 3 * x"
    results = (
        Result("1.1", "test_doubles", "failed", message, 0.06, "`double` returns twice its argument.", "hello\n"),
        Result("1.2", "test_counts", "todo", "`TODO 1.2` still stands", 0.0),
    )
    print_report(console, one, Report(1, "labs", results), wall=0.64, seed=7)
    assert shown(raw) == (
        "\n"
        "  ✗  1.1  Double      0 of 1 check    0.06 s\n"
        "     ✗  `double` returns twice its argument.\n"
        "        │ expected  4\n"
        "        │ found     6\n"
        "        │ help      twice is `2 * x`\n"
        "        │ where     labs/lab1_toy/answer.py:6 in double: return 3 * x\n"
        "        │ printed   hello\n"
        "  ·  1.2  Count rows  to do\n"
        "\n"
        "  2 checks: 1 failed, 1 to do   0.64 s\n"
        "  `--seed 7` draws the same inputs again\n"
        "  Next  1.1 Double, in labs/lab1_toy/answer.py\n"
        "        `lab check 1.1`, stuck? `lab hint 1.1`\n"
        "\n"
    )


def test_hostile_text_is_only_text_in_a_terminal(one: Lab, hostile: Report) -> None:
    console, raw = make(colour=True)
    # Titles and notes are the course's own text, the rest is the learner's.
    results = tuple(replace(result, title="A title.") for result in hostile.results)
    report = replace(hostile, results=results, notes=("A note.",))
    print_report(console, one, report)
    text = shown(raw)
    codes = set(re.findall(r"\x1b\[[^m]*m", text))
    assert codes == set(re.findall(r"\x1b[^m]*m?", text)), "an escape code that is no colour"
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ufffe]", plain)
    assert "[/red] :smile:" in plain
    assert not re.search(r"^\s*(::|##\[)", plain, re.MULTILINE)
    assert len(plain.splitlines()) < 70, "the output is not clipped"


@pytest.mark.parametrize("width", [45, 60, 100])
def test_lines_keep_to_the_width(one: Lab, hostile: Report, width: int) -> None:
    console, raw = make(width)
    message = "found: " + "a long sentence of a learner " * 9 + "한글" * 60
    long = Result("1.1", "test_doubles", "failed", message, 0.1, title="A sentence. " * 20)
    print_report(console, one, Report(1, "submissions/x", (long, *hostile.results)))
    from rich.cells import cell_len

    lines = [line for line in shown(raw).splitlines() if "track" not in line]
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_a_terminal_of_another_encoding_is_no_end(catalog: Catalog, hostile: Report) -> None:
    console, raw = make(encoding="ascii")
    print_board(console, catalog, load_progress(catalog.root))
    print_report(console, catalog.lab(1), hostile)
    text = shown(raw, "ascii")
    assert "  1  A toy       . .  0 of 2  10 min" in text
    assert "  x  1.1  Double" in text


def test_a_check_with_several_inputs_is_one_line_where_it_passed(one: Lab) -> None:
    good = [Result("1.1", f"test_a[{n}]", "passed", "", 0.1, "Doubles.") for n in range(3)]
    bad = [Result("1.1", f"test_b[{n}]", "failed", "found: x", 0.1, "Halves.") for n in range(2)]
    console, raw = make()
    print_report(console, one, Report(1, "labs", (*good, *bad)), details=True)
    assert shown(raw).count("     ✓  Doubles. (3 cases)\n") == 1
    assert [shown(raw).count(f"     ✗  Halves. ({n})\n") for n in range(2)] == [1, 1]


def test_a_report_without_results_says_that_the_engine_broke(one: Lab) -> None:
    console, raw = make()
    print_report(console, one, Report(1, "labs", ()))
    assert "no check reported: the engine broke" in shown(raw)


@pytest.mark.parametrize(
    ("outcome", "track", "wanted"),
    [
        ("passed", "labs", "Next  1.2 Count rows: `lab check 1.2`"),
        ("todo", "labs", "Next  1.1 Double, in labs/lab1_toy/answer.py\n        `lab check 1.1`"),
        ("error", "labs", "The engine broke, which is not your fault. `lab doctor` looks for the cause."),
        ("failed", "solutions", ""),
    ],
)
def test_the_next_step_follows_from_the_outcome(one: Lab, outcome: str, track: str, wanted: str) -> None:
    report = Report(1, track, (Result("1.1", "test_doubles", outcome, "", 0.1),))  # type: ignore[arg-type]
    assert next_step(one, report) == wanted


def test_the_next_step_is_the_exercise_that_this_one_builds_on(one: Lab) -> None:
    second = replace(one.exercise("1.2"), after=("1.1",))
    lab = replace(one, exercises=(one.exercise("1.1"), second))
    waits = "1.2 builds on 1.1, and `TODO 1.1` still stands in labs/lab1_toy/answer.py:4"
    report = Report(1, "labs", (Result("1.2", "test_counts", "todo", waits, 0.0),))
    assert next_step(lab, report) == "Next  1.1 Double, in labs/lab1_toy/answer.py\n        `lab check 1.1`"


def test_the_board_has_eight_weeks(catalog: Catalog) -> None:
    console, raw = make()
    print_board(console, catalog, load_progress(catalog.root))
    assert shown(raw) == (
        "\n"
        "  mlops-lab   0 of 2 exercises done\n"
        "\n"
        "  1  A toy       · ·  0 of 2  10 min\n"
        "  2  service     not there yet\n"
        "  3  kubernetes  not there yet\n"
        "  4  tracking    not there yet\n"
        "  5  pipeline    not there yet\n"
        "  6  monitoring  not there yet\n"
        "  7  delivery    not there yet\n"
        "  8  loop        not there yet\n"
        "\n"
        "  Next  1.1 Double, in labs/lab1_toy/answer.py:6\n"
        "        `lab check 1.1`, or `lab watch 1` for a verdict at each save\n"
        "\n"
    )


def test_the_page_of_a_lab_shows_each_state(catalog: Catalog) -> None:
    lab, root = catalog.lab(1), catalog.root
    toy.write(root / lab.labs_dir / "answer.py", toy.answer())
    progress = load_progress(root)
    digest = file_digests(root, lab)["answer.py"]
    progress.verdicts = {"1.1": Verdict("passed", digest), "1.2": Verdict("failed", "before")}
    console, raw = make()
    print_lab(console, root, lab, progress)
    text = shown(raw)
    assert "  guide       weeks/week1_toy/README.md\n  your files  labs/lab1_toy/\n" in text
    assert "    ✓  1.1  Double      5 min  passed\n    ~  1.2  Count rows  5 min  edited\n" in text
    assert "  Next  1.2 Count rows, in labs/lab1_toy/answer.py\n" in text
    progress.verdicts["1.2"] = Verdict("passed", digest)
    console, raw = make()
    print_lab(console, root, lab, progress)
    assert "2 of 2 done" in shown(raw)
    assert "  Lab 1 is done." in shown(raw)


def test_numbers_in_words() -> None:
    assert [minutes(count) for count in (5, 60, 89, 90, 240)] == ["5 min", "60 min", "89 min", "1 h 30", "4 h"]
    assert [seconds(value) for value in (0.0, 0.214, 9.994, 12.3)] == ["0.00 s", "0.21 s", "9.99 s", "12 s"]


# JUnit


def test_junit_is_xml_whatever_is_in_the_text(hostile: Report) -> None:
    root = ElementTree.fromstring(junit_xml([hostile, Report(1, "x", (Result("1.1", "a", "error", "e", 1.0),))]))
    suites = root.findall("testsuite")
    assert [suite.get("failures") for suite in suites] == ["2", "0"]
    assert [suite.get("errors") for suite in suites] == ["0", "1"]
    good, failed, todo = suites[0].findall("testcase")
    assert (failed.get("classname"), failed.get("name"), failed.get("time")) == (
        "exercise 1.1",
        "test_doubles",
        "0.100",
    )
    text = failed.findtext("failure") or ""
    assert "한글" in text
    assert "]]> <![CDATA[" in text
    assert "\x1b" not in text
    todo_failure = todo.find("failure")
    assert todo_failure is not None
    assert todo_failure.get("type") == "todo"
    assert list(good) == []


# GitHub


def test_annotations_are_one_line_each_and_name_the_place(one: Lab, hostile: Report) -> None:
    error, notice = workflow_commands(one, hostile)
    assert "\n" not in error + notice
    assert error.startswith("::error file=labs/lab1_toy/answer.py,title=Exercise 1.1%3A Doubles.")
    assert error.partition(" ")[2].partition("::")[0].endswith(",line=7")
    assert "%0A::stop-commands" in error
    assert notice == "::notice file=labs/lab1_toy/answer.py,title=Exercise 1.2::to do: its TODO mark still stands"


def test_an_annotation_points_into_the_lab_only(one: Lab) -> None:
    message = "found: x\nwhere: /etc/passwd:3"
    (line,) = workflow_commands(one, Report(1, "x", (Result("1.1", "t", "failed", message, 0.0),)))
    assert "file=labs/lab1_toy/answer.py,title" in line
    message = "found: x\nwhere: submissions/anna/lab1_toy/answer.py:12 in f: x"
    (line,) = workflow_commands(one, Report(1, "x", (Result("1.1", "t", "failed", message, 0.0),)))
    assert "file=labs/lab1_toy/answer.py,title=Exercise 1.1%3A ,line=12::" in line


def test_properties_are_escaped() -> None:
    assert command("error", {"title": "a,b:c%\n"}, "50%\r\n") == "::error title=a%2Cb%3Ac%25%0A::50%25%0A"


def test_there_are_not_too_many_annotations(one: Lab) -> None:
    results = tuple(Result("1.1", f"t{n}", "failed", "m", 0.0) for n in range(50))
    lines = workflow_commands(one, Report(1, "x", results))
    assert len(lines) == 31
    assert lines[-1] == "::notice title=lab check::20 more in the summary"


def test_what_is_printed_inside_is_no_command() -> None:
    out = io.StringIO()
    with no_commands(out):
        print("::error::forged", file=out)
    first, forged, last = out.getvalue().splitlines()
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert (forged, last) == ("::error::forged", f"::{token}::")


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not any(name.startswith("on") or name in {"src", "href"} for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_summary_is_inert(one: Lab, hostile: Report) -> None:
    text = step_summary(one, [hostile])
    assert "| ❌ failed | 1&#46;1 Double | 1 of 2 | 0.20 |" in text
    assert "| ⬜ todo | 1&#46;2 Count rows | 0 of 1 | 0.00 |" in text
    tags = Tags()
    tags.feed(text)
    assert tags.seen <= {"details", "summary", "pre", "p", "br", "code"}
    assert "**bold** `code` [link](http://evil.example) @somebody" in tags.text
    for forbidden in ("**bold**", "[link]", "@somebody", "<script", "http://", "\n::"):
        assert forbidden not in text
    block = text[text.index("<pre>") : text.index("</pre>")]
    assert "\n" not in block, "an empty line would end the block"


def test_a_long_summary_is_cut(one: Lab) -> None:
    results = tuple(Result("1.1", f"t{n}", "failed", "m" * 3000, 0.0) for n in range(200))
    text = step_summary(one, [Report(1, "x", results)])
    assert len(text) < 210_000
    assert text.endswith("The rest was cut.\n")
    assert text.count("<details>") == text.count("</details>")


# Notebooks


def test_html_is_inert_and_text_is_plain(one: Lab, hostile: Report) -> None:
    page = report_html(one, hostile)
    tags = Tags()
    tags.feed(page)
    assert tags.seen <= {"div", "b", "span", "pre", "small"}
    assert "<script>alert(1)</script>" in tags.text
    assert "0.1" not in page, "times would make a notebook's output differ at each run"
    text = report_text(one, hostile)
    assert text.startswith("✗ 1.1 Double: failed\n  ✓ All is well.\n")
    assert "\x1b" not in text + page
