"""The loaders: what is in the files, and what is said where a file is missing or damaged."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from mlops_lab import datasets
from mlops_lab.datasets import DatasetError, load_flowers, load_house_sales, load_purchases


def run_python(code: str) -> str:
    """Run `code` in a fresh Python and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def data_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The loaders read from a copy of the data that a test may damage."""
    copy = shutil.copytree(datasets.DATA_FOLDER, tmp_path / "data")
    monkeypatch.setattr(datasets, "DATA_FOLDER", copy)
    return copy


def test_house_sales_have_the_columns_of_the_source() -> None:
    sales = load_house_sales()
    assert len(sales) == 21_613
    names = (
        "id date price bedrooms bathrooms sqft_living sqft_lot floors waterfront view condition grade sqft_above "
        "sqft_basement yr_built yr_renovated zipcode lat long sqft_living15 sqft_lot15"
    )
    assert " ".join(sales.columns) == names
    assert sales["date"].dtype == "datetime64[us]"
    assert sales.loc[0, ["id", "price", "zipcode"]].tolist() == [7_129_300_520, 221_900, 98_178]
    assert sales.loc[0, "date"] == pd.Timestamp("2014-10-13")


def test_nothing_is_cleaned_away() -> None:
    sales = load_house_sales()
    assert sales["bedrooms"].max() == 33
    assert (sales["bedrooms"] == 0).sum() == 13
    assert (sales["bathrooms"] == 0).sum() == 10
    assert (sales["yr_built"] > sales["date"].dt.year).sum() == 12
    assert sales["id"].duplicated().sum() == 177


def test_purchases_are_in_file_order() -> None:
    purchases = load_purchases()
    assert purchases.shape == (69_659, 4)
    assert list(purchases.columns) == ["customer_id", "date", "number_of_cds", "dollar_value"]
    assert purchases["customer_id"].nunique() == 23_570
    assert purchases["date"].dtype == "datetime64[us]"
    assert purchases.iloc[3].tolist() == [3, pd.Timestamp("1997-01-02"), 2, 20.76]


def test_flowers_have_their_species_as_text() -> None:
    flowers = load_flowers()
    assert flowers.shape == (150, 5)
    assert flowers["species"].value_counts().to_dict() == {"setosa": 50, "versicolor": 50, "virginica": 50}
    assert list(flowers.columns[:2]) == ["sepal length (cm)", "sepal width (cm)"]


@pytest.mark.parametrize("load", [load_house_sales, load_purchases, load_flowers])
def test_every_call_returns_a_fresh_frame(load) -> None:
    first = load()
    first.iloc[:, 0] = 0
    first["new"] = 1
    assert "new" not in load() and (load().iloc[:, 0] != 0).all()


def test_a_missing_file_names_the_fix(data_copy: Path) -> None:
    (data_copy / "purchases.parquet").unlink()
    with pytest.raises(DatasetError, match=r"(?s)missing.*git checkout -- shared/mlops_lab/data/purchases.parquet"):
        load_purchases()


@pytest.mark.parametrize("content", [b"", b"not parquet", None])
def test_a_damaged_file_names_the_fix(data_copy: Path, content: bytes | None) -> None:
    path = data_copy / "house_sales.parquet"
    if content is None:
        # One flipped bit in the middle: parquet itself might not notice.
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        content = bytes(damaged)
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"(?s)damaged.*git checkout"):
        load_house_sales()


def test_importing_the_library_imports_nothing_heavy() -> None:
    names = "artifacts, datasets, files, plots, processes"
    heavy = "pandas numpy sklearn matplotlib pyarrow joblib"
    code = f"import sys; from mlops_lab import {names}; print([n for n in {heavy!r}.split() if n in sys.modules])"
    assert run_python(code) == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_loading_starts_no_thread() -> None:
    code = (
        "import os, pandas, pyarrow.parquet, sklearn.datasets\n"
        "from mlops_lab.datasets import load_flowers, load_house_sales, load_purchases\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "load_house_sales(), load_purchases(), load_flowers()\n"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    assert run_python(code) == "0"


@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_a_process_that_only_loaded_data_can_fork_and_the_child_can_fit() -> None:
    code = (
        "import os, signal\n"
        "from sklearn.ensemble import HistGradientBoostingRegressor\n"
        "from mlops_lab.datasets import load_house_sales\n"
        "sales = load_house_sales()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(30)\n"
        "    load_house_sales()\n"
        "    HistGradientBoostingRegressor(max_iter=5).fit(sales[['sqft_living', 'grade']], sales['price'])\n"
        "    os._exit(0)\n"
        "print(os.waitpid(child, 0)[1])"
    )
    assert run_python(code) == "0"
