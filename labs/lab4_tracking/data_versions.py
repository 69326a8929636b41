"""The data of a run, found again: DVC keeps the tables, MLflow the runs, and both have to mean the same table.

DVC writes a small file beside the data, `train.parquet.dvc`, which belongs into git:

    outs:
    - md5: 0fa4da4e0a6d27a4f4d2b9e7e5ad7a71
      size: 582827
      hash: md5
      path: train.parquet

The data itself lies in a cache or in a remote, under its checksum: `files/md5/0f/a4da4e0a6d27a4f4d2b9e7e5ad7a71`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


class DataMismatch(ValueError):
    """A run, a `.dvc` file and a table that do not belong together. The message says which two."""


@dataclass(frozen=True)
class Pointer:
    """What a `.dvc` file says of one file of data."""

    path: Path  # of the data
    md5: str
    size: int  # bytes


def read_pointer(dvc_file: Path) -> Pointer:
    """Read a `.dvc` file. The path in it counts from the folder of the `.dvc` file.

    Raises DataMismatch where it does not name one single file: DVC writes folders with an md5 that ends with `.dir`.
    """
    # TODO 4.8: Find the data of a run again
    raise NotImplementedError


def link_run(run_id: str, dvc_file: Path) -> None:
    """Tag a run with the version of its data: `dvc.md5`, and `dvc.path` as the `.dvc` file has it.

    First the three have to agree: the data that lies beside the `.dvc` file has the md5 of it, and the table in it (a
    parquet file) has the fingerprint that the run was logged with (`data.sha256`, see `lineage.fingerprint`).

    Raises DataMismatch where they do not, or where the run has no fingerprint; then the run gets no tag.
    """
    # TODO 4.8: Find the data of a run again
    raise NotImplementedError


def data_of_run(run_id: str, store: Path) -> pd.DataFrame:
    """Return the table that a run was trained on, from a cache or a remote of DVC's (a folder), by its tags alone.

    Raises DataMismatch where the run was never linked, and where what lies in the store is not the table of the run;
    FileNotFoundError where the store does not have it: `dvc fetch` or `dvc push` was forgotten.
    """
    # TODO 4.8: Find the data of a run again
    raise NotImplementedError


# TODO 4.8: Find the data of a run again
