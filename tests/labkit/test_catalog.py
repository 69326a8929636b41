"""The catalog: typed objects out of lab.toml, errors that name file and key, suggestions."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from tests.labkit import toy

from labkit.course.catalog import find_root, load_catalog
from labkit.course.lab import CatalogError, Exercise
from labkit.engine.client import engine_environment


def with_change(root: Path, old: str, new: str) -> Path:
    path = root / "weeks" / "week1_toy" / "lab.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    return root


def test_a_lab_knows_its_places(course: Path) -> None:
    lab = load_catalog(course).lab(1)
    assert (lab.number, lab.name, lab.title, lab.minutes, lab.package) == (1, "toy", "A toy", 10, "lab1_toy")
    assert lab.preload == ()
    assert lab.prepare is None
    assert lab.files == ("answer.py",)
    assert lab.guide == Path("weeks/week1_toy/README.md")
    assert lab.solutions_dir == Path("solutions/lab1_toy")
    assert lab.labs_dir == Path("labs/lab1_toy")
    assert lab.checks_file == Path("tests/labs/test_lab1_toy.py")
    assert lab.mutants_dir == Path("tests/mutants/lab1_toy")
    assert lab.notebook == Path("notebooks/lab1_toy.ipynb")
    assert lab.exercise("1.1") == Exercise("1.1", "Double", "answer.py", 5, (), 2.0, ("Multiply.", "By two."))
    with pytest.raises(dataclasses.FrozenInstanceError):
        lab.title = "other"  # type: ignore[misc]


def test_extra_files_follow_those_of_the_exercises(course: Path) -> None:
    with_change(course, "minutes = 10", 'minutes = 10\nextra_files = ["data/a.csv", "answer.py"]')
    assert load_catalog(course).lab(1).files == ("answer.py", "data/a.csv")


def test_a_lab_may_want_further_servers_than_its_exercises(course: Path) -> None:
    with_change(course, "minutes = 10", 'minutes = 10\nup = ["two", "one"]')
    with_change(course, 'title = "Double"', 'title = "Double"\nservices = ["one"]')
    lab = load_catalog(course).lab(1)
    assert lab.services == ("one",)
    assert lab.servers == ("one", "two")


@pytest.mark.parametrize("which", ["1", "toy", "lab1_toy", "week1_toy"])
def test_a_lab_has_many_names(course: Path, which: str) -> None:
    assert load_catalog(course).lab(which).number == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("1.12", "lab 1 has no exercise `1.12`. Did you mean `1.2`?"),
        ("1.3", "lab 1 has no exercise `1.3`. Did you mean `1.2`?"),
        ("3", "lab 3 (kubernetes) is not there yet. Labs that are there: `1`."),
        ("monitoring", "lab 6 (monitoring) is not there yet. Labs that are there: `1`."),
        ("3.1", "lab 3 (kubernetes) is not there yet. Labs that are there: `1`."),
        ("toi", "there is no lab `toi`. Did you mean `toy`?"),
        ("99", "there is no lab `99`. There is `1`."),
        ("1,2", "there is no lab `1,2`. Did you mean `1.2`?"),
        ("\x1b[31m", "there is no lab `?[31m`. There is `1`, `toy`, `1.1`, `1.2`."),
    ],
)
def test_what_is_not_there_suggests_what_is(course: Path, target: str, message: str) -> None:
    with pytest.raises(CatalogError) as caught:
        load_catalog(course).find(target)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes = 10", "minutes = 'ten'", "`minutes`: a whole number from 1 on is needed, it is 'ten'."),
        ("minutes = 10", "minutes = true", "`minutes`: a whole number from 1 on is needed, it is True."),
        ('title = "A toy"', "", "`title`: is missing."),
        ('title = "A toy"', 'title = " "', "`title`: a text is needed, it is ' '."),
        ("preload = []", 'preloud = ["pandas"]', "`preloud`: unknown key. Did you mean `preload`?"),
        ('name = "toy"', 'name = "game"', "`name`: the folder must be `week1_game`, it is `week1_toy`."),
        ("preload = []", 'preload = "pandas"', "`preload`: a list of texts is needed, it is 'pandas'."),
        ("preload = []", 'prepare = "mlops_lab"', "`prepare`: `module:function` is needed, it is 'mlops_lab'."),
        ('id = "1.1"', 'id = "2.1"', "[[exercise]] 2.1: `id`: an id of this lab such as `1.1` is needed, it is '2.1'."),
        ('id = "1.2"', 'id = "1.1"', "`exercise`: the ids must rise and none may come twice; they are 1.1, 1.1."),
        ('file = "answer.py"', "", "[[exercise]] 1.1: `file`: is missing."),
        (
            'file = "answer.py"',
            'file = "../answer.py"',
            "[[exercise]] 1.1: `file`: a plain path inside the lab's folder is needed, it is '../answer.py'.",
        ),
        ("seconds = 2", "seconds = 0", "[[exercise]] 1.1: `seconds`: a number above 0 is needed, it is 0."),
        ("number = 1", "number = ", "not valid TOML: Invalid value (at line 1, column 10)"),
    ],
)
def test_a_wrong_lab_toml_names_file_and_key(course: Path, old: str, new: str, message: str) -> None:
    with_change(course, old, new)
    with pytest.raises(CatalogError) as caught:
        load_catalog(course)
    assert str(caught.value) == f"weeks/week1_toy/lab.toml: {message}"


def test_a_slow_machine_gives_each_check_more_time(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = [exercise.seconds for exercise in load_catalog(course).lab("lab1_toy").exercises]
    monkeypatch.setenv("LABKIT_PATIENCE", "2.5")
    assert [exercise.seconds for exercise in load_catalog(course).lab("lab1_toy").exercises] == [2.5 * s for s in usual]
    assert engine_environment(course)["LABKIT_PATIENCE"] == "2.5"


@pytest.mark.parametrize("text", ["", "much", "0.5", "101", "nan", "inf"])
def test_patience_is_a_number(course: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LABKIT_PATIENCE", text)
    with pytest.raises(CatalogError) as caught:
        load_catalog(course)
    assert str(caught.value) == f"LABKIT_PATIENCE: a number from 1 to 100 is needed, it is {text!r}"


def test_a_lab_needs_an_exercise(course: Path) -> None:
    toy.write(course / "weeks" / "week1_toy" / "lab.toml", 'number = 1\nname = "toy"\ntitle = "A"\nminutes = 1\n')
    with pytest.raises(CatalogError, match=r"`exercise`: at least one `\[\[exercise\]\]` table is needed"):
        load_catalog(course)


def test_two_labs_of_one_number_are_an_error(course: Path) -> None:
    other = toy.LAB_TOML.replace('"toy"', '"zoo"')
    toy.write(course / "weeks" / "week1_zoo" / "lab.toml", other)
    with pytest.raises(CatalogError, match=r"`number` 1 is taken by weeks/week1_(toy|zoo)"):
        load_catalog(course)


def test_the_root_is_found_from_below_and_by_the_environment(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_root(course / "labs" / "lab1_toy") == course.resolve()
    monkeypatch.setenv("LAB_ROOT", str(course))
    assert find_root(tmp_path) == course.resolve()
    monkeypatch.delenv("LAB_ROOT")
    assert (find_root(tmp_path) / "shared" / "labkit" / "course" / "catalog.py").is_file()


def test_the_catalog_imports_nothing_heavy() -> None:
    code = "import sys, labkit.course.catalog, labkit.records, labkit.course.labtoml; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"typer", "rich", "pandas", "numpy", "pytest", "asyncio", "watchfiles", "labkit.engine.client"}
    assert not heavy & set(done.stdout.split())


def test_an_exercise_may_have_several_files_and_build_on_earlier_ones(course: Path) -> None:
    with_change(course, 'id = "1.2"', 'id = "1.2"\nalso = [".ignore"]\nafter = ["1.1"]')
    lab = load_catalog(course).lab(1)
    assert lab.exercise("1.2").files == ("answer.py", ".ignore")
    assert lab.exercise("1.2").after == ("1.1",)
    assert lab.files == ("answer.py", ".ignore")
    assert [exercise.id for exercise in lab.exercises_of(".ignore")] == ["1.2"]


@pytest.mark.parametrize("after", ["1.2", "1.9", "2.1"])
def test_an_exercise_builds_on_earlier_ones_only(course: Path, after: str) -> None:
    with_change(course, 'id = "1.2"', f'id = "1.2"\nafter = ["{after}"]')
    with pytest.raises(CatalogError, match=rf"`after`: 1\.2 names '{after}', which is no exercise before it"):
        load_catalog(course)
