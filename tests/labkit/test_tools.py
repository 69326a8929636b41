"""Programs are found on PATH, and in the environment's own folder where a wheel has put them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.labkit import toy

from labkit.tools import find, is_there

OWN = Path(sys.executable).parent


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with one empty folder on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(path: Path, mode: int = 0o755) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_what_is_on_path_comes_first(empty_path: Path) -> None:
    assert find("kubectl") == OWN / "kubectl"
    assert is_there("kubectl")
    mine = program(empty_path / "kubectl")
    assert find("kubectl") == mine


def test_what_is_nowhere_is_not_there(empty_path: Path) -> None:
    assert find("docker") is None
    assert not is_there("docker")
    program(empty_path / "docker", mode=0o644)
    assert find("docker") is None, "what cannot be run is no program"


def test_a_tool_has_several_names(empty_path: Path) -> None:
    assert find("chromium") is None
    other = program(empty_path / "google-chrome")
    assert find("chromium") == other
    first = program(empty_path / "chromium")
    assert find("chromium") == first


def test_any_other_name_is_looked_up_as_it_is(empty_path: Path) -> None:
    assert find("python3") == OWN / "python3"
    assert find("a-tool-that-nobody-has") is None


@pytest.mark.parametrize("path", ["PATH as it is", "an empty PATH"])
def test_kubectl_renders_a_kustomization(path: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if path == "an empty PATH":
        request.getfixturevalue("empty_path")
    tree = tmp_path / "tree"
    toy.write(tree / "base" / "kustomization.yaml", "resources: [service.yaml]\n")
    toy.write(tree / "base" / "service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: api}\n")
    toy.write(tree / "dev" / "kustomization.yaml", "resources: [../base]\nnamePrefix: dev-\n")
    kubectl = find("kubectl")
    assert kubectl is not None
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [kubectl, "kustomize", tree / "dev"], check=True, capture_output=True, text=True, env=environment
    )
    assert yaml.safe_load(done.stdout) == {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dev-api"}}
