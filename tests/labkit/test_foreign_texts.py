"""Text of a submission arrives harmless in every medium, through the real renderers."""

from __future__ import annotations

import copy
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from labkit import text as border
from labkit.commands.check import json_text
from labkit.commands.common import say
from labkit.commands.grade import submission_line
from labkit.course.catalog import load_catalog
from labkit.course.lab import Lab
from labkit.records import Report, Result
from labkit.render.github import step_summary, workflow_commands
from labkit.render.html import report_html, report_text
from labkit.render.junit import junit_xml
from labkit.render.style import make_console
from labkit.render.terminal import print_report
from labkit.text import Foreign

NASTY = (
    "a\n::error::forged\n  ::add-mask::x\r::warning::y %0A::error::z ##[error]w\u2028::error::v\n\n"
    "\x1b[2J\x1b]0;owned\x07\x9b31m\x00\u202e\u2066\ud800\ufffe"
    "</script></pre></details><script>alert(1)</script><!-- ]]> | `code` [x](javascript:alert(1)) @mention"
)
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff\ufffe]")
COMMAND = re.compile(r"(?m)^\s*::|##\[")
TEXTS = {"short": NASTY, "long": NASTY + "x" * 5_000_000, "only odd": "\x1b[1m\u202e" * 1_000_000 + "::error::x"}


@pytest.fixture
def one(course: Path) -> Lab:
    return load_catalog(course).lab(1)


@pytest.fixture(params=list(TEXTS))
def report(request: pytest.FixtureRequest) -> Report:
    nasty = TEXTS[request.param]
    message = f"expected: 1\nfound: {nasty}\nwhere: {nasty}/answer.py:3 in f"
    failed = Result("1.1", "test_a", "failed", message, 0.1, f"`{nasty}` can be read.", nasty)
    return Report(1, nasty, (failed, Result("1.2", "test_b", "error", nasty)), (nasty,))


def printed(lab: Lab, report: Report) -> str:
    raw = io.BytesIO()
    console = make_console(io.TextIOWrapper(raw, encoding="utf-8", write_through=True))
    print_report(console, lab, report)
    console.print(submission_line(console, lab, report), soft_wrap=True)
    return raw.getvalue().decode()


def harmless(text: str, *, most: int = 100_000) -> None:
    assert not ODD.search(text)
    assert len(text) < most


def test_a_terminal(one: Lab, report: Report) -> None:
    for text in (printed(one, report), report_text(one, report)):
        harmless(text)
        assert not COMMAND.search(text)


def test_json_and_junit_on_the_standard_output(report: Report) -> None:
    text = json_text(report.to_json())
    harmless(text)
    assert not COMMAND.search(text)
    assert "forged" in json.loads(text)["track"] or "more characters" in text
    page = junit_xml([report])
    harmless(page)
    assert not COMMAND.search(page)
    assert ElementTree.fromstring(page).find(".//failure") is not None


def test_workflow_commands_are_one_line_each(one: Lab, report: Report) -> None:
    lines = workflow_commands(one, report)
    assert len(lines) == 2
    for line in lines:
        harmless(line)
        assert line.startswith("::error file=labs/lab1_toy/answer.py,title=Exercise 1.")
        assert "\n" not in line
        assert "%0A::error::z" not in line, "what was `%0A` in the text stays `%0A`, and is no line end"


class Page(HTMLParser):
    """The tags and comments of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_comment(self, data: str) -> None:
        self.seen.add("<!--")


def test_a_summary_and_a_notebook(one: Lab, report: Report) -> None:
    summary, page = step_summary(one, [report]), report_html(one, report)
    harmless(summary)
    harmless(page)
    assert Page(summary).seen <= {"details", "summary", "pre", "p", "br", "code"}
    assert Page(page).seen <= {"div", "b", "span", "pre", "small"}
    assert not re.search(r"^\s*::|`|\]\(|@mention|javascript:|\|[^\n]*code", summary)


def test_an_error_that_names_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"`{NASTY}` is no track")
    text = capsys.readouterr().err
    harmless(text)
    assert "forged" in text and not COMMAND.search(text)


def test_without_the_cleaning_each_of_these_would_fail(one: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(1, NASTY, (Result("1.1", "test_a", "failed", NASTY, 0.1, NASTY, NASTY),))
    monkeypatch.setattr(border, "clean", lambda text, limit=0: Foreign(text).raw)
    assert ODD.search(json_text(report.to_json()))
    assert ODD.search(workflow_commands(one, report)[0])
    assert ODD.search(report_html(one, report))
    assert ODD.search(step_summary(one, [report]))


def test_a_foreign_text_cannot_be_shown_by_mistake() -> None:
    result = Result("1.1", "test_a", "failed", NASTY)
    for show in (str, print, "{}".format, lambda text: f"{text}", lambda text: "x" + text, lambda text: text + "x"):
        with pytest.raises(TypeError, match="for_"):
            show(result.message)
    assert result.message == NASTY and "forged" in result.message
    assert not ODD.search(repr(result)) and "\n" not in repr(result)
    assert json.loads(json.dumps({"a": copy.deepcopy(result.message)}, indent=1)) == {"a": NASTY}
