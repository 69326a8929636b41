"""Files as they come: each one that cannot become a version is refused with a clear reason, and nothing is lost.

The flow's own code runs here without Prefect and without a model: what is read, kept and refused is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lab5_judges import months

from lab5_pipeline import flow, storage, training
from lab5_pipeline.contract import ContractError, split_valid
from lab5_pipeline.storage import MonthRefused

BEFORE, MONTH = "2014-09", "2014-10"
Month = Callable[[], dict[str, object]]


class Guess:
    """A model that has learned nothing."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.full(len(rows), 450_000.0)


@pytest.fixture
def month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Month:
    """Runs the month; the month before it was accepted already."""
    monkeypatch.setattr(flow, "keeping", lambda step, warehouse: step.fn)
    monkeypatch.setattr(flow, "register", flow.register.fn)
    monkeypatch.setattr(flow, "show", lambda *_: None)
    monkeypatch.setattr(flow, "AT_MOST", 2.0)
    monkeypatch.setattr(training, "fit", lambda train: Guess())
    for name, answer in {"find_run": None, "log_run": "run", "load_model": Guess()}.items():
        monkeypatch.setattr(training, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(training, "find_version", lambda run_id: 1)
    folders = {"landing": tmp_path / "landing", "warehouse": tmp_path / "warehouse"}
    folders["landing"].mkdir()
    sales_of(BEFORE).to_parquet(folders["landing"] / f"{BEFORE}.parquet")
    assert flow.monthly.fn(BEFORE, **folders)["good"] == 300
    return lambda: flow.monthly.fn(MONTH, **folders)


def sales_of(name: str) -> pd.DataFrame:
    """300 sales of a month, its last day among them."""
    sales = months.month_of(pd.Period(name)).drop_duplicates("id")
    return sales.nlargest(300, "date").reset_index(drop=True)


def land(tmp_path: Path, data: bytes | pd.DataFrame, kind: str = "csv") -> Path:
    """Put the month's file into the landing folder; a frame becomes CSV or parquet."""
    path = tmp_path / "landing" / f"{MONTH}.{kind}"
    if isinstance(data, pd.DataFrame):
        data = data.to_csv(index=False).encode() if kind == "csv" else data.to_parquet()
    path.write_bytes(data)
    return path


def csv() -> str:
    """The month as CSV."""
    return sales_of(MONTH).to_csv(index=False)


def edit(change: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    return change(sales_of(MONTH))


BEFORE_AND_NOW = "month: the rows are of several months: 300 of 2014-10, 40 of 2014-09"
TOMORROW = months.tomorrow(40)

# What is landed, of which kind, and what the reason says.
REFUSED: dict[str, tuple[Callable[[], bytes | pd.DataFrame], str, str]] = {
    "two encodings in one file": (
        lambda: csv().encode().replace(b"98103", b"98103\xa0", 1), "csv", "cannot be read: 'utf-8' codec can't decode"
    ),
    "another encoding": (lambda: csv().encode("utf-16"), "csv", "cannot be read: 'utf-8' codec can't decode"),
    "a quoted newline in a number": (
        lambda: csv().replace(",98103,", ',"98103\nWA",', 1).encode(), "csv", "`zipcode` is not int64 but"
    ),
    "text in a number": (lambda: csv().replace(",98103,", ",WA 98103,", 1).encode(), "csv", "`zipcode` is not int64"),
    "a line with more fields": (lambda: (csv() + "1," * 30 + "1\n").encode(), "csv", "cannot be read: .*line 302"),
    "a parquet file that is cut off": (
        lambda: sales_of(MONTH).to_parquet()[:-40], "parquet", r"2014-10\.parquet cannot be read: "
    ),
    "a CSV under the name of parquet": (lambda: csv().encode(), "parquet", "cannot be read: "),
    "no byte": (lambda: b"", "csv", "cannot be read: No columns"),
    "no byte of parquet": (lambda: b"", "parquet", "cannot be read: "),
    "a header only": (lambda: csv().partition("\n")[0].encode() + b"\n", "csv", r"2014-10\.csv has no row"),
    "no row": (lambda: edit(lambda sales: sales.head(0)), "parquet", "rows: the batch is empty"),
    "one row": (lambda: edit(lambda sales: sales.head(1)), "parquet", "volume: 0.0 rows per day"),
    "a column less": (lambda: edit(lambda sales: sales.drop(columns="lat")), "parquet", "`lat` is missing"),
    "another column": (
        lambda: edit(lambda sales: sales.rename(columns={"lat": "latitude"})), "csv", "`latitude` is unknown"
    ),
    "the month before again": (lambda: sales_of(BEFORE), "parquet", "month: 2014-09 is not after 2014-09"),
    "rows of the month before": (
        lambda: pd.concat([sales_of(MONTH), sales_of(BEFORE).head(40)]), "parquet", BEFORE_AND_NOW
    ),
    "rows twice": (lambda: edit(lambda sales: pd.concat([sales, sales.head(20)])), "csv", "share: 40 of 320 rows"),
    "dates of the future": (
        lambda: edit(lambda sales: sales.assign(date=sales["date"].where(sales.index > 9, TOMORROW))), "csv",
        "share: 10 of 300 rows",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_cannot_be_is_refused_and_kept(what: str, month: Month, tmp_path: Path) -> None:
    make, kind, reason = REFUSED[what]
    path = land(tmp_path, make(), kind)
    data, kept = path.read_bytes(), partitions(tmp_path, "sales")
    with pytest.raises((MonthRefused, ContractError), match=reason) as raised:
        month()
    assert isinstance(raised.value, ContractError) or "\n" not in str(raised.value), "a reason is one line"
    assert path.read_bytes() == data, "what was delivered stays as it is"
    assert partitions(tmp_path, "sales") == kept, "the months before stay as they are"


def partitions(tmp_path: Path, table: str) -> dict[str, str]:
    return storage.partitions(table, tmp_path / "warehouse")


def quarantined(tmp_path: Path) -> pd.DataFrame:
    return storage.get(partitions(tmp_path, "quarantine")[MONTH], tmp_path / "warehouse")


def test_refused_rows_are_in_quarantine_also_where_the_month_is_refused(month: Month, tmp_path: Path) -> None:
    future = edit(lambda sales: sales.assign(date=sales["date"].where(sales.index > 9, TOMORROW)))
    land(tmp_path, future)
    with pytest.raises(MonthRefused, match="share"):
        month()
    assert sorted(quarantined(tmp_path)["id"]) == sorted(future.head(10)["id"])
    assert quarantined(tmp_path)["reasons"].str.contains("date").all()


def test_a_few_dates_of_the_future_are_quarantined_and_the_month_goes_on(month: Month, tmp_path: Path) -> None:
    land(tmp_path, edit(lambda sales: sales.assign(date=sales["date"].where(sales.index > 2, TOMORROW))))
    answer = month()
    assert (answer["rows"], answer["good"], answer["quarantined"]) == (300, 297, 3)
    assert quarantined(tmp_path)["reasons"].str.contains("date").all()


@pytest.mark.parametrize("write", ["utf-8-sig", "quotes", "windows"])
def test_a_csv_that_is_only_written_otherwise_is_read(write: str, month: Month, tmp_path: Path) -> None:
    text = csv()
    if write == "quotes":
        text = "\n".join('"' + '","'.join(line.split(",")) + '"' for line in text.splitlines()) + "\n"
    elif write == "windows":
        text = text.replace("\n", "\r\n")
    land(tmp_path, text.encode("utf-8-sig" if write == "utf-8-sig" else "utf-8"))
    assert month()["good"] == 300


def test_a_first_month_of_one_sale_has_nothing_to_learn_from(month: Month, tmp_path: Path) -> None:
    for file in (tmp_path / "warehouse").glob("*/*"):
        if file.suffix == ".json":
            file.unlink()
    (tmp_path / "warehouse" / "sales" / f"month={BEFORE}" / "part.parquet").unlink()
    land(tmp_path, edit(lambda sales: sales.head(1)))
    with pytest.raises(MonthRefused, match="2014-10: 0 sales to learn from, 1 to be judged on"):
        month()


@pytest.mark.parametrize("column", ["bedrooms", "bathrooms", "price"])
def test_a_row_without_an_end_is_in_quarantine(column: str) -> None:
    sales = sales_of(MONTH).astype({column: "float64"})
    sales.loc[3, column] = np.inf
    split = split_valid(sales)
    assert split.quarantined["reasons"].str.contains(f"{column}: inf").tolist() == [True]
    assert len(split.good) == 299
