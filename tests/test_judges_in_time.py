"""A judge's time grows with a learner's text as the text is long, or the text is refused in words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from lab1_judges import reports
from lab1_judges.reports import Written
from lab2_judges import image_rules, page_answers, page_static, problems
from lab2_judges.dockerfile import MOST_IN_FILE, MOST_STAGES, MOST_WORDS, DockerfileError, expand
from lab2_judges.page_browser import Exchange
from lab2_judges.predictions import Running
from tests.test_image_rules import IGNORE, verdicts
from tests.tools.trickles import WAYS, server

from labkit.checking.expect import CheckFailed
from labkit.text import clean

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 2 * 2**20  # characters: as long as a file of a submission may be
SECONDS = 10.0  # generous: the slowest takes 1.5 s alone on a slow machine, and one that is quadratic minutes


def repeated(part: str, length: int = LARGEST) -> str:
    return part * (length // len(part))


def seconds(function: Callable[[], object]) -> float:
    """How long a judge takes of the processor, whatever it says: other tests that run beside it take none of that."""
    started = time.process_time()
    with suppress(CheckFailed, DockerfileError):
        function()
    return time.process_time() - started


def written(text: str) -> Written:
    data = cast(reports.Data, None)
    return Written(
        "/reports", Path("/reports/report.md"), data, {"report.md": (text + " word" * 30).encode(), "x": b""}
    )


PICTURES = [
    "![", "![](", "![](x", "![a](x", "![a](x)", "![a](x ", "![a](<", "![](x \"", "<img", "<img ", "<img src",
    "<img src=", "<img src='", "<img src='x'>", "[a]:\n", "[a]: x\n", "[a]: .png.pn", "\n   ", "\n[",
    "\n[a]:" + " " * 50, "1", "1,", "1.", "1e", " 1e9", "1.1.", "![](data:image/png;base64,AAAA)",
]  # fmt: skip


@pytest.mark.parametrize("part", PICTURES)
def test_pictures_and_numbers_of_a_report(part: str) -> None:
    report = written(repeated(part))
    assert seconds(report.images) < SECONDS
    assert seconds(lambda: report.figures.has_line([1.5], words=["mean"])) < SECONDS
    assert seconds(lambda: report.figures.numbers) < SECONDS


@pytest.mark.parametrize("tail", ["![](" + " " * LARGEST, "![](x" + " " * LARGEST, "<img src" + " " * LARGEST])
def test_one_long_gap_in_a_report(tail: str) -> None:
    assert seconds(written(tail).images) < SECONDS


def test_a_report_beyond_all_measure_is_refused() -> None:
    with pytest.raises(CheckFailed, match="at most 8 MB"):
        written(repeated("a ", reports.MOST_BYTES + 2)).images()
    report = written("".join(f"![a](x{number})\n" for number in range(201)))
    report.files |= {f"x{number}": b"x" for number in range(201)}
    with pytest.raises(CheckFailed, match="at most 200 pictures"):
        report.images()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("![a plot](x)", "x"),
        ("![](<x>)", "x"),
        ('![a](x "the title (of 2014)")', "x"),
        ("![ a\nb ](  x  )", "x"),
        ('<img alt="1" width=3 src = "x">', "x"),
        ("<IMG\n SRC='x'/>", "x"),
        ("see ![a][b]\n\n  [b]: p.png", "p.png"),
    ],
)
def test_pictures_are_found_however_they_are_written(text: str, address: str) -> None:
    report = written(text)
    report.files[address] = b"shown"
    assert report.images() == {address: b"shown"}


OPEN = [
    "<", "<a", "<a b ", "<a b=", "<a b='", "<a b=\"", "<!", "<!--", "<![CDATA[", "<![if", "<?", "</", "</a", "</a b",
    "&a", "&#", "<script>", "<script></scrip", "<style>", "<textarea><", "<a/", "<a b/", "<a\0", "<a =",
]  # fmt: skip
CLOSED = [
    "<b>", "<b></x>", "</b>", "<i><b></i>", "<label>x", "<input>", "<input aria-labelledby='a b c d'>", "<p id=a>x</p>",
    "<label for=a>x</label><input id=a>", "<select name=a><option>", "<!-- -->", "<br/>", "a ", "&amp;", "<svg/>",
]  # fmt: skip
ENDS = ["", ">", "-->", "'>"]


def judge_page(text: str) -> None:
    page = page_static.read({"page/index.html": text})
    for judge in (page_static.judge_head, page_static.judge_fields, page_static.judge_labels, page_static.judge_parts):
        with suppress(CheckFailed):
            judge(page)
    page_static.judge_own_files(page, {"page/index.html": text})


@pytest.mark.parametrize("part", [*OPEN, *CLOSED])
def test_a_page(part: str) -> None:
    for end in ENDS:
        length = page_static.MOST_CHARACTERS - 100
        assert seconds(lambda: judge_page(repeated(part, length) + end)) < SECONDS, end  # noqa: B023


@pytest.mark.parametrize("model", ["house-price"])
def test_a_form_with_too_much_in_it(model: str) -> None:
    inside = "<label>x" + repeated("<input name=a><button></button>", page_static.MOST_CHARACTERS - 400)
    assert seconds(lambda: judge_page(f"<form data-model={model} novalidate>{inside}</form>")) < SECONDS


def test_a_page_that_cannot_be_read_is_refused_in_words() -> None:
    too_long = "a" * (page_static.MOST_CHARACTERS + 1)
    for text, why in {too_long: "131,073", "<b>" * 201: "lies deeper", "<p>\n<a b='": "line 2: `<a b='`"}.items():
        with pytest.raises(CheckFailed, match=re.escape(why)):
            page_static.read({"page/index.html": text})


def test_an_end_without_a_beginning_closes_nothing() -> None:
    page = page_static.read({"page/index.html": "<p><b>one</i> two</p></p><p>three</p>"})
    assert [node.text for node in page.children] == ["one two", "three"]


@pytest.mark.parametrize("part", ["url(", "@import", "from", "import", "import(", "fetch("])
@pytest.mark.parametrize("gap", [" ", "\n", "(", "'", ""])
def test_styles_and_scripts_of_a_page(part: str, gap: str) -> None:
    page = page_static.Node("html")
    texts = [part + gap * (LARGEST - 10), repeated(part + gap), repeated(part + gap + "//")]
    for text in texts:
        assert seconds(lambda: page_static.judge_own_files(page, {"page/page.js": text})) < SECONDS  # noqa: B023


@pytest.mark.parametrize("code", ["url(//a)", "url( ' //a')", "@import  '//a'", "import('//a')", "import ( ' https://a')",
                                  "import'//a'", "from '//a'", "fetch( `//a`)"])  # fmt: skip
def test_what_a_page_loads_from_elsewhere_is_found(code: str) -> None:
    with pytest.raises(CheckFailed, match="its own files only"):
        page_static.judge_own_files(page_static.Node("html"), {"page/page.js": f"x\n{code}"})


@pytest.mark.parametrize("part", ["$1", "$1,111", ",111", "$1,", "$1.", "1", "$"])
def test_dollars_on_a_page(part: str) -> None:
    for text in (repeated(part), "$1" + repeated(part), "$" + repeated(part) + "x"):
        assert seconds(lambda: page_answers.dollars_in(text)) < SECONDS  # noqa: B023
    assert page_answers.dollars_in("$468,200 ($1.5, $1,2) $7") == [468200, 7]


@pytest.mark.parametrize("part", ["${a-", "${a:-$", "$", "\\", "${", "$a", "${a-}"])
def test_variables(part: str) -> None:
    assert seconds(lambda: expand(repeated(part), {"a": "x"})) < SECONDS


STEP = "COPY --from={} /{} /{}\nRUN python -m venv /v{} && /v{}/bin/pip install {}\n"
HOSTILE = {
    "flags": "FROM a\nRUN " + repeated("--a ") + "x",
    "few flags": "FROM a\nRUN " + repeated("--a ", MOST_IN_FILE - 50) + "x",
    "stages": "FROM a AS s\nFROM s\n" * 900,
    "stages on stages": "FROM a AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(28)),
    "carried": "FROM python:3.12 AS s0\n" + "".join(
        f"FROM python:3.{n} AS s{n}\n" + "".join(STEP.format(f"s{m}", m, n, m, m, m) for m in range(n))[:2000] + "\n"
        for n in range(1, MOST_STAGES)),
    "sources": "FROM a\nCOPY " + repeated("a ", 2 * MOST_WORDS - 100) + "/x/",
    "patterns": "FROM a\nCOPY " + " ".join(f"*{n}*?" for n in range(MOST_WORDS - 10)) + " /x/",
    "patterns of all": "FROM a\nCOPY " + " ".join(f"**/*{n % 9}*" for n in range(MOST_WORDS - 10)) + " /x/",
    "removed": "FROM a\nCOPY . /\nRUN rm " + " ".join(f"/*{n}*/*?" for n in range(1_900)),
    "moved": "FROM a\nCOPY . /\nRUN " + "mv /x /y;" * 990,
    "variables": "FROM a\n" + ("ENV " + "A=${a-" * 2_500 + "\n") * 3,
    "pairs": "FROM a\n" + ("ENV " + " ".join(f"a{n}=1" for n in range(200)) + "\n") * 14,
    "installs": "FROM a\nRUN " + "pip install a;" * 900,
    "mounts": "FROM a\n" + ("RUN " + "--mount=type=bind,target=/x " * 19 + "pip install -r x\n") * 100,
    "heredocs": "FROM a\nRUN " + "<<A " * 900 + "\n" + "A\n" * 900,
    "brackets": "FROM a\nCMD " + "[" * 15_000,
    "quotes": "FROM a\nRUN " + "'\"" * 9_000,
    "regex": "FROM a\nUSER x\nHEALTHCHECK CMD " + "exit(" * 3_000 + ";true" * 200,
    "venv": "FROM a\nRUN " + "-m venv " * 1_400,
    "rm pip": "FROM python:3.12\nUSER a\nRUN " + "rm " + "/pip/a" * 3_000,
    "uninstall": "FROM python:3.12\nUSER a\nRUN " + "uninstall " * 1_900,
    "secrets": "FROM a\nENV A=" + "://a:" * 3_900,
    "lines": "FROM a\nRUN " + "x \\\n" * 1_990 + "x",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_dockerfile(text: str) -> None:
    started = time.process_time()
    assert verdicts(text, "")
    assert verdicts(text, IGNORE)
    assert time.process_time() - started < 2 * SECONDS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HOSTILE["flags"], "more than 65,536 characters"),
        (HOSTILE["few flags"], "or 20 flags"),
        (HOSTILE["stages"], "more than 300 instructions"),
        ("FROM a\n" * 31, "more than 30 stages"),
        ("FROM a\n" + "RUN a b c d e f g h i j k\n" * 290, "more than 2,000 words"),
        ("FROM a\nRUN " + "x" * 20_001, "more than 20,000 characters"),
    ],
)
def test_a_dockerfile_beyond_all_measure_is_refused_in_words(text: str, why: str) -> None:
    assert any(why in found for found in verdicts(text))
    with pytest.raises(CheckFailed, match=why):
        image_rules.judge_readable({"Dockerfile": text})


@pytest.mark.parametrize("part", ["\x1b[", "\x1b]", "\x1b]a", "\x9b1;", "\x1b\\", "\x90", "\r", "\u202e", "\x1b "])
@pytest.mark.parametrize("limit", [400, 8000])
def test_text_that_is_made_safe_to_show(part: str, limit: int) -> None:
    assert seconds(lambda: clean(repeated(part), limit)) < SECONDS


def test_the_time_grows_as_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds above are generous; here twice the text takes about twice the time, at most four times."""
    monkeypatch.setattr(page_static, "MOST_CHARACTERS", LARGEST)
    readers: dict[str, Callable[[int], object]] = {
        "pictures": lambda n: reports.IMAGE.sub("", repeated("![](x", n)),
        "code": lambda n: page_static._EXTERNAL_IN_CODE.search("url(" + " " * n),
        "page": lambda n: page_static.read({"page/index.html": repeated("<a b ", n) + ">"}),
        "variables": lambda n: expand(repeated("${a-", n), {"a": ""}),
    }
    for name, read in readers.items():
        once, twice = (min(seconds(lambda: read(n)) for _ in range(3)) for n in (150_000, 300_000))  # noqa: B023
        assert twice < 4 * once + 0.05, name


WORDS = "pip install -r a rm -rf * cp /x . && ; uv venv python -m ../b /opt/venv/bin/pip $A ${A:-b} [a-c]* **"


@pytest.mark.parametrize("seed", range(3))
def test_any_dockerfile_within_the_bounds(seed: int) -> None:
    """Thousands of words that mean something, in any order."""
    rng = np.random.default_rng(seed)
    words = re.split(" ", WORDS)
    lines = ["FROM python:3.12 AS s0"]
    for number in range(1, MOST_STAGES - 1):
        name = rng.choice(["RUN", "COPY", "RUN --mount=type=bind,target=/x", f"COPY --from=s{rng.integers(number)}"], 8)
        lines += [f"{one} {' '.join(rng.choice(words, 10))}" for one in name]
        lines.append(f"FROM {rng.choice(['python:3.12', f's{number - 1}'])} AS s{number}")
    started = time.process_time()
    assert verdicts("\n".join([*lines, "RUN true"]), "")
    assert time.process_time() - started < 2 * SECONDS


@pytest.mark.parametrize("way", WAYS)
def test_a_service_that_trickles(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit for each wait would be renewed by every byte."""
    monkeypatch.setattr(page_answers, "PATIENCE", 0.5)
    monkeypatch.setattr(problems, "ENDLESS", 0.5)
    with server() as serve:
        port = serve(WAYS[way])
        running = cast(Running, SimpleNamespace(service=SimpleNamespace(port=port)))
        exchange = Exchange("/v1/predictions", {}, 200)
        for judge in (
            lambda: page_answers.expected_answer(f"http://127.0.0.1:{port}", exchange),
            lambda: problems.judge_endless_body(running),
        ):
            started = time.monotonic()
            with pytest.raises(CheckFailed):
                judge()
            assert time.monotonic() - started < 3
