"""A trained model on disk, together with what is known about it.

A folder holds `metadata.json` and the model file that it names. Saving writes the model first, then replaces
`metadata.json` in one step, so a process that loads sees the old pair or the new one, never a mixture.

The checksum says that the file is the one that was written: it finds a broken copy. It is no signature: who can change
the model can change `metadata.json` too. Loading a model runs code out of the file, so load only what you trust.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_lab.files import write_atomically

if TYPE_CHECKING:
    import pandas as pd

METADATA_FILE = "metadata.json"
FORMAT = 1


class ArtifactError(RuntimeError):
    """An artifact that is missing, damaged or cannot be loaded. The message says what to do."""


class ArtifactWarning(UserWarning):
    """An artifact that loads, but was made by another version of scikit-learn."""


@dataclass(frozen=True)
class Metadata:
    """What is known about a model. The fields are the keys of `metadata.json`."""

    name: str
    version: str  # the first 12 digits of `sha256`: the same file has the same version
    created_at: str  # ISO 8601, UTC
    metrics: dict[str, float]
    features: dict[str, str]  # the columns that `model.predict` takes, in order, with their dtypes
    training_rows: int
    first_date: str | None  # of the training data, like `2014-05-02`; None where it has no dates
    last_date: str | None
    libraries: dict[str, str]  # `python`, `scikit-learn`, `pandas`, `numpy`
    model_file: str
    sha256: str  # of the model file
    extra: dict[str, Any]  # what else the maker wants to keep
    format: int = FORMAT


@dataclass(frozen=True)
class Artifact:
    """A loaded model and its metadata."""

    model: Any
    metadata: Metadata


def save_artifact(
    folder: str | Path,
    model: Any,
    *,
    name: str,
    metrics: Mapping[str, float],
    features: pd.DataFrame,
    dates: pd.Series | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a trained `model` and its metadata into `folder`, and return the folder.

    `features` is the frame that the model was trained on, as `model.predict` takes it: its columns, dtypes and number
    of rows are kept, not its values. `dates` are the dates of these rows. `metrics` are numbers by name, `extra` is
    anything else that JSON can hold. An artifact that is already there is replaced in one step. One writer at a time.

    Raises ValueError where a metric is not a finite number, ArtifactError where the model cannot be loaded elsewhere.
    """
    folder = Path(folder)
    content = _pickle(model)
    sha256 = hashlib.sha256(content).hexdigest()
    first_date, last_date = (None, None) if dates is None else (f"{dates.min():%Y-%m-%d}", f"{dates.max():%Y-%m-%d}")
    metadata = Metadata(
        name=name,
        version=sha256[:12],
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics=_finite(metrics),
        features={str(column): str(dtype) for column, dtype in features.dtypes.items()},
        training_rows=len(features),
        first_date=first_date,
        last_date=last_date,
        libraries=_libraries(),
        model_file=f"model-{sha256[:12]}.joblib",
        sha256=sha256,
        extra=dict(extra or {}),
    )
    text = json.dumps(asdict(metadata), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    before = _model_file_in(folder)
    write_atomically(folder / metadata.model_file, content)
    write_atomically(folder / METADATA_FILE, text)
    # From here on the new pair is the artifact; the old model file is of no more use.
    if before not in (None, metadata.model_file):
        (folder / str(before)).unlink(missing_ok=True)
    return folder


def load_metadata(folder: str | Path) -> Metadata:
    """Read what is known about the model in `folder`, without loading it. Raises ArtifactError."""
    path = Path(folder) / METADATA_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(
            f"no artifact in `{folder}`: `{METADATA_FILE}` is missing\nfix: train and save one"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactError(f"`{path}` is damaged: {error}\nfix: save the artifact again") from None
    names = {field.name for field in fields(Metadata)}
    if not isinstance(values, dict) or values.get("format") != FORMAT or set(values) != names:
        raise ArtifactError(f"`{path}` is not metadata of format {FORMAT}\nfix: save the artifact again")
    return Metadata(**values)


def load_artifact(folder: str | Path) -> Artifact:
    """Load the model in `folder`, after its checksum is found right.

    Warns (ArtifactWarning) where another version of scikit-learn made it. Raises ArtifactError where the artifact is
    missing, damaged, or needs code that is not importable here.
    """
    folder = Path(folder)
    metadata, content = _read_pair(folder)
    # First the checksum, then the pickle: a damaged file must not run.
    found = hashlib.sha256(content).hexdigest()
    if found != metadata.sha256:
        raise ArtifactError(
            f"`{folder / metadata.model_file}` is damaged: its sha256 is {found}, `{METADATA_FILE}` says "
            f"{metadata.sha256}\nfix: copy or save the artifact again"
        )
    _warn_of_other_version(metadata)
    return Artifact(_unpickle(content, folder), metadata)


def _read_pair(folder: Path) -> tuple[Metadata, bytes]:
    """Read metadata and model; once more if a save came in between."""
    metadata = load_metadata(folder)
    for _ in range(3):
        if not _is_plain(metadata.model_file):
            raise ArtifactError(f"`{folder / METADATA_FILE}` names a model outside of its folder")
        try:
            return metadata, (folder / metadata.model_file).read_bytes()
        except FileNotFoundError:
            before, metadata = metadata, load_metadata(folder)
            if metadata == before:
                break
    raise ArtifactError(f"the model `{folder / metadata.model_file}` is missing\nfix: copy or save the artifact again")


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and re.fullmatch(r"model-[0-9a-f]{12}\.joblib", name) is not None


def _model_file_in(folder: Path) -> str | None:
    """The model file of the artifact that is already there, or None."""
    try:
        name = load_metadata(folder).model_file
    except ArtifactError:
        return None
    return name if _is_plain(name) else None


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    values = {str(name): float(value) for name, value in metrics.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"the metric `{name}` is {value}: a finite number is needed")
    return values


def _libraries() -> dict[str, str]:
    names = ("scikit-learn", "pandas", "numpy")
    return {"python": platform.python_version(), **{name: installed_version(name) for name in names}}


def _pickle(model: Any) -> bytes:
    import joblib

    buffer = BytesIO()
    try:
        joblib.dump(model, buffer)
    except Exception as error:  # whatever the model's own objects raise
        raise ArtifactError(
            f"the model cannot be pickled: {error}\nfix: use named functions of a module, no lambda, no open file"
        ) from error
    content = buffer.getvalue()
    if b"__main__" in content:
        raise ArtifactError(
            "the model uses something that is defined in the script itself (`__main__`), which no other process has\n"
            "fix: move that function or class into a module, and import it from there"
        )
    return content


def _unpickle(content: bytes, folder: Path) -> Any:
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            # Said once, by ArtifactWarning, instead of once for each part of the model.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return joblib.load(BytesIO(content))
    except ModuleNotFoundError as error:
        raise ArtifactError(
            f"the model in `{folder}` needs the module `{error.name}`\nfix: install it, or put it on PYTHONPATH"
        ) from error
    except Exception as error:  # unpickling runs code of the model: anything can come out of it
        raise ArtifactError(
            f"the model in `{folder}` cannot be loaded: {type(error).__name__}: {error}\n"
            "fix: load it with the versions in its metadata, or train it again"
        ) from error


def _warn_of_other_version(metadata: Metadata) -> None:
    made_by, here = metadata.libraries.get("scikit-learn"), installed_version("scikit-learn")
    if made_by != here:
        warnings.warn(
            f"`{metadata.name}` {metadata.version} was made by scikit-learn {made_by}, here is {here}: predictions may "
            "differ. Train it again, or install that version.",
            ArtifactWarning,
            stacklevel=3,
        )
