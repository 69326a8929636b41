"""The warehouse, a folder: what every step of the pipeline writes, and how it is read. Given, no exercise.

    warehouse/
      blobs/<sha256>.parquet                      tables, each named by the sha256 of its content
      sales/month=2015-03/part.parquet            the good rows of a month
      quarantine/month=2015-03/part.parquet       the refused rows of a month, with their reasons
      predictions/month=2015-03/part.parquet      what the month's model said, row by row
      reports/2015-03.json                        the report of the month's batch
      results/                                    what Prefect keeps of finished tasks
      locks/                                      who runs which month

A blob never changes, since its name is its content. So a task may hand on the name of a table in place of the table:
the name is small, and it says exactly which rows are meant.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa

from mlops_lab.files import write_atomically

KINDS = (".parquet", ".csv")


class MonthRefused(ValueError):
    """A month that must not become a version. The message is the reason, in one line, for the person on call."""


def digest(data: bytes) -> str:
    """Return the sha256 of some bytes, as text."""
    return hashlib.sha256(data).hexdigest()


def month_of(path: Path) -> str | None:
    """Return the month of a landed file, `2015-03` for `2015-03.parquet` and `2015-03.csv`; None for any other one."""
    is_month = re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", path.stem) and path.suffix in KINDS
    return path.stem if is_month else None


def landed_file(month: str, landing: Path) -> Path:
    """Return the file of a month in the landing folder.

    Raises:
        MonthRefused: where `month` is no month, and where there is no file of it, or two.
    """
    if month_of(Path(f"{month}.csv")) is None:
        raise MonthRefused(f"`{month}` is no month: write it as 2015-03")
    found = [path for kind in KINDS if (path := Path(landing, month + kind)).is_file()]
    if len(found) != 1:
        what = "two files" if found else "no file"
        raise MonthRefused(f"{what} of {month} in {landing}: `{month}.parquet` or `{month}.csv` is wanted")
    return found[0]


def parse_sales(name: str, data: bytes) -> pd.DataFrame:
    """Read the bytes of a landed file; `name` says which kind it is.

    Raises:
        MonthRefused: where the bytes are no such table.
    """
    try:
        if name.endswith(".parquet"):
            return pd.read_parquet(io.BytesIO(data))
        table = pd.read_csv(io.BytesIO(data), parse_dates=["date"], quoting=csv.QUOTE_MINIMAL)
    except (ValueError, pa.ArrowException, OSError) as error:  # a UnicodeDecodeError is a ValueError
        reason = " ".join(str(error).split())
        raise MonthRefused(f"{name} cannot be read: {reason}") from error
    if table.empty:  # and so without types: each column would be told to be of another one
        raise MonthRefused(f"{name} has no row")
    return table


def put(table: pd.DataFrame, warehouse: Path) -> str:
    """Keep a table as a blob; return its name."""
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    name = digest(buffer.getvalue())
    path = Path(warehouse, "blobs", f"{name}.parquet")
    if not path.exists():
        write_atomically(path, buffer.getvalue())
    return name


def get(name: str, warehouse: Path) -> pd.DataFrame:
    """Return the table of a blob."""
    return pd.read_parquet(Path(warehouse, "blobs", f"{name}.parquet"))


def publish(name: str, table: str, month: str, warehouse: Path) -> Path:
    """Make a blob the one partition of a month; return its path. To do it twice changes nothing."""
    path = Path(warehouse, table, f"month={month}", "part.parquet")
    data = Path(warehouse, "blobs", f"{name}.parquet").read_bytes()
    if not path.exists() or path.read_bytes() != data:
        write_atomically(path, data)
    return path


def partitions(table: str, warehouse: Path) -> dict[str, str]:
    """Return the months of a table that are there, in order, each with the name of its blob."""
    found = sorted(Path(warehouse, table).glob("month=*/part.parquet"))
    return {path.parent.name.removeprefix("month="): digest(path.read_bytes()) for path in found}


def keep_report(report: str, month: str, warehouse: Path) -> None:
    """Keep the report of an accepted month, as JSON."""
    write_atomically(Path(warehouse, "reports", f"{month}.json"), report)


def report_before(month: str, warehouse: Path) -> str | None:
    """Return the report of the newest accepted month before `month`, as JSON; None where there is none."""
    found = [path for path in sorted(Path(warehouse, "reports").glob("*.json")) if path.stem < month]
    return found[-1].read_text(encoding="utf-8") if found else None
