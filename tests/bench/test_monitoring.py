"""The benchmark of week 6: the table of what was measured."""

from __future__ import annotations

from bench.monitoring.__main__ import report


def test_the_table_shows_what_was_measured() -> None:
    found = {f"{name}_{what}": 100.0 for name in ("plain", "metrics", "logged") for what in ("per_second", "cpu_us")}
    found |= {f"{name}_{what}_percent": 4.0 for name in ("metrics", "logged") for what in ("cpu", "throughput")}
    found |= {"added_us": 20.0, "added_percent": 3.5, "scrape_ms": 12.0, "scrape_series": 900.0, "scrape_kb": 80.0}
    found |= {"drift_5000_used": 5_000.0, "drift_5000_seconds": 2.5, "drift_5000_memory_mb": 300.0}
    lines = report(found, 3, [5_000])
    assert lines[4].split() == ["with", "metrics", "100", "100", "+4.0", "%", "+4.0", "%"]
    assert "a scrape: 12.0 ms, 900 series, 80 kB" in lines
    assert lines[-1].split() == ["drift", "report,", "5,000", "rows", "5,000", "2.5", "300"]
