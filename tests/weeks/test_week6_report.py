"""The page without Grafana: it holds all it shows, and the replay stands in where there is no Prometheus."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from weeks.week6_monitoring import report
from weeks.week6_monitoring.page import Page, Panel


def test_the_replay_is_shown_where_there_is_no_prometheus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMETHEUS_URL", "http://127.0.0.1:1")
    assert report.main(["--out", str(tmp_path / "out" / "page.html")]) == 0
    text = (tmp_path / "out" / "page.html").read_text(encoding="utf-8")
    assert str(tmp_path / "out" / "page.html") in capsys.readouterr().out
    assert not re.findall(r'(?:src|href)="(?!data:)', text), "all it shows is in it"
    assert text.count('src="data:image/svg+xml') == 6 and "concept" in text and "covariate" in text


def test_a_panel_without_data_says_so_and_names_are_escaped() -> None:
    lines = pd.DataFrame({"<b>": [1.0, 2.0]}, index=pd.date_range("2026-01-01", periods=2, freq="h"))
    empty = Panel("Errors", "Which share?", "s", pd.DataFrame())
    page = Page("<i>", "said", [empty, Panel("Rate", "How many?", "reqps", lines)], {"Alerts": pd.DataFrame()}).html()
    assert "no data" in page and "none" in page
    assert "<i>" not in page and "<b>:" not in page
