"""Whatever a learner's function answers, a check of lab 1 says `failed` with a message, never `error`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course.catalog import load_catalog
from labkit.course.marks import reference
from labkit.course.mutants import solved_files
from labkit.course.tracks import Track, resolve_track
from labkit.engine.client import Engine
from labkit.records import Report

ROOT = Path(__file__).resolve().parents[1]
LAB = load_catalog(ROOT).lab(1)
FUNCTIONS = {
    "house_price.py": ["split_by_time", "build_model", "cross_validate_model", "tune_model"],
    "iris.py": ["compare_classifiers", "confusion"],
    "customers.py": ["rfm", "segment_customers", "choose_k", "profile_segments"],
    "report.py": ["write_report"],
}
BEFORE_REPORT = [exercise.id for exercise in LAB.exercises if exercise.id != "1.9"]

# Code of an expression that is returned instead of an answer.
NON_ANSWERS = {
    "none": "None",
    "text": "'an answer'",
    "pair of none": "(None, None)",
    "pair of text": "('train', 'test')",
    "object": "object()",
    "exception": "ValueError('returned, not raised')",
    "huge number": "10 ** 5000",
    "empty frame": "pd.DataFrame()",
    "series of objects": "pd.Series([None, {}, object()])",
    "array of objects": "np.array([None, 'a', {}], dtype=object)",
    "recursive list": "_loop()",
    "raises": "1 / 0",
    "exits": "_stop(SystemExit(0))",
    "model of text": "Odd(lambda X: ['dear'] * len(X))",
    "model of nan": "Odd(lambda X: np.full(len(X), np.nan))",
    "model of too few": "Odd(lambda X: np.ones(3))",
    "model of objects": "Odd(lambda X: np.array([object()] * len(X)))",
    "model that raises": "Odd(lambda X: X['no such column'])",
    "trained model and text": "(Odd(lambda X: np.ones(len(X))), 'results')",
}

# Those of a report.
NO_REPORTS = {
    "none": "None",
    "text": "'# A report'",
    "path to nowhere": "Path('/nowhere/report.md')",
    "path of the folder": "Path(args[0])",
    "object": "object()",
    "frame": "pd.DataFrame()",
    "raises": "1 / 0",
}

# Code of an expression that spoils the right answer `found`. Those in MAY_PASS are right answers to some exercise.
SPOILED = {
    "as objects": "each(found, lambda f: f.astype(object))",
    "as text": "each(found, lambda f: f.astype(str))",
    "as categories": "each(found, lambda f: f.astype('category'))",
    "all nan": "each(found, lambda f: f.map(lambda v: float('nan')))",
    "half": "each(found, lambda f: f.iloc[: len(f) // 2])",
    "no rows": "each(found, lambda f: f.iloc[:0])",
    "shuffled values": "each(found, lambda f: f.sample(frac=1, random_state=1).set_axis(f.index))",
    "other index": "each(found, lambda f: f.set_axis([f'row {n}' for n in range(len(f))]))",
    "index of lists": "each(found, lambda f: f.set_axis(pd.MultiIndex.from_product([['a'], range(len(f))])))",
    "no columns": "each(found, lambda f: f.iloc[:, :0] if f.ndim == 2 else f.to_frame())",
    "columns of levels": "each(found, lambda f: pd.concat({'a': f}, axis=1))",
    "columns of nothing": "each(found, lambda f: f.set_axis([None] * f.shape[1], axis=1) if f.ndim == 2 else f)",
    "turned round": "each(found, lambda f: f.T)",
    "lists inside": "each(found, lambda f: f.map(lambda v: [v]))",
    "timedelta": "each(found, lambda f: f.map(lambda v: pd.Timedelta(days=1)))",
}
MAY_PASS = {
    "shuffled values",
    "as objects",
    "as categories",
    "turned round",
    "other index",
    "index of nothing",
    "index of lists",
    "as text",
}
ALL_OF_THEM = ("none",)
ALWAYS_FAIL = ("1.1", "1.3", "1.5", "1.6", "1.7", "1.8")

TOOLS = """

from pathlib import Path
import functools
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin


class Odd(RegressorMixin, BaseEstimator):
    def __init__(self, answer=None):
        self.answer = answer

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return self.answer(X)


def _stop(error):
    raise error


def _loop():
    endless = []
    endless.append(endless)
    return endless


def each(found, spoil):
    if isinstance(found, tuple):
        return tuple(each(one, spoil) for one in found)
    return spoil(found) if isinstance(found, (pd.DataFrame, pd.Series)) else found


def _instead(function):
    @functools.wraps(function)
    def answer(*args, **kwargs):
        {body}
    return answer


for _name in {names}:
    globals()[_name] = _instead(globals()[_name])
"""


@pytest.fixture(scope="module")
def engine(patience: None) -> Iterator[Engine]:
    with Engine(ROOT, jobs=2) as engine:
        yield engine


def submission(folder: Path, body: str, files: list[str]) -> Track:
    """Write the solution with other functions in some of its files."""
    folder.mkdir(parents=True)
    for file, content in solved_files(ROOT, LAB):
        text = reference(content.decode(), file)
        if file in files:
            text += TOOLS.replace("{body}", body).replace("{names}", repr(FUNCTIONS[file]))
        (folder / file).write_text(text, encoding="utf-8")
    return resolve_track(ROOT, str(folder), LAB)


def verdicts(report: Report, name: str) -> list[str]:
    """What must not be: an error of the engine's own, or a failure without a word."""
    return [
        f"{name}: {result.exercise} {result.check} {result.outcome}: {result.message.raw}"
        for result in report.results
        if result.outcome not in ("passed", "failed") or (result.outcome == "failed" and "found:" not in result.message)
    ]


def share(names: list[str], name: str, exercises: list[str]) -> list[str]:
    """Every fourth exercise, other ones for the next answer: all of them for all answers take minutes."""
    return exercises if name in ALL_OF_THEM else exercises[names.index(name) % 4 :: 4]


def batches(answers: dict[str, str]) -> list[object]:
    """The answers in small lots: a test of each lot says which one it was and stays within its time."""
    names = list(answers)
    return [pytest.param(names[start : start + 8], id=names[start]) for start in range(0, len(names), 8)]


@pytest.mark.parametrize("names", batches(NON_ANSWERS))
def test_a_non_answer_fails_with_a_message(names: list[str], engine: Engine, tmp_path: Path) -> None:
    files = [file for file in FUNCTIONS if file != "report.py"]
    found = []
    for name in names:
        track = submission(tmp_path / name, f"return {NON_ANSWERS[name]}", files)
        exercises = share(list(NON_ANSWERS), name, BEFORE_REPORT)
        report = engine.run(LAB, exercises, track)
        failed = {result.exercise for result in report.results if result.outcome == "failed"}
        found += verdicts(report, name) + [f"{name}: {one} passed" for one in exercises if one not in failed]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("names", batches(NO_REPORTS))
def test_a_report_that_is_none_fails_with_a_message(names: list[str], engine: Engine, tmp_path: Path) -> None:
    tracks = [submission(tmp_path / name, f"return {NO_REPORTS[name]}", ["report.py"]) for name in names]
    reports = engine.run_many(LAB, tracks, exercises=["1.9"])
    found = [line for name, report in zip(names, reports, strict=True) for line in verdicts(report, name)]
    for name, report in zip(names, reports, strict=True):
        found += [f"{name}: {result.check} passed" for result in report.results if result.outcome != "failed"]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("names", batches(SPOILED))
def test_a_spoiled_answer_is_no_error(names: list[str], engine: Engine, tmp_path: Path) -> None:
    files = [file for file in FUNCTIONS if file != "report.py"]
    body = "found = function(*args, **kwargs)\n        return {}"
    found = []
    for name in names:
        exercises = share(list(SPOILED), name, list(ALWAYS_FAIL))
        report = engine.run(LAB, exercises, submission(tmp_path / name, body.format(SPOILED[name]), files))
        failed = {result.exercise for result in report.results if result.outcome == "failed"}
        wanted = [] if name in MAY_PASS else exercises
        found += verdicts(report, name) + [f"{name}: {one} passed" for one in wanted if one not in failed]
    assert not found, "\n".join(found)
