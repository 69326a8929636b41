"""What `%load_ext labkit.learner.tour` does for a notebook."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from labkit.learner import tour

ROOT = Path(__file__).resolve().parents[2]
STARTER = "def predict(rows):\n    # TODO 1.1: Split by time\n    raise NotImplementedError\n"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell with the extension, for which `tmp_path` is the folder of the learner's files."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(ROOT / "labs"), *sys.path])
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    hook = sys.excepthook
    shell = InteractiveShell()
    tour.load_ipython_extension(shell)
    yield shell
    sys.excepthook = hook
    sys.modules.pop("tour_sample", None)


def test_a_function_that_is_still_to_do_says_so_in_two_lines(shell, tmp_path, capsys):
    (tmp_path / "tour_sample.py").write_text(STARTER)
    result = shell.run_cell("import tour_sample\ntour_sample.predict([1])")
    out, err = capsys.readouterr()
    # The cell counts as failed, so that "Run All" stops here.
    assert not result.success
    assert "`predict` is still to do: exercise 1.1, Split by time." in out
    assert "tour_sample.py:2" in out
    assert "`lab hint 1.1`" in out
    assert "Traceback" not in out + err


def test_a_saved_file_is_loaded_again(shell, tmp_path, capsys):
    source = tmp_path / "tour_sample.py"
    source.write_text("def predict(rows):\n    return 1\n")
    shell.run_cell("import tour_sample\nprint(tour_sample.predict([]))")
    source.write_text("def predict(rows):\n    return 'two'\n")
    shell.run_cell("print(tour_sample.predict([]))")
    assert capsys.readouterr().out.split() == ["1", "two"]


@pytest.mark.parametrize(
    "code",
    [
        "raise NotImplementedError('of the learner')",
        "def f():\n    raise NotImplementedError('of the learner')\nf()",
    ],
)
def test_another_error_keeps_its_traceback(shell, capsys, code):
    shell.run_cell(code)
    assert "of the learner" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "number", "found"),
    [
        (["def f():", "    # TODO 1.2: x", "    raise NotImplementedError"], 3, ("1.2", 2)),
        (["def f():", "    # TODO 1.2: x", "    y = 1", "    raise NotImplementedError"], 4, ("1.2", 2)),
        (["# TODO 1.2: x", "def f():", "    raise NotImplementedError"], 3, None),
        ([], 7, None),
    ],
)
def test_the_todo_above_a_line(lines, number, found):
    assert tour.todo_above(lines, number) == found


def test_the_learners_files_are_found_where_nobody_said_which(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    tour.find_labs(tmp_path)
    assert sys.path[0] == str(tmp_path / "labs")


def test_pythonpath_decides_whose_files_are_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", ["/elsewhere", str(tmp_path / "solutions")])
    tour.find_labs(tmp_path)
    assert str(tmp_path / "labs") not in sys.path
