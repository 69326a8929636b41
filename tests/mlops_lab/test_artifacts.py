"""A model and its metadata on disk: round trip, damage, other versions, replacement."""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer

from mlops_lab.artifacts import ArtifactError, ArtifactWarning, load_artifact, load_metadata, save_artifact

FEATURES = pd.DataFrame({"sqft_living": [1000, 2000, 3000], "lat": [47.5, 47.6, 47.7]})
PRICES = pd.Series([200_000.0, 400_000.0, 600_000.0])
DATES = pd.Series(pd.to_datetime(["2014-07-01", "2014-05-02", "2014-12-31"]))


def trained(prices: pd.Series = PRICES) -> LinearRegression:
    return LinearRegression().fit(FEATURES, prices)


def save(folder: Path, model: Any = None, **changes: Any) -> Path:
    given = {"name": "toy", "metrics": {"mae": np.float64(12.5)}, "features": FEATURES, "dates": DATES, **changes}
    return save_artifact(folder, trained() if model is None else model, **given)


def model_file(folder: Path) -> Path:
    (path,) = folder.glob("model-*.joblib")
    return path


def change_metadata(folder: Path, **changes: Any) -> None:
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    folder = save(tmp_path / "models" / "toy", extra={"note": "집"})
    artifact = load_artifact(folder)
    np.testing.assert_allclose(artifact.model.predict(FEATURES), PRICES)
    metadata = artifact.metadata
    assert metadata == load_metadata(folder)
    assert (metadata.name, metadata.metrics, metadata.extra) == ("toy", {"mae": 12.5}, {"note": "집"})
    assert metadata.features == {"sqft_living": "int64", "lat": "float64"}
    assert (metadata.training_rows, metadata.first_date, metadata.last_date) == (3, "2014-05-02", "2014-12-31")
    assert set(metadata.libraries) == {"python", "scikit-learn", "pandas", "numpy"}
    assert metadata.created_at.endswith("+00:00")
    assert metadata.sha256.startswith(metadata.version)


def test_dates_may_be_unknown(tmp_path: Path) -> None:
    metadata = load_metadata(save(tmp_path, dates=None))
    assert metadata.first_date is None and metadata.last_date is None


def test_the_version_says_what_is_in_the_model(tmp_path: Path) -> None:
    first = load_metadata(save(tmp_path / "a")).version
    assert load_metadata(save(tmp_path / "b")).version == first
    assert load_metadata(save(tmp_path / "c", trained(PRICES * 2))).version != first


def test_saving_again_replaces_the_artifact_and_leaves_no_old_file(tmp_path: Path) -> None:
    save(tmp_path)
    old = load_metadata(tmp_path).version
    save(tmp_path, trained(PRICES * 2))
    assert load_artifact(tmp_path).metadata.version != old
    assert len(list(tmp_path.iterdir())) == 2
    # The same model once more keeps its file.
    save(tmp_path, trained(PRICES * 2))
    load_artifact(tmp_path)


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    save(tmp_path)
    save(tmp_path, trained(PRICES * 2))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_metadata_is_plain_json(tmp_path: Path) -> None:
    values = json.loads((save(tmp_path) / "metadata.json").read_text(encoding="utf-8"))
    assert values["metrics"] == {"mae": 12.5} and values["format"] == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_that_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="`mae`"):
        save(tmp_path, metrics={"mae": value})
    assert not list(tmp_path.iterdir())


def test_a_model_that_cannot_be_pickled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"(?s)pickled.*fix: use named functions"):
        save(tmp_path, FunctionTransformer(lambda frame: frame))
    assert not list(tmp_path.iterdir())


def test_a_model_that_lives_in_the_script_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import pandas as pd\nfrom mlops_lab.artifacts import ArtifactError, save_artifact\n"
        "class Mine: pass\n"
        "try:\n    save_artifact('out', Mine(), name='x', metrics={}, features=pd.DataFrame({'a': [1]}))\n"
        "except ArtifactError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "__main__" in done.stdout and "fix: move" in done.stdout, done.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_artifact_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no artifact in .*nowhere"):
        load_artifact(tmp_path / "nowhere")


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    model_file(save(tmp_path)).unlink()
    with pytest.raises(ArtifactError, match=r"model-.*is missing"):
        load_artifact(tmp_path)


class Explosive:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("a file with a wrong checksum was unpickled",)


def test_a_changed_model_is_refused_before_it_is_unpickled(tmp_path: Path) -> None:
    model_file(save(tmp_path)).write_bytes(pickle.dumps(Explosive()))
    with pytest.raises(ArtifactError, match="is damaged"):
        load_artifact(tmp_path)


@pytest.mark.parametrize("cut", [0, 10, -1])
def test_half_a_copy_is_refused(tmp_path: Path, cut: int) -> None:
    path = model_file(save(tmp_path))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ArtifactError, match="is damaged"):
        load_artifact(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', "null"])
def test_damaged_metadata_is_refused(tmp_path: Path, text: str) -> None:
    (save(tmp_path) / "metadata.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"metadata.json"):
        load_artifact(tmp_path)


def test_metadata_of_another_format_is_refused(tmp_path: Path) -> None:
    change_metadata(save(tmp_path), format=2)
    with pytest.raises(ArtifactError, match="format 1"):
        load_artifact(tmp_path)


@pytest.mark.parametrize("name", ["../model-0123456789ab.joblib", "/etc/passwd", 3])
def test_metadata_cannot_point_out_of_its_folder(tmp_path: Path, name: object) -> None:
    change_metadata(save(tmp_path), model_file=name)
    with pytest.raises(ArtifactError, match="outside of its folder"):
        load_artifact(tmp_path)


def test_another_version_of_scikit_learn_is_a_warning(tmp_path: Path) -> None:
    save(tmp_path)
    libraries = load_metadata(tmp_path).libraries
    change_metadata(tmp_path, libraries={**libraries, "scikit-learn": "0.18"})
    with pytest.warns(ArtifactWarning, match=r"made by scikit-learn 0\.18") as caught:
        load_artifact(tmp_path)
    assert caught[0].filename == __file__


def test_a_model_that_needs_absent_code_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_code.py").write_text("class Model: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import their_code

    save(tmp_path / "out", their_code.Model())
    monkeypatch.undo()
    monkeypatch.delitem(sys.modules, "their_code")
    with pytest.raises(ArtifactError, match=r"(?s)needs the module `their_code`.*PYTHONPATH"):
        load_artifact(tmp_path / "out")
