"""The house itself: the lock, the Makefile, the workflows, and the words in the files."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYTHONS = ["3.11.2", "3.11.9", "3.12.8", "3.13.0"]
PLATFORMS = ["linux", "darwin"]

Step = dict[str, Any]


def locked() -> list[tuple[Requirement, str]]:
    """Each entry of the lock with the lines that belong to it."""
    entries = re.split(r"\n(?=\S)", LOCK.partition("make lock\n")[2])
    return [(Requirement(entry.partition(" \\\n")[0]), entry) for entry in entries]


def applies(requirement: Requirement, python: str, platform: str) -> bool:
    environment = {
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": platform,
        "platform_system": platform.capitalize(),
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def test_the_lock_names_versions_and_hashes_and_no_address() -> None:
    assert len(locked()) > 250
    for requirement, entry in locked():
        assert re.fullmatch(r"==[^=*]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert "--hash=sha256:" in entry, requirement
    assert "://" not in LOCK
    assert not re.search(r"^-", LOCK, re.MULTILINE), "an option in the lock may be an address"


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_one_version_of_each_package(python: str, platform: str) -> None:
    names = [canonicalize_name(entry.name) for entry, _ in locked() if applies(entry, python, platform)]
    assert len(names) == len(set(names))
    wanted = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    assert wanted <= set(names)


def test_the_lock_is_within_the_bounds_of_the_project() -> None:
    versions = [(canonicalize_name(entry.name), str(entry.specifier)[2:]) for entry, _ in locked()]
    for text in PROJECT["project"]["dependencies"]:
        wanted = Requirement(text)
        found = [version for name, version in versions if name == canonicalize_name(wanted.name)]
        assert all(wanted.specifier.contains(version) for version in found), f"{text} and {found}: run `make lock`"


def test_each_contract_of_the_imports_covers_each_lab() -> None:
    labs = {folder.name for folder in (ROOT / "solutions").glob("lab*_*")}
    linter = PROJECT["tool"]["importlinter"]
    below = labs | {"labkit", "mlops_lab", "mlops_probes"}
    assert below | {"weeks", "bench", "k8s"} == set(linter["root_packages"])
    (layers,) = [contract["layers"] for contract in linter["contracts"] if "bench" in contract.get("layers", [])]
    assert layers[:3] == ["bench", "weeks", "k8s"] and set(layers[3].split(" : ")) == below
    assert PROJECT["tool"]["mypy"]["overrides"][1]["module"] == [f"{lab}.*" for lab in sorted(labs)]


def make(*arguments: str) -> str:
    """What `make` prints, as it does where it is not started by another `make`."""
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "ARGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=outside, capture_output=True, text=True, check=True
    ).stdout


def test_make_alone_prints_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    printed = make()
    targets = re.findall(r"^([a-z%-]+):.*## (.+)$", makefile, re.MULTILINE)
    assert len(targets) >= 11
    for target, words in targets:
        assert re.search(rf"^  make {target.replace('%', 'N')} +{re.escape(words)}$", printed, re.MULTILINE)
    undocumented = set(re.findall(r"^([a-z%-]+):", makefile, re.MULTILINE)) - {target for target, _ in targets}
    assert not undocumented


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("lab-1", ".venv/bin/lab start 1"),
        ("check-1", ".venv/bin/lab check 1"),
        ("check-1.2", ".venv/bin/lab check 1.2"),
        ("watch-1", ".venv/bin/lab watch 1"),
        ("up-4", ".venv/bin/lab up 4"),
        ("notebook-1", "sh scripts/notebook.sh 1"),
    ],
)
def test_targets_with_a_number_take_it(target: str, command: str) -> None:
    assert make("-n", target).splitlines()[-1] == command


def test_recipes_are_one_line_each() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert not re.search(r"^\t.*\n\t", makefile, re.MULTILINE)


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(request.param.read_text(encoding="utf-8"))
    return content


def steps(workflow: dict[Any, Any]) -> list[Step]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_workflows_can_only_read(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert "secrets." not in str(workflow)
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_a_pull_request_does_not_bring_the_workflow_that_judges_it() -> None:
    """And that workflow takes nothing but data from it: one checkout, which no step runs a file of."""
    content = yaml.safe_load((ROOT / ".github/workflows/check-submission.yml").read_text(encoding="utf-8"))
    assert "pull_request" not in content[True]  # YAML reads the key `on` as a truth value
    taken = content["jobs"]["check"]["steps"]
    refs = {step["with"]["path"]: step["with"]["ref"] for step in taken if "checkout@" in step.get("uses", "")}
    assert refs["base"] == "${{ github.event.repository.default_branch }}"
    assert refs["head"] == "${{ github.event.pull_request.head.sha || github.sha }}"
    [judging] = [step for step in taken if "AFTER" in step.get("env", {})]
    assert judging["env"]["AFTER"] == refs["head"], "what was looked at for links is what is checked"
    assert not any("cache" in str(step) for step in taken)
    assert not re.search(r"github\.token|GITHUB_TOKEN|secrets", str(content))
    walls = next(place for place, step in enumerate(taken) if "require_walls" in step.get("run", ""))
    assert walls == taken.index(judging) - 1
    others = [path for path in WORKFLOWS if path.stem != "check-submission"]
    assert others
    assert not any("pull_request_target" in path.read_text(encoding="utf-8") for path in others)


def test_workflows_end(workflow: dict[Any, Any]) -> None:
    assert workflow["concurrency"]["cancel-in-progress"] is True
    assert all(0 < job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


def test_workflows_pin_their_actions(workflow: dict[Any, Any]) -> None:
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@([0-9a-f]{40}|v\d+\.\d+\.\d+)", step["uses"]), step["uses"]


def test_workflows_put_no_expression_into_a_script(workflow: dict[Any, Any]) -> None:
    for step in steps(workflow):
        assert "${{" not in step.get("run", ""), step
        assert "|| true" not in step.get("run", "")
        assert "continue-on-error" not in step


def test_the_submission_is_data_and_the_checker_is_the_base_branchs() -> None:
    content = yaml.safe_load((ROOT / ".github/workflows/check-submission.yml").read_text(encoding="utf-8"))
    assert {tuple(trigger["paths"]) for trigger in content[True].values()} == {("labs/**",)}
    for step in steps(content):
        if "run" in step:
            assert step["working-directory"] == "base"


def test_ci_runs_what_a_maintainer_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    text = script.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert text.index("make lint") < text.index("make test") < text.index("git status --porcelain")
    assert {"run": ".ci/run"} in steps(yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text()))


def test_each_script_is_run_by_somebody() -> None:
    scripts = {path for path in (ROOT / "scripts").iterdir() if path.is_file()}
    callers = {ROOT / name for name in ("Makefile", ".ci/run", "CONTRIBUTING.md", "shared/mlops_lab/data/README.md")}
    texts = {path: path.read_text(encoding="utf-8") for path in scripts | callers | set(WORKFLOWS)}
    for script in scripts:
        name = f"scripts/{script.name}"
        assert any(name in text for path, text in texts.items() if path != script), f"nobody runs {name}"


def test_each_benchmark_has_its_target() -> None:
    for main in (ROOT / "bench").glob("*/__main__.py"):
        name = main.parent.name
        assert make("-n", f"bench-{name}", "ARGS=--help").splitlines()[-1] == f".venv/bin/python -m bench.{name} --help"


@pytest.mark.parametrize("script", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda path: path.name)
def test_shell_scripts_are_plain_sh(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n# ")
    assert re.search(r"^set -(eu|u)$", text, re.MULTILINE)
    subprocess.run(["sh", "-n", script], check=True)


def test_a_notebook_that_is_not_there_is_named() -> None:
    done = subprocess.run(["sh", "scripts/notebook.sh", "99"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no notebook of lab `99`" in done.stderr


def test_the_top_level_holds_what_a_reader_expects() -> None:
    """And nothing that was fetched or made in passing."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    folders = {"bench", "k8s", "labs", "notebooks", "scripts", "shared", "solutions", "tests", "weeks"}
    files = {"CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md", "pyproject.toml"}
    locks = {f"requirements{kind}.lock" for kind in ("", "-serve", "-train")}
    assert {path.partition("/")[0] for path in tracked if path} <= {
        *folders, *files, *locks, ".ci", ".github", ".gitattributes", ".gitignore"
    }  # fmt: skip
