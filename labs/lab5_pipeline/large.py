"""The contract of `HouseSales` on tables that pandas cannot hold: the same rules as lazy expressions of Polars.

The limits are read from `HouseSales`, so they stand in one place. Rules written as methods have a twin here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from lab5_pipeline.contract import ContractError, HouseSales, today

KINDS = {"int64": pl.Int64, "float64": pl.Float64, "bool": pl.Boolean}


def own_rules() -> dict[str, pl.Expr]:
    """What holds for a good row, for each rule that `HouseSales` has as a method, by the name of the method."""
    return {
        "is_a_day": pl.col("date").dt.truncate("1d") == pl.col("date"),
        "is_past": pl.col("date") <= pl.lit(today()),
        "areas_add_up": pl.col("sqft_above") + pl.col("sqft_basement") == pl.col("sqft_living"),
        "built_in_time": pl.col("yr_built") <= pl.col("date").dt.year() + 1,
    }


def with_reasons(sales: pl.LazyFrame) -> pl.LazyFrame:
    """Add the column `reasons`: the rules that a row breaks, as in `split_valid` but without the values; null if none.

    Nothing is read before the result is collected. Raises ContractError where columns or their types are others, and
    KeyError for a rule of `HouseSales` that has no twin here.
    """
    _check_the_table(sales.collect_schema())
    reasons = [pl.when(broken).then(pl.lit(words)) for words, broken in _rules()]
    twice = sales.group_by("id", "date").len("_rows").filter(pl.col("_rows") > 1)
    key = pl.when(pl.col("_rows").is_not_null()).then(pl.lit("id: sold more than once on this day"))
    told = pl.concat_str([*reasons, key], separator="; ", ignore_nulls=True)
    joined = sales.join(twice, on=["id", "date"], how="left", maintain_order="left")
    return joined.with_columns(reasons=pl.when(told != "").then(told)).drop("_rows")


def _rules() -> list[tuple[str, pl.Expr]]:
    """Each rule: the words for a row that breaks it, and the expression that is true there."""
    schema, own = HouseSales.to_schema(), own_rules()
    found = [(f"{name}: missing", pl.col(name).is_null() | _is_nan(name)) for name in schema.columns]
    for name, column in schema.columns.items():
        for check in column.checks:
            if check.name in _COMPARISONS:
                limits = list(check.statistics.values())
                holds = _COMPARISONS[str(check.name)](pl.col(name), *limits) | _is_nan(name)
                words = f"{str(check.name).replace('_', ' ')} {', '.join(map(str, limits[:2]))}"
            else:
                holds, words = own[str(check.name)], str(check.error)
            found.append((f"{name}: not {words}", ~holds))
    return found + [(str(check.error), ~own[str(check.name)]) for check in schema.checks]


def _is_nan(name: str) -> pl.Expr:
    """NaN, which is a value for Polars; false for columns that have none."""
    is_float = str(HouseSales.to_schema().columns[name].dtype) == "float64"
    return pl.col(name).is_nan() if is_float else pl.lit(False)


def _in_range(value: pl.Expr, low: Any, high: Any, with_low: bool, with_high: bool) -> pl.Expr:
    above = value >= low if with_low else value > low
    return above & (value <= high if with_high else value < high)


_COMPARISONS: dict[str, Callable[..., pl.Expr]] = {
    "greater_than_or_equal_to": pl.Expr.ge,
    "greater_than": pl.Expr.gt,
    "less_than_or_equal_to": pl.Expr.le,
    "less_than": pl.Expr.lt,
    "in_range": _in_range,
    "isin": pl.Expr.is_in,
}


def _check_the_table(schema: pl.Schema) -> None:
    agreed = {name: str(column.dtype) for name, column in HouseSales.to_schema().columns.items()}
    told = [f"`{name}` is missing" for name in agreed if name not in schema]
    told += [f"`{name}` is unknown" for name in schema if name not in agreed]
    for name, dtype in schema.items():
        wanted = agreed.get(name, "")
        is_right = dtype == KINDS.get(wanted) or (wanted.startswith("datetime") and _is_naive(dtype))
        if wanted and not is_right:
            told.append(f"`{name}` is not {wanted} but {dtype}")
    if told:
        raise ContractError(f"the table is not what was agreed: {'; '.join(told)}")


def _is_naive(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_zone is None
