"""Files are written in one step."""

import os
from pathlib import Path

import pytest

from mlops_lab.files import write_atomically


def test_text_is_written_as_utf8_and_folders_are_made(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "새 폴더" / "a b.md", "R² 0.9 집\n")
    assert path.read_bytes() == "R² 0.9 집\n".encode()


def test_an_existing_file_is_replaced_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_others_can_read_the_file(tmp_path: Path) -> None:
    assert os.stat(write_atomically(tmp_path / "file", b"x")).st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(OSError):  # noqa: PT011 - whatever the system says
        write_atomically(tmp_path / "folder", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
