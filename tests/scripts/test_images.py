"""The scripts around images, with a `docker` that only notes what it is asked."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE = """#!/bin/sh
echo "$@" >> "$NOTES"
case "$*" in
    "network inspect"*) exit "$NO_BRIDGE" ;;
    build*) shift 2; ls "$(dirname "$1")" >> "$NOTES" ;;
esac
"""


@pytest.fixture
def fake(tmp_path: Path) -> dict[str, str]:
    """An environment whose `docker` is a script."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "NOTES": str(tmp_path / "notes"), "NO_BRIDGE": "0", "TRACK": "solutions"}


def run(script: str, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_an_image_is_built_with_the_ignore_file_beside_its_dockerfile(fake: dict[str, str]) -> None:
    done = run("build_image.sh", "2", "--pull", env=fake)
    assert done.returncode == 0, done.stderr
    _, build, *beside = Path(fake["NOTES"]).read_text().splitlines()
    assert beside == ["Dockerfile", "Dockerfile.dockerignore"]
    assert "--tag mlops-lab/lab2-service:solutions --network default" in build
    assert "--build-arg TRACK=solutions" in build
    assert build.endswith(" --pull .")
    assert "docker run --rm --read-only" in done.stdout


def test_an_engine_without_a_bridge_builds_on_the_network_of_the_machine(fake: dict[str, str]) -> None:
    run("build_image.sh", "2", env={**fake, "NO_BRIDGE": "1"})
    assert "--network host" in Path(fake["NOTES"]).read_text()


def test_a_lab_without_a_dockerfile_is_named(fake: dict[str, str]) -> None:
    done = run("build_image.sh", "1", env=fake)
    assert (done.returncode, done.stderr) == (2, "error: no Dockerfile of lab `1` in `solutions/`\n")


def test_an_engine_that_answers_is_used_and_the_status_is_passed_on(fake: dict[str, str]) -> None:
    done = run("with_docker.sh", "sh", "-c", "echo it runs; exit 3", env=fake)
    assert (done.returncode, done.stdout) == (3, "it runs\n")
    assert Path(fake["NOTES"]).read_text() == "version --format {{.Server.Version}}\n"
