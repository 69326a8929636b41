"""Commands are shown as they can be typed."""

from __future__ import annotations

import pytest

from labkit.text import typed


def test_commands_stay_where_lab_is_on_the_path() -> None:
    assert typed("try `lab check 1.1`") == "try `lab check 1.1`"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("`lab check 1.1`, or `lab watch 1`", "`make check-1.1`, or `make watch-1`"),
        ("`lab start 2`", "`make lab-2`"),
        ("stuck? `lab hint 1.2`", "stuck? `.venv/bin/lab hint 1.2`"),
        ("the lab is closed", "the lab is closed"),
    ],
)
def test_elsewhere_they_go_through_make(line: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert typed(line) == shown
