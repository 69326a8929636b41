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
    # solution 4.8
    import yaml

    outs = yaml.safe_load(dvc_file.read_text(encoding="utf-8"))["outs"]
    if len(outs) != 1 or outs[0]["md5"].endswith(".dir"):
        raise DataMismatch(f"`{dvc_file}` names more than one file")
    (out,) = outs
    return Pointer(dvc_file.parent / out["path"], out["md5"], out["size"])
    # end solution


def link_run(run_id: str, dvc_file: Path) -> None:
    """Tag a run with the version of its data: `dvc.md5`, and `dvc.path` as the `.dvc` file has it.

    First the three have to agree: the data that lies beside the `.dvc` file has the md5 of it, and the table in it (a
    parquet file) has the fingerprint that the run was logged with (`data.sha256`, see `lineage.fingerprint`).

    Raises DataMismatch where they do not, or where the run has no fingerprint; then the run gets no tag.
    """
    # solution 4.8
    from mlflow import MlflowClient

    pointer = read_pointer(dvc_file)
    _verify(run_id, pointer.path.read_bytes(), pointer.md5)
    client = MlflowClient()
    client.set_tag(run_id, "dvc.path", pointer.path.relative_to(dvc_file.parent).as_posix())
    client.set_tag(run_id, "dvc.md5", pointer.md5)
    # end solution


def data_of_run(run_id: str, store: Path) -> pd.DataFrame:
    """Return the table that a run was trained on, from a cache or a remote of DVC's (a folder), by its tags alone.

    Raises DataMismatch where the run was never linked, and where what lies in the store is not the table of the run;
    FileNotFoundError where the store does not have it: `dvc fetch` or `dvc push` was forgotten.
    """
    # solution 4.8
    from mlflow import MlflowClient

    md5 = MlflowClient().get_run(run_id).data.tags.get("dvc.md5")
    if md5 is None:
        raise DataMismatch(f"the run {run_id} is not linked to a version of its data: see `link_run`")
    return _verify(run_id, (store / "files" / "md5" / md5[:2] / md5[2:]).read_bytes(), md5)
    # end solution


# solution 4.8
def _verify(run_id: str, content: bytes, md5: str) -> pd.DataFrame:
    """Return the table in a parquet file, if it has that md5 and the fingerprint of the run."""
    import hashlib
    from io import BytesIO

    from mlflow import MlflowClient

    from lab4_tracking.lineage import fingerprint

    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise DataMismatch(f"the data has the md5 {found}, and the `.dvc` file says {md5}: `dvc add` it again")
    frame = pd.read_parquet(BytesIO(content))
    logged = MlflowClient().get_run(run_id).data.tags.get("data.sha256")
    if fingerprint(frame)["data.sha256"] != logged:
        raise DataMismatch(f"the run {run_id} was trained on another table: its fingerprint is {logged}")
    return frame


# end solution
