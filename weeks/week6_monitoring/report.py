"""Write the dashboard of week 6 as one HTML page: `make report-6`.

    python -m weeks.week6_monitoring.report              what Prometheus knows, or the replay where there is none
    python -m weeks.week6_monitoring.report --mine       with the queries of your own `dashboard.py`
    python -m weeks.week6_monitoring.report --replay     the year of real sales, as the guide has it

Prometheus is asked at `$PROMETHEUS_URL`, else at its usual port.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

from weeks.guide_figures import ROOT, Figures
from weeks.week6_monitoring.page import Page, Panel

WEEK = Path(__file__).resolve().parent
OUT = ROOT / "reports" / "week6.html"
POINTS = 240
SCRAPES = 4  # what Grafana's `$__rate_interval` holds at least
SCRAPE_SECONDS = 15


class Prometheus:
    """What Prometheus answers."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def is_there(self) -> bool:
        """Whether it is ready."""
        import httpx

        try:
            return httpx.get(f"{self.url}/-/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def get(self, path: str, **asked: str | float) -> Any:
        """The data of an answer. Raises ValueError with Prometheus' own words where it refuses."""
        import httpx

        answer = httpx.get(f"{self.url}/api/v1/{path}", params=asked, timeout=30, trust_env=False).json()
        if answer["status"] != "success":
            raise ValueError(f"Prometheus refuses `{asked.get('query')}`: {answer.get('error')}")
        return answer["data"]

    def over_time(self, query: str, seconds: float) -> pd.DataFrame:
        """A column for each series of the last so many seconds, named by its labels."""
        step = max(SCRAPE_SECONDS, seconds / POINTS)
        now = time.time()
        window = f"{int(max(SCRAPES * SCRAPE_SECONDS, step + SCRAPE_SECONDS))}s"
        asked = query.replace("$__rate_interval", window)
        found = self.get("query_range", query=asked, start=now - seconds, end=now, step=step)["result"]
        series = {}
        for one in found:
            name = ", ".join(str(value) for key, value in sorted(one["metric"].items()) if key != "__name__")
            values = {pd.Timestamp(at, unit="s", tz="UTC"): float(value) for at, value in one["values"]}
            series[name] = pd.Series(values, dtype=float)
        # What can't be divided is NaN: a series of nothing else is no data.
        return pd.DataFrame(series).dropna(axis="columns", how="all").sort_index()


def from_prometheus(prometheus: Prometheus, hours: float) -> Page:
    """The panels of `dashboard.py`, the alerts, and whom Prometheus asks."""
    from lab6_monitoring.dashboard import PANELS, TITLE, queries

    asked = queries()
    panels = [
        Panel(title, question, unit, prometheus.over_time(asked[title], 3600 * hours))
        for title, (question, unit) in PANELS.items()
    ]
    alerts = [
        {
            "alert": one["labels"].get("alertname"),
            "state": one["state"],
            "severity": one["labels"].get("severity", ""),
            "since": f"{pd.Timestamp(one['activeAt']):%Y-%m-%d %H:%M}",
            "summary": one["annotations"].get("summary", ""),
            "runbook": one["annotations"].get("runbook", ""),
        }
        for one in prometheus.get("alerts")["alerts"]
    ]
    targets = [
        {"job": one["labels"]["job"], "address": one["scrapeUrl"], "health": one["health"], "error": one["lastError"]}
        for one in prometheus.get("targets")["activeTargets"]
    ]
    written = f"{pd.Timestamp.now('UTC'):%Y-%m-%d %H:%M} UTC"
    said = f"The last {hours:g} h, as Prometheus at {prometheus.url} knows them; written {written}."
    return Page(TITLE, said, panels, {"Alerts": pd.DataFrame(alerts), "Whom Prometheus asks": pd.DataFrame(targets)})


def from_replay(figures: Figures) -> Page:
    """The year after the training, month by month, as it was measured for the guide."""
    panels, tables = [], {}
    stories = {"replay": "The same houses, another market", "suburbs": "Other houses"}
    for name, story in stories.items():
        months = pd.Index(str(figures[f"{name}_months"]).split())
        for column, title, unit, question in (
            ("mae", "Error", "USD", "How wrong is a price, on average?"),
            ("bias", "Bias", "log price", "Is a price too dear (above 0) or too cheap?"),
            ("psi", "Drift", "PSI", "How far is the feature that moved most (0.2 is far)?"),
        ):
            lines = pd.DataFrame({"": figures[f"{name}_{column}"]}, index=months)
            panels.append(Panel(f"{title} · {story}", question, unit, lines))
        tables[story] = months_of(figures, name)
    return Page(
        "A year of real sales, replayed",
        "No Prometheus answers, so this is the replay of the guide: a model that was trained before September 2014 and "
        "never again, and one that knew a part of the county only. `lab up 6` starts Prometheus.",
        panels,
        tables,
    )


def months_of(figures: Figures, name: str) -> pd.DataFrame:
    """The table of a replay, as it stands in figures.json."""
    head = ["month", "houses", "drifted", "largest PSI", "error, USD", "bias", "verdict"]
    rows = [line.split() for line in str(figures[name]).splitlines()[1:]]
    return pd.DataFrame(rows, columns=head)


def kept_figures() -> Figures:
    """What was measured for the guide."""
    found: Figures = json.loads((WEEK / "figures.json").read_text(encoding="utf-8"))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Write the page, and say where it is."""
    parser = argparse.ArgumentParser(
        prog="make report-6", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=1.0, help="how far back (default: %(default)s)")
    parser.add_argument("--mine", action="store_true", help="the queries of labs/, not those of solutions/")
    parser.add_argument("--replay", action="store_true", help="do not ask Prometheus")
    parser.add_argument("--out", type=Path, default=OUT, help=f"(default: {OUT.relative_to(ROOT)})")
    asked = parser.parse_args(arguments)
    sys.path.insert(0, str(ROOT / ("labs" if asked.mine else "solutions")))
    prometheus = Prometheus(os.environ.get("PROMETHEUS_URL", "http://127.0.0.1:9090"))
    there = not asked.replay and prometheus.is_there()
    try:
        page = from_prometheus(prometheus, asked.hours) if there else from_replay(kept_figures())
    except (NotImplementedError, ValueError) as fault:
        print(f"error: {fault or 'queries() of labs/lab6_monitoring/dashboard.py is still to be written (6.7)'}")
        return 1
    path = page.write(asked.out)
    empty = [panel.title for panel in page.panels if panel.lines.empty]
    print(f"{page.title}: {page.said}\n")
    if empty:
        print(f"without data: {', '.join(empty)}")
    print(f"open {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
