"""The command line through the real `lab`: exit status, and a part of what it prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.labkit import toy
from tests.labkit.conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
ANSWER = Path("labs", "lab1_toy", "answer.py")
COMMANDS = [
    "start", "check", "watch", "run", "up", "hint", "solution", "reset", "doctor", "grade", "dev sync", "dev check",
]  # fmt: skip
WRONG = toy.answer(double="print('thinking')\nreturn 3 * x")


def write(course: Path, text: str) -> Path:
    return toy.write(course / ANSWER, text)


# Help and documents


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(lab: Lab, command: str) -> None:
    done = lab(*command.split(), "--help")
    assert done.returncode == 0
    assert f"Usage: lab {command}" in done.stdout
    assert "Examples" in done.stdout
    assert re.search(rf"^ lab {command}", done.stdout, re.MULTILINE), "no example of the command itself"


def test_lab_help_names_every_command(lab: Lab) -> None:
    done = lab("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert command.split()[0] in done.stdout
    assert "130 stopped by Ctrl-C" in " ".join(done.stdout.split())


def test_every_command_is_in_the_documents() -> None:
    documents = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    missing = [command for command in COMMANDS if f"`lab {command}" not in documents]
    assert not missing, f"neither README.md nor CONTRIBUTING.md names `lab {'`, `lab '.join(missing)}`"


def test_every_lab_command_in_the_documents_exists() -> None:
    documents = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    named = set(re.findall(r"`lab (dev \w+|[a-z]+)", documents))
    assert named <= set(COMMANDS)


# The board and the page of a lab


def test_lab_alone_shows_the_board(lab: Lab) -> None:
    done = lab()
    assert done.returncode == 0
    assert "  1  A toy       · ·  0 of 2  10 min\n" in done.stdout
    assert done.stdout.count("not there yet") == 7
    assert "`lab check 1.1`" in done.stdout


def test_the_board_imports_neither_the_parser_nor_the_engine(course: Path) -> None:
    code = "import sys; sys.argv = ['lab']; from labkit.cli import main; main(); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=course, capture_output=True, text=True, check=True)
    slow = {"typer", "labkit.engine.client", "pytest", "pandas", "numpy", "watchfiles", "asyncio", "multiprocessing"}
    assert not slow & set(done.stderr.split())


def test_start_shows_where_to_begin(lab: Lab) -> None:
    done = lab("start", "1")
    assert done.returncode == 0
    assert "guide       weeks/week1_toy/README.md" in done.stdout
    assert "1.2  Count rows  5 min  to do" in done.stdout


def test_python_m_labkit_is_the_same(course: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "labkit", "start", "1"], cwd=course, capture_output=True, text=True, check=True
    )
    assert "Lab 1  A toy" in done.stdout


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "1.12"], "lab 1 has no exercise `1.12`. Did you mean `1.2`?"),
        (["check", "2"], "lab 2 (service) is not there yet. Labs that are there: `1`."),
        (["start", "toi"], "there is no lab `toi`. Did you mean `toy`?"),
        (["hint", "1.9"], "lab 1 has no exercise `1.9`. Did you mean `1.2`?"),
        (["hint", "1"], "`1` is a lab, and an exercise is wanted here, such as `1.1`."),
        (["watch", "1.1"], "`1.1` is an exercise, and a lab is wanted here: `1`."),
        (["watch", "7"], "lab 7 (delivery) is not there yet."),
        (["up", "1.1"], "`1.1` is an exercise, and a lab is wanted here: `1`."),
        (["check", "1", "--track", "nowhere"], "`nowhere` is no track"),
        (["check", "1", "--json", "-", "--junit", "-"], "both want the standard output"),
        (["grade", "1", "nobody"], "no such folder: `nobody`."),
        (["grade", "1"], "Missing argument"),
        (["chek"], "Did you mean 'check'?"),
        (["check", "--sed", "1"], "--seed"),
        (["check", "--seed", "-1"], "--seed"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_2_and_says_what_to_do(lab: Lab, arguments: list[str], message: str) -> None:
    done = lab(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_that_cannot_be_written_is_wrong_usage(lab: Lab, course: Path) -> None:
    done = lab("check", "1.1", "--track", "solutions", "--json", "pyproject.toml/report.json")
    assert done.returncode == 2
    assert "the report could not be written to `pyproject.toml/report.json`" in done.stderr


def test_outside_of_a_repository_it_says_where_it_looked(lab: Lab, course: Path) -> None:
    (course / "weeks" / "week1_toy" / "lab.toml").unlink()
    done = lab()
    assert done.returncode == 2
    assert "no lab is there" in done.stderr


def test_the_engines_own_fault_is_3(lab: Lab, course: Path) -> None:
    solution = course / "solutions" / "lab1_toy" / "answer.py"
    solution.write_text(solution.read_text().replace("# end solution", "# end", 1))
    done = lab("reset", "1", "--yes")
    assert done.returncode == 3
    assert "a solution file has a broken mark, which is not your fault" in done.stderr


# Verdicts


def test_check_tells_passed_failed_and_todo_apart(lab: Lab, course: Path) -> None:
    done = lab("check", "1")
    assert done.returncode == 1
    assert "2 to do" in done.stdout
    write(course, WRONG)
    done = lab("check", "1")
    assert done.returncode == 1
    assert "✗  1.1  Double" in done.stdout
    assert "│ expected" in done.stdout
    assert "│ printed   thinking" in done.stdout
    assert "✓  1.2  Count rows" in done.stdout
    assert "`lab hint 1.1`" in done.stdout
    board = lab()
    assert "✗ ✓  1 of 2" in board.stdout
    write(course, toy.answer())
    assert "~ ~  0 of 2" in lab().stdout
    assert lab("check").returncode == 0
    done = lab()
    assert "✓ ✓  2 of 2" in done.stdout
    assert "Lab 1 is done" in done.stdout


def test_one_exercise_shows_each_of_its_checks(lab: Lab) -> None:
    done = lab("check", "1.1", "--track", "solutions")
    assert done.returncode == 0
    assert "✓  `double` returns twice its argument." in done.stdout
    assert "track solutions" in done.stdout


def test_another_track_is_no_progress_of_the_learner(lab: Lab, course: Path, tmp_path: Path) -> None:
    toy.write(tmp_path / "anna" / "answer.py", toy.answer())
    assert lab("check", "1", "--track", str(tmp_path / "anna")).returncode == 0
    assert not (course / ".lab" / "progress.json").exists()


def test_json_on_the_standard_output_is_json_alone(lab: Lab, course: Path) -> None:
    write(course, WRONG)
    done = lab("check", "1", "--json", "-")
    assert done.returncode == 1
    table = json.loads(done.stdout)
    assert (table["lab"], table["track"], table["notes"]) == (1, "labs", table["notes"])
    first, second = table["results"]
    assert set(first) == {"exercise", "check", "outcome", "message", "seconds"}
    assert (first["exercise"], first["check"], first["outcome"]) == ("1.1", "test_doubles", "failed")
    assert (second["exercise"], second["outcome"]) == ("1.2", "passed")


def test_reports_go_to_files(lab: Lab, course: Path) -> None:
    done = lab("check", "1", "--json", "out/report.json", "--junit", "out/report.xml")
    assert done.returncode == 1
    assert json.loads((course / "out" / "report.json").read_text())["lab"] == 1
    suite = ElementTree.parse(course / "out" / "report.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")


def test_the_same_seed_draws_the_same_inputs(lab: Lab, course: Path) -> None:
    write(course, WRONG)
    messages = [
        json.loads(lab("check", "1.1", "--seed", seed, "--json", "-").stdout)["results"][0]["message"] for seed in "778"
    ]
    assert messages[0] == messages[1] != messages[2]


def test_github_gets_annotations_and_a_summary(lab: Lab, course: Path, tmp_path: Path) -> None:
    write(course, toy.answer(double="print('::error::forged')\nreturn 3 * x"))
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    done = lab("check", "1", "--github", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    stop = next(place for place, line in enumerate(lines) if line.startswith("::stop-commands::"))
    go_on = lines.index(f"::{lines[stop].rpartition('::')[2]}::")
    commands = [place for place, line in enumerate(lines) if line.strip().startswith("::error")]
    assert commands
    assert all(place > go_on for place in commands)
    assert lines[commands[0]].startswith("::error file=labs/lab1_toy/answer.py,title=Exercise 1.1")
    text = summary.read_text()
    assert text.startswith("before\n## Lab 1: A toy\n")
    assert "❌ failed" in text


def test_a_reader_that_leaves_early_is_no_fault(course: Path) -> None:
    command = f"'{Path(sys.executable).with_name('lab')}' check 1 | true"
    done = subprocess.run(["sh", "-c", command], cwd=course, capture_output=True, text=True, check=False)
    assert done.stderr == ""


# Hints, the solution, the starter


def test_each_hint_comes_when_it_is_asked_for(lab: Lab) -> None:
    first = lab("hint", "1.1")
    assert "hint 1 of 2\n    Multiply." in first.stdout
    assert "By two." not in first.stdout
    for _ in range(2):
        more = lab("hint", "1.1")
        assert "hint 2 of 2\n    By two." in more.stdout
        assert "`lab solution 1.1` shows the reference" in more.stdout
    assert more.returncode == 0


def test_the_solution_is_shown_after_a_confirmation(lab: Lab) -> None:
    for answer in ("n\n", "", "\n"):
        done = lab("solution", "1.1", input=answer)
        assert done.returncode == 1
        assert "Nothing was shown." in done.stdout
        assert "2 * x" not in done.stdout
    done = lab("solution", "1.1", input="y\n")
    assert done.returncode == 0
    assert "--- labs/lab1_toy/answer.py (yours)\n+++ labs/lab1_toy/answer.py (reference for 1.1)\n" in done.stdout
    assert "-    # TODO 1.1: Double\n-    raise NotImplementedError\n+    return 2 * x\n" in done.stdout
    assert "len(frame)" not in done.stdout


@pytest.mark.parametrize(
    "mine", [WRONG, "nothing = 'like it'\n", "", toy.answer(count="return 1"), "def count_rows(f):\n    return 0\n"]
)
def test_the_solution_shows_one_exercise_whatever_the_file_is(lab: Lab, course: Path, mine: str) -> None:
    write(course, mine)
    done = lab("solution", "1.2", "--yes")
    assert done.returncode == 0
    assert "2 * x" not in [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("+")]
    if "return len(frame)" not in mine:
        assert "+    return len(frame)" in done.stdout


def test_the_solution_of_a_right_answer_has_nothing_to_add(lab: Lab, course: Path) -> None:
    write(course, (course / "solutions" / "lab1_toy" / "answer.py").read_text())
    done = lab("solution", "1.1", "--yes")
    assert "already has every line of the reference for 1.1" in done.stdout


def test_reset_puts_the_starter_back_and_keeps_the_old_file(lab: Lab, course: Path) -> None:
    write(course, WRONG)
    lab("check", "1")
    done = lab("reset", "1", input="n\n")
    assert done.returncode == 1
    assert "thinking" in (course / ANSWER).read_text()
    done = lab("reset", "1", "--yes")
    assert done.returncode == 0
    assert "put back  labs/lab1_toy/answer.py" in done.stdout
    kept = re.search(r"Your old files are in (\S+)", done.stdout)
    assert kept
    assert "thinking" in (course / kept[1] / "answer.py").read_text()
    assert "TODO 1.1" in (course / ANSWER).read_text()
    assert "· ·  0 of 2" in lab().stdout
    assert "nothing to put back" in lab("reset", "1", "--yes").stdout


def test_a_broken_progress_file_is_told_and_kept(lab: Lab, course: Path) -> None:
    toy.write(course / ".lab" / "progress.json", "{broken")
    done = lab()
    assert done.returncode == 0
    assert "could not be read" in done.stdout
    assert list((course / ".lab").glob("progress.broken-*.json"))


# Many submissions


def test_grade_judges_each_submission(lab: Lab, course: Path, tmp_path: Path) -> None:
    toy.write(tmp_path / "anna" / "answer.py", toy.answer())
    toy.write(tmp_path / "ben" / "labs" / "lab1_toy" / "answer.py", WRONG)
    toy.write(tmp_path / "김 철수" / "lab1_toy" / "answer.py", (course / ANSWER).read_text())
    folders = [str(tmp_path / name) for name in ("anna", "ben", "김 철수")]
    done = lab("grade", "1", *folders, "--jobs", "2", "--json", "grades.json", "--junit", "grades.xml")
    assert done.returncode == 1
    assert re.search(r"✓  \S*/anna +2 of 2 exercises\n", done.stdout)
    assert re.search(r"✗  \S*/ben +1 of 2 exercises +failed 1\.1\n", done.stdout)
    assert re.search(r"·  .*/김 철수 +0 of 2 exercises +to do 1\.1, 1\.2\n", done.stdout)
    assert "1 of 3 submissions passed every check" in done.stdout
    table = json.loads((course / "grades.json").read_text(encoding="utf-8"))
    assert [submission["track"] for submission in table["submissions"]] == folders
    assert isinstance(table["notes"], list)
    assert len(ElementTree.parse(course / "grades.xml").getroot()) == 3
    assert lab("grade", "1", folders[0]).returncode == 0


# Doctor and maintainers


def test_doctor_names_tools_and_how_to_get_them(lab: Lab) -> None:
    done = lab("doctor", PATH=os.path.dirname(sys.executable))
    assert done.returncode == 0
    for name in (
        "Python",
        "memory",
        "disk",
        "8000",
        "docker",
        "kind",
        "kubectl",
        "terraform",
        "prometheus",
        "chromium",
    ):
        assert name in done.stdout
    assert done.stdout.count("not there; ") == 8, "all but kubectl, which comes with the environment"
    assert re.search(r"kubectl +Client Version: v", done.stdout)


def test_dev_sync_and_dev_check(lab: Lab, course: Path) -> None:
    assert lab("dev", "check").returncode == 0
    write(course, WRONG)
    done = lab("dev", "check")
    assert done.returncode == 1
    assert "labs/lab1_toy/answer.py: differs from what `lab dev sync` would write" in done.stdout
    assert lab("dev", "check", "--skip-labs").returncode == 0
    done = lab("dev", "sync")
    assert done.returncode == 0
    assert "wrote  labs/lab1_toy/answer.py" in done.stdout
    assert "kept   what was replaced, in .lab/kept/" in done.stdout
    assert lab("dev", "check").returncode == 0
    toy.write(course / "labs" / "lab1_toy" / "extra.py", "x = 1\n")
    done = lab("dev", "sync")
    assert done.returncode == 1
    assert "stray  labs/lab1_toy/extra.py" in done.stdout


def test_dev_sync_names_a_broken_mark(lab: Lab, course: Path) -> None:
    solution = course / "solutions" / "lab1_toy" / "answer.py"
    solution.write_text(solution.read_text().replace("# end solution", "# end solutoin", 1))
    done = lab("dev", "sync")
    assert done.returncode == 1
    assert "solutions/lab1_toy/answer.py:13: nested mark: the block of line 6 is still open" in done.stderr


# A program on the files of a lab


def test_run_takes_this_lab_from_labs_and_the_others_from_solutions(lab: Lab, course: Path) -> None:
    toy.write(course / "solutions" / "lab2_zoo" / "__init__.py", "")
    code = "import lab1_toy.answer, lab2_zoo; print(lab1_toy.answer.__file__, lab2_zoo.__file__)"
    for track, place in (("labs", ".lab/imports/lab1_toy/lab1_toy"), ("solutions", "solutions/lab1_toy")):
        done = lab("run", "--track", track, "1", "python", "-c", code)
        assert done.returncode == 0, done.stderr
        mine, other = map(Path, done.stdout.split())
        assert mine == course / place / "answer.py"
        assert mine.resolve() == course / track / "lab1_toy" / "answer.py"
        assert other.resolve() == course / "solutions" / "lab2_zoo" / "__init__.py"


def test_run_has_the_exit_status_and_the_options_of_the_program(lab: Lab) -> None:
    done = lab("run", "1", "python", "-c", "import sys; print(sys.argv[1:]); sys.exit(5)", "--help", "-h")
    assert (done.returncode, done.stdout) == (5, "['--help', '-h']\n")


@pytest.mark.parametrize(
    ("arguments", "why"), [(["1", "no-such-program"], "no program"), (["--track", "x", "1", "python"], "no track here")]
)
def test_run_says_what_is_wrong(lab: Lab, arguments: list[str], why: str) -> None:
    done = lab("run", *arguments)
    assert done.returncode == 2
    assert why in done.stderr
