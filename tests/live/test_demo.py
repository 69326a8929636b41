"""`make demo`, once from its beginning to its end, and ended in the middle."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from labkit.tools import find, is_there
from readme_output import BLOCK, README
from weeks.demo import alarm

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / ".lab" / "demo" / "year.html"
NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?")
COMMAND = [sys.executable, "-m", "weeks.demo"]
pytestmark = pytest.mark.timeout(1_800)


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "COLUMNS": "88", "NO_COLOR": "1"}


def left(folder: Path) -> list[str]:
    """What the demo has left: processes that know its folder, and files."""
    found = [str(path) for path in folder.iterdir()]
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR", "").startswith(str(folder)):
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a whole year prints."""
    folder = tmp_path_factory.mktemp("demo")
    PAGE.unlink(missing_ok=True)
    done = subprocess.run(COMMAND, cwd=ROOT, env=environment(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert left(folder) == []
    return done.stdout


def test_the_year_is_played(printed: str) -> None:
    rows = re.findall(r"^  (2015-\d\d) +([\d,]+) +(\d+) .* (none|covariate|concept) +([\d,]+)$", printed, re.MULTILINE)
    assert [row[0] for row in rows] == ["2015-01", "2015-02", "2015-03", "2015-04"], printed
    assert rows[0][3] == "covariate"
    told = re.findall(r"Ticket after [\d.]+ s: FeatureDrift: (\S+)", " ".join(printed.split()))
    assert [word == "resolved" for word in told] == [False, True] or alarm.missing(), printed


def test_the_readme_shows_what_it_prints(printed: str) -> None:
    """Word for word, and each error within a twentieth. Seconds and callers are those of the machine."""
    (block,) = [found for found in BLOCK.finditer(README.read_text(encoding="utf-8")) if found["target"] == "demo"]
    kept = block.group().removeprefix("```text\n$ make demo\n").removesuffix("```")
    if alarm.missing() or is_too_busy(printed):
        pytest.skip("no Alertmanager here, or a machine that was too busy for the gate")
    assert words(printed) == words(kept)
    for now, then in zip(dollars(printed), dollars(kept), strict=True):
        assert now == pytest.approx(then, rel=0.05)


def words(text: str) -> str:
    return " ".join(NUMBER.sub("", re.sub(r"latency\s[\d.]+\ss\s[✓✗]", "latency", text)).split())


def dollars(text: str) -> list[float]:
    return [float(one.replace(",", "")) for one in re.findall(r"([\d,]+) USD", " ".join(text.split()))]


def is_too_busy(text: str) -> bool:
    """Whether a version was refused for its latency alone."""
    gates = re.findall(r"The gate: ([^.]*(?:\.\d[^.]*)*)\. Refused", " ".join(text.split()))
    return any(rules.count("✗") == 1 and re.search(r"latency [\d.]+ s ✗", rules) for rules in gates)


@pytest.mark.skipif(not is_there("chromium"), reason="no Chromium here; `lab doctor` says how to get it")
def test_the_page_can_be_looked_at(printed: str) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 1200})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(PAGE.as_uri())
        assert page.locator("figure svg").count() >= 3
        assert page.locator("table tr").count() >= 5
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.close()
    assert asked == [PAGE.as_uri()], "the page has all in it"


@pytest.mark.parametrize(
    ("number", "seen", "status"),
    [(signal.SIGINT, "2015-02-01", 130), (signal.SIGTERM, "2014-12-31", 143)],
    ids=["Ctrl-C", "kill"],
)
def test_it_can_be_stopped(tmp_path: Path, number: signal.Signals, seen: str, status: int) -> None:
    before = PAGE.read_bytes() if PAGE.exists() else None
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as started:
        assert started.stdout is not None
        for line in started.stdout:
            if seen in line:
                break
        started.send_signal(number)
        said = started.stdout.read()
        assert started.wait(120) == status, said
    assert left(tmp_path) == []
    assert (PAGE.read_bytes() if PAGE.exists() else None) == before
