"""Which labs a change touches, told by git from two commits of somebody else's repository."""

import subprocess
from pathlib import Path

import pytest

import touched_labs

KNOWN = {"lab1_models", "lab2_service"}
ZEROS = "0" * 40


def git(repo: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A Learner", "-c", "user.email=learner@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(repo), *who, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(repo: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a change")
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, {"labs/lab1_models/house_price.py": "# TODO\n", "labs/lab2_service/app.py": "# TODO\n", "a": ""})
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("labs/lab1_models/house_price.py", [(1, "lab1_models")]),
        ("labs/lab1_models/deep/모델.py", [(1, "lab1_models")]),
        ("labs/lab9_unknown/a.py", []),
        ("labs/lab1_models", []),
        ("labs/README.md", []),
        ("solutions/lab1_models/house_price.py", []),
        ("x/labs/lab1_models/house_price.py", []),
        ("labs/lab1_models; reboot/a.py", []),
        ("labs/lab1_models\n2 lab2_service/a.py", []),
    ],
)
def test_only_a_path_in_a_known_lab_counts(path: str, found: list[tuple[int, str]]) -> None:
    assert touched_labs.touched([path], KNOWN) == found


def test_labs_are_in_order_and_once() -> None:
    paths = ["labs/lab2_service/b.py", "labs/lab1_models/a.py", "labs/lab2_service/a.py"]
    assert touched_labs.touched(paths, KNOWN) == [(1, "lab1_models"), (2, "lab2_service")]


def test_what_a_branch_changed(repo: Path) -> None:
    before = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-qb", "mine")
    after = commit(repo, {"labs/lab2_service/app.py": "done\n", "labs/lab2_service/한 글.py": ""})
    git(repo, "checkout", "-q", "main")
    base = commit(repo, {"labs/lab1_models/house_price.py": "# a newer starter\n"})
    assert touched_labs.changed_paths(repo, before, after) == ["labs/lab2_service/app.py", "labs/lab2_service/한 글.py"]
    # What the base branch did in the meantime is not the submission's change.
    assert touched_labs.touched(touched_labs.changed_paths(repo, base, after), KNOWN) == [(2, "lab2_service")]


def test_a_deleted_file_touches_its_lab(repo: Path) -> None:
    before = git(repo, "rev-parse", "HEAD")
    git(repo, "rm", "-q", "labs/lab1_models/house_price.py")
    assert touched_labs.changed_paths(repo, before, commit(repo, {})) == ["labs/lab1_models/house_price.py"]


@pytest.mark.parametrize("before", [ZEROS, "1" * 40], ids=["new branch", "forced push"])
def test_without_a_commit_before_every_path_counts(repo: Path, before: str) -> None:
    after = git(repo, "rev-parse", "HEAD")
    assert touched_labs.touched(touched_labs.changed_paths(repo, before, after), KNOWN) == [
        (1, "lab1_models"),
        (2, "lab2_service"),
    ]


def test_a_new_branch_is_held_against_this_checkout(
    repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(touched_labs, "ROOT", repo)
    base = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-qb", "mine")
    after = commit(repo, {"labs/lab1_models/house_price.py": "done\n"})
    git(repo, "checkout", "-q", base)
    assert touched_labs.changed_paths(repo, ZEROS, after) == ["labs/lab1_models/house_price.py"]


@pytest.mark.parametrize("commit_id", ["--output=/tmp/x", "main", "", "a" * 39, "a" * 40 + "\n"])
def test_only_a_full_commit_id_is_taken(repo: Path, commit_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    after = git(repo, "rev-parse", "HEAD")
    assert touched_labs.main(["--repo", str(repo), f"--before={commit_id}", "--after", after]) == 2
    assert touched_labs.main(["--repo", str(repo), "--before", after, f"--after={commit_id}"]) == 2
    assert "full commit ids" in capsys.readouterr().err


def test_one_line_a_lab(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = git(repo, "rev-parse", "HEAD")
    after = commit(repo, {"labs/lab1_models/house_price.py": "done\n"})
    assert touched_labs.main(["--repo", str(repo), "--before", before, "--after", after]) == 0
    assert capsys.readouterr().out == "1 lab1_models\n"
