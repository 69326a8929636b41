"""The locks of what goes into an image: a part of the one lock, and no more than serving or training needs."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = ["serve", "train"]


def entries(name: str) -> dict[str, set[str]]:
    """Each pin of a lock, with its marker, and its hashes."""
    text = re.sub(r"^\s*#.*\n?", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for entry in re.split(r"\n(?=\S)", text.strip()):
        found[entry.partition(" \\\n")[0].partition(" ;")[0]] = set(re.findall(r"sha256:[0-9a-f]{64}", entry))
    return found


def names(lock: dict[str, set[str]]) -> set[str]:
    return {canonicalize_name(Requirement(pin).name) for pin in lock}


@pytest.mark.parametrize("group", GROUPS)
def test_every_pin_and_hash_is_one_of_the_lock(group: str) -> None:
    everything = entries("requirements.lock")
    part = entries(f"requirements-{group}.lock")
    assert len(part) > 20
    for pin, hashes in part.items():
        assert hashes and hashes == everything.get(pin), f"{pin}: run `make lock`"


@pytest.mark.parametrize("group", GROUPS)
def test_no_address_and_no_option_is_in_it(group: str) -> None:
    text = (ROOT / f"requirements-{group}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)


def test_the_groups_name_packages_of_the_project_and_no_versions() -> None:
    for group in GROUPS:
        for name in PROJECT["dependency-groups"][group]:
            assert isinstance(name, dict) or re.fullmatch(r"[a-z-]+", name), name
    assert PROJECT["dependency-groups"]["train"][0] == {"include-group": "serve"}


def test_what_serving_needs_is_there_and_what_it_does_not_need_is_not() -> None:
    serve, train = names(entries("requirements-serve.lock")), names(entries("requirements-train.lock"))
    assert set(PROJECT["dependency-groups"]["serve"]) <= serve <= train
    assert train - serve == {"pyarrow"}
    heavy = {"mlflow", "prefect", "jupyterlab", "evidently", "pytest", "matplotlib", "uv", "playwright"}
    assert not heavy & train
