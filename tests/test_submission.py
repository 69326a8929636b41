"""The script of check-submission.yml, run as GitHub would on pull requests that learners might open."""

import html
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import require_walls

ROOT = Path(__file__).resolve().parent.parent
LAB = "labs/lab1_models"


@dataclass
class Submission:
    """A checkout of somebody's branch, and the commit that it is held against."""

    head: Path
    before: str

    def check(self, after: str = "") -> tuple[int, str, str]:
        """Run the last step of the workflow: exit status, what it printed, the step summary."""
        workflow = yaml.safe_load((ROOT / ".github/workflows/check-submission.yml").read_text(encoding="utf-8"))
        summary = self.head.parent / "summary.md"
        environment = os.environ | {
            "HEAD": str(self.head),
            "BEFORE": self.before,
            "AFTER": after or commit(self.head),
            "RUNNER_TEMP": str(self.head.parent),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        command = ["bash", "-e", "-c", workflow["jobs"]["check"]["steps"][-1]["run"]]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr, summary.read_text() if summary.exists() else ""


def commit(repo: Path) -> str:
    """Commit whatever is there; return the id."""
    who = ["-c", "user.name=A Learner", "-c", "user.email=learner@example.org", "-c", "commit.gpgsign=false"]
    git = ["git", "-C", str(repo), *who]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "a change"], check=True)
    return subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    """A fork with lab 1 as it is handed out; generated anew, because labs/ may hold a learner's work."""
    head = tmp_path / "head"
    subprocess.run(["git", "init", "-q", "-b", "main", str(head)], check=True)
    shutil.copytree(ROOT / "solutions/lab1_models", head / LAB, ignore=shutil.ignore_patterns("__pycache__"))
    (head / LAB / "iris.py").write_text("")
    return Submission(head, commit(head))


def test_finished_work_is_accepted(submission: Submission) -> None:
    shutil.copy(ROOT / "solutions/lab1_models/iris.py", submission.head / LAB)
    status, printed, summary = submission.check()
    assert status == 0, printed
    assert "::error" not in printed
    assert "Lab 1" in summary


def test_unfinished_work_is_annotated(submission: Submission) -> None:
    (submission.head / LAB / "house_price.py").write_text("def split_by_time(sales, cutoff):\n    return sales[\n")
    status, printed, summary = submission.check()
    assert status == 1
    assert f"::error file={LAB}/house_price.py" in printed
    assert "was never closed" in html.unescape(summary)


@pytest.mark.parametrize("pattern", ["labs", LAB, f"{LAB}/*.py"])
def test_a_link_to_the_solutions_is_no_submission(submission: Submission, pattern: str) -> None:
    for place in list(submission.head.glob(pattern)):
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        place.symlink_to(ROOT / "solutions" / place.relative_to(submission.head / "labs"))
    status, printed, _ = submission.check()
    assert status == 2
    assert "is a link; a submission consists of plain files" in printed
    assert "::error" not in printed, "nothing was checked"


def test_a_submodule_is_no_submission(submission: Submission) -> None:
    other = submission.head / "labs/lab2_service"
    subprocess.run(["git", "init", "-q", "-b", "main", str(other)], check=True)
    commit(other)
    status, printed, _ = submission.check()
    assert status == 2
    assert "is a submodule" in printed


def test_a_change_elsewhere_checks_nothing(submission: Submission) -> None:
    (submission.head / "labs/README.md").write_text("notes\n")
    status, printed, summary = submission.check()
    assert status == 0
    assert "No lab of this course was touched." in printed
    assert not summary


@pytest.mark.parametrize("missing", [False, True])
def test_nobody_is_judged_where_a_wall_is_missing(
    missing: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(require_walls, "available", lambda: {"limits": True, "a moat": not missing})
    assert require_walls.main() == missing
    assert ("no wall here: a moat" in capsys.readouterr().out) is missing


def test_the_branch_may_move_while_it_is_judged(submission: Submission) -> None:
    """What is checked is the working tree, so a link that came later is no submission either."""
    shutil.copy(ROOT / "solutions/lab1_models/iris.py", submission.head / LAB)
    after = commit(submission.head)
    shutil.rmtree(submission.head / LAB)
    (submission.head / LAB).symlink_to(ROOT / "solutions/lab1_models")
    status, printed, _ = submission.check(after)
    assert status == 1
    assert "is a symbolic link" in printed


def test_the_name_of_a_link_is_no_workflow_command(submission: Submission) -> None:
    (submission.head / "labs/x\n::error::forged\u202e").symlink_to("lab1_models")
    status, printed, _ = submission.check()
    assert status == 2
    assert "is a link" in printed
    assert "\n::error" not in printed and "\u202e" not in printed
