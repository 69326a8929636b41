"""The neighbourhoods that the page of lab 2 offers are those of the data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops_lab.datasets import load_house_sales
from weeks.week2_service import neighbourhoods


def test_the_committed_file_is_what_the_data_gives() -> None:
    assert neighbourhoods.main(["--check"]) == 0


def test_every_zipcode_of_the_sales_is_there_once_under_a_name_of_its_own() -> None:
    sales = load_house_sales()
    entries = json.loads(neighbourhoods.FILE.read_text(encoding="utf-8"))
    assert [entry["zipcode"] for entry in entries] == sorted(sales["zipcode"].unique().tolist())
    assert sum(entry["sales"] for entry in entries) == len(sales)
    assert len({entry["place"] for entry in entries}) == len(entries) == len(neighbourhoods.PLACES)


def test_a_place_lies_among_the_houses_of_its_zipcode() -> None:
    entries = {entry["zipcode"]: entry for entry in neighbourhoods.neighbourhoods()}
    for zipcode, houses in load_house_sales().groupby("zipcode"):
        for name in ("lat", "long"):
            assert houses[name].min() < entries[zipcode][name] < houses[name].max()


def test_an_old_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(neighbourhoods, "FILE", tmp_path / "neighbourhoods.json")
    assert neighbourhoods.main(["--check"]) == 1
    assert "run `python -m weeks.week2_service.neighbourhoods`" in capsys.readouterr().err
    assert neighbourhoods.main([]) == 0
    assert neighbourhoods.main(["--check"]) == 0
