"""The contract of lab 5 twice, on pandas and on Polars: the same rows, and the same tables, are refused."""

import numpy as np
import pandera.pandas as pa
import polars as pl
import pytest
from lab5_judges import months

from lab5_pipeline import large
from lab5_pipeline.contract import ContractError, HouseSales, split_valid
from lab5_pipeline.large import with_reasons


def test_polars_and_pandas_refuse_the_same_rows() -> None:
    rng = np.random.default_rng(5)
    sales = months.draw_month(rng, 150)
    planted = months.faults(rng, sales)
    frame = months.with_faults(sales, planted, list(range(len(planted))))
    frame.loc[100, "lat"] = float("nan")
    frame.loc[101] = frame.loc[102]
    wanted = split_valid(frame).quarantined["reasons"]
    told = with_reasons(pl.from_pandas(frame).lazy()).collect(engine="streaming")["reasons"].to_list()
    found = {place: reasons for place, reasons in enumerate(told) if reasons is not None}
    assert sorted(found) == sorted(wanted.index)
    for place, reasons in found.items():
        columns = {part.partition(":")[0] for part in reasons.split("; ")}
        assert columns == {part.partition(":")[0] for part in wanted[place].split("; ")}, (reasons, wanted[place])


def test_polars_knows_ranges_and_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(HouseSales):
        view: int = pa.Field(in_range={"min_value": 0, "max_value": 5, "include_max": False})
        condition: int = pa.Field(isin=[1, 2, 3, 4, 5])

    monkeypatch.setattr(large, "HouseSales", Other)
    sales = months.all_sales().head(4).assign(view=[0, 4, 5, 4], condition=[1, 5, 5, 6])
    told = with_reasons(pl.from_pandas(sales).lazy()).collect()["reasons"].to_list()
    assert told == [None, None, "view: not in range 0, 5", "condition: not isin [1, 2, 3, 4, 5]"]


def test_polars_refuses_another_table() -> None:
    sales = pl.from_pandas(months.all_sales().head(5))
    assert with_reasons(sales.lazy()).collect()["reasons"].null_count() == 5
    for other in (
        sales.drop("lat"),
        sales.with_columns(note=1),
        sales.with_columns(pl.col("price").cast(pl.String)),
        sales.with_columns(pl.col("date").dt.replace_time_zone("UTC")),
    ):
        with pytest.raises(ContractError, match=r"`(lat|note|price|date)` is"):
            with_reasons(other.lazy())
