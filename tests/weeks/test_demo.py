"""The parts of `make demo` that need no server. tests/live plays the whole year."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from labkit.course.catalog import load_catalog
from labkit.course.starters import render_starters
from labkit.learner.progress import digest_of, file_digests
from weeks.demo import alarm, page, sources
from weeks.demo.year import Month, Swap, Year, calendar, said

ROOT = Path(__file__).resolve().parents[2]
LAB6 = ROOT / "solutions" / "lab6_monitoring"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the course with fresh starters."""
    for name in ("weeks", "solutions"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "figures"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    render_starters(tmp_path, tmp_path / "labs")
    return tmp_path


def pass_exercises(course: Path, *ids: str) -> None:
    """Keep a green verdict on the learner's files as they are."""
    verdicts = {}
    for id in ids:
        lab, exercise = load_catalog(course).exercise(id)
        verdicts[id] = {"outcome": "passed", "sha256": digest_of(exercise, file_digests(course, lab)), "when": ""}
    path = course / ".lab" / "progress.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"version": 1, "verdicts": verdicts, "hints": {}}))


def solve(course: Path, file: str) -> None:
    text = (course / "solutions" / file).read_text(encoding="utf-8")
    (course / "labs" / file).write_text(f"{text}# mine\n", encoding="utf-8")


def test_without_mine_the_labs_are_the_solutions(course: Path, tmp_path: Path) -> None:
    chosen = sources.sources(load_catalog(course), mine=False)
    assert sources.lay_out(chosen, course, tmp_path / "made") == course / "solutions"
    assert sources.whose(chosen, mine=False) == []
    assert not (tmp_path / "made").exists()


def test_a_file_is_mine_where_all_its_exercises_have_passed(course: Path, tmp_path: Path) -> None:
    for file in ("lab5_pipeline/contract.py", "lab4_tracking/registry.py", "lab5_pipeline/features.py"):
        solve(course, file)
    pass_exercises(course, "5.1", "5.2", "4.3", "5.3")  # and not 4.4, which is in `registry.py`, too
    with (course / "labs/lab5_pipeline/features.py").open("a") as features:
        features.write("# edited since\n")
    chosen = sources.sources(load_catalog(course), mine=True)
    rows = {lab: yours for lab, yours, _ in sources.whose(chosen, mine=True)}
    assert rows == {"lab 1": "-", "lab 2": "-", "lab 4": "-", "lab 5": "contract.py", "lab 6": "-"}
    made = sources.lay_out(chosen, course, tmp_path / "made")
    assert (made / "lab5_pipeline/contract.py").read_text().endswith("# mine\n")
    assert "# mine" not in (made / "lab5_pipeline/features.py").read_text()
    assert (made / "lab4_tracking").resolve() == course / "solutions/lab4_tracking"


def test_a_starter_is_nobodys(course: Path) -> None:
    chosen = sources.sources(load_catalog(course), mine=True)
    assert all(not source.mine for source in chosen)
    assert all((course / source.lab.solutions_dir / file).is_file() for source in chosen for file in source.given)


def test_the_rules_are_those_of_lab_6_but_for_one_wait() -> None:
    rules = yaml.safe_load((LAB6 / "rules.yml").read_text(encoding="utf-8"))
    before, after = (
        {rule["alert"]: rule for group in one["groups"] for rule in group["rules"] if "alert" in rule}
        for one in (rules, alarm.hurried_rules(rules))
    )
    assert after.pop(alarm.ALERT) == {**before.pop(alarm.ALERT), "for": alarm.WAIT}
    assert after == before


def test_the_routes_are_those_of_lab_6_in_a_hurry() -> None:
    routes = yaml.safe_load((LAB6 / "alertmanager.yml").read_text(encoding="utf-8"))
    hurried = alarm.hurried_routes(routes, 1234)
    assert hurried["inhibit_rules"] == routes["inhibit_rules"]
    assert [one["receiver"] for one in hurried["route"]["routes"]] == ["pager"]
    assert {hurried["route"]["group_wait"], hurried["route"]["routes"][0]["group_interval"]} == {"1s"}
    addresses = [one["url"] for receiver in hurried["receivers"] for one in receiver["webhook_configs"]]
    assert addresses == ["http://127.0.0.1:1234/page", "http://127.0.0.1:1234/ticket"]


def test_nobody_hears_of_a_message_of_before() -> None:
    inbox = alarm.Inbox([alarm.Message(1.0, "firing", alarm.ALERT, "ticket  firing    …")])
    found = inbox.wait_for("firing", alarm.ALERT, 0.5)
    assert found and found.where == "Ticket"
    inbox.tell("/ticket", {"alerts": [{"status": "resolved", "labels": {"alertname": alarm.ALERT}, "annotations": {}}]})
    assert inbox.wait_for("resolved", alarm.ALERT, 2.0)


def test_a_month_is_judged_when_all_its_prices_are_in() -> None:
    days = calendar([pd.Period("2015-01"), pd.Period("2015-02")])
    assert [(f"{day:%m-%d}", happens, str(month)) for day, happens, month in days] == [
        ("02-01", "priced", "2015-01"),
        ("03-01", "priced", "2015-02"),
        ("04-01", "known", "2015-01"),
        ("04-29", "known", "2015-02"),
    ]


def year() -> Year:
    first = Month(pd.Period("2015-01"), 1_000, "1", 7, 3.5, 100_000.0, 0.06, "covariate", 100_000.0)
    second = Month(pd.Period("2015-02"), 500, "2", 0, 0.1, 70_000.0, -0.08, "concept", 110_000.0)
    open_month = Month(pd.Period("2015-03"), 10, "2", 0, 0.1)
    rules = [("better", -30_000.0, 0.0, True), ("groups", None, 0.05, True)]
    answers = [(0.1, "1"), (0.4, None), (0.9, "2")]
    swap = Swap("covariate", 2, "2015-01", True, rules, 0.9, answers)
    return Year(60_000.0, 18, [first, second, open_month], [swap], ["ticket <b>"], "", {"200": 12})


def test_the_table_has_a_row_for_each_month() -> None:
    head, first, _, last = page.table(year())
    assert head.split()[:3] == ["month", "houses", "version"]
    assert first.split() == ["2015-01", "1,000", "1", "7", "3.50", "100,000", "+0.060", "covariate", "100,000"]
    assert last.split() == ["2015-03", "10", "2", "0", "0.10", "-", "-", "-", "-"]


def test_the_page_is_one_file_that_loads_nothing() -> None:
    text = page.document(year(), [(pd.Timestamp("2015-02-01"), "a < b")], [("lab 1", "x.py", "-")], 90.0)
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", text)
    assert "<script" not in text and "@import" not in text
    assert "a &lt; b" in text and "ticket &lt;b&gt;" in text
    assert text.count("<svg") == 3


def test_the_conclusion_says_what_the_months_say() -> None:
    first, second = page.conclusions(year())
    assert "100,000 USD with version 1, 70,000 USD after" in first and "110,000 USD without" in first
    assert "+8.3% is paid" in second and "refused" not in second
    nothing = Year(60_000.0, 18, year().months[:1], [], [], "", {})
    assert page.conclusions(nothing) == []


def test_a_rule_is_said_in_words() -> None:
    assert said(("better", -30_000.0, 0.0, True)) == "better -30,000 USD ✓"
    assert said(("groups", None, 0.05, False)) == "groups nothing to compare ✗"
