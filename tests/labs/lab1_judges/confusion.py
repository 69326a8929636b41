"""Judges a confusion matrix (1.6) by a classifier whose mistakes only the check knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lab1_judges.answers import stays_untrained
from lab1_judges.flowers import feed, judge_fold_sets, refuse_leak
from lab1_judges.samples import Generator, draw_measures, species
from labkit.checks import LabHandle, LearnerError, expect, fail
from mlops_probes.rows import leak

NAMES = ("setosa", "versicolor", "virginica")
Rows = np.ndarray


@dataclass
class Probe:
    """A classifier that says which flowers it was given, and names the species that the check has drawn."""

    measures: pd.DataFrame
    named: list[str]
    trained: list[Rows] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[int, Rows]] = field(default_factory=list)
    problem: dict[str, str] = field(default_factory=dict)
    leak: str = ""

    def on_fit(self, table: Any, labels: Any = None, earlier: Any = None) -> int:
        """Note a training; return its number."""
        rows = self._rows(table)
        self.leak = self.leak or leak(table, rows, np.unique(species(), return_inverse=True)[1])
        try:
            given = np.ravel(np.asarray(labels)).tolist()
        except (TypeError, ValueError):
            given = []
        if len(given) != len(rows):
            self._refuse("the model is trained on the species of its flowers", expect.shown(labels), "")
        kinds = species()
        self.labels.append({kinds[row]: label for row, label in zip(rows, given, strict=True)})
        if any(self.labels[-1][kinds[row]] != label for row, label in zip(rows, given, strict=True)):
            self._refuse("each flower is trained with its own species", "the species do not belong to the rows", "")
        self.trained.append(rows)
        return len(self.trained) - 1

    def on_predict(self, number: Any, table: Any) -> list[Any]:
        """Note which flowers are asked for; name a species for each, in the words of the learner's code."""
        rows = self._rows(table)
        if not isinstance(number, int) or not 0 <= number < len(self.trained):
            self._refuse("the model is trained before it is asked", "it was asked first", "")
        self.asked.append((number, rows))
        words = self.labels[number]
        return [words.get(self.named[row], next(iter(words.values()))) for row in rows]

    def _rows(self, table: Any) -> Rows:
        try:
            values = np.asarray(table, dtype=float)
        except (TypeError, ValueError):
            values = np.empty((0, 0))
        if values.ndim != 2 or not len(values):
            self._refuse("the model gets a table of measures", expect.shown(table), "")
        for name in self.measures:
            for column in values.T:
                rows = pd.Index(self.measures[name].round(6)).get_indexer(column.round(6))
                if (rows >= 0).all():
                    return rows
        self._refuse(
            "the model gets the measures as they are",
            "they were changed before (scaled?)",
            "What learns from data, such as a scaler, belongs into a pipeline with the model: fitted before the split, "
            "it has seen the test flowers.",
        )
        raise AssertionError

    def _refuse(self, expected: str, found: str, help_text: str) -> None:
        self.problem = self.problem or {"expected": expected, "found": found, "help": help_text}
        raise ValueError(f"expected: {expected}; found: {found}")


@dataclass(frozen=True)
class Confusion:
    """One confusion matrix, and what the probe saw."""

    table: Any
    probe: Probe
    is_trained: bool

    @property
    def wanted(self) -> pd.DataFrame:
        """How often each species was named for each species."""
        return _counted(species(), self.probe.named)

    @property
    def tests(self) -> list[Rows]:
        """The flowers that were asked for after each training, without its own."""
        probe = self.probe
        tests = []
        for number, trained in enumerate(probe.trained):
            asked = [rows for which, rows in probe.asked if which == number]
            unseen = np.setdiff1d(np.concatenate(asked), trained) if asked else np.empty(0, dtype=int)
            tests += [unseen] if len(unseen) else []
        return tests


def _counted(true: Any, named: Any) -> pd.DataFrame:
    """How often each species was named for each species."""
    counts = pd.crosstab(pd.Series(true, name="true"), pd.Series(named, name="predicted"))
    return counts.reindex(index=NAMES, columns=NAMES, fill_value=0)


def count(lab: LabHandle, rng: Generator, seed: int, never: str = "") -> Confusion:
    """Let the learner's code count the mistakes of a probe, more of some sorts than of others.

    `never` is a species that it names for no flower.
    """
    measures = draw_measures(rng)
    other = next(name for name in NAMES if name != never)
    probe = Probe(measures, [other if name == never else name for name in _draw_names(rng)])
    # Functions, not methods: `clone` would copy the object behind a method.
    callbacks = (lambda *given: probe.on_fit(*given), lambda *given: probe.on_predict(*given))
    model = lab.make("mlops_probes.spies:ProbeClassifier", *callbacks)
    try:
        with feed(lab, measures=measures):
            table = lab.iris.confusion(model, seed=seed)
        return Confusion(table, probe, not model.lacks("fit_"))
    except LearnerError:
        if probe.problem:
            fail(**probe.problem)
        raise


def _draw_names(rng: Generator) -> list[str]:
    """Name a species for each flower: each of the nine counts is another number."""
    wrong = rng.permutation([2, 4, 6, 9, 12, 15])
    named: list[str] = []
    for place, kind in enumerate(NAMES):
        others = [name for name in NAMES if name != kind]
        names = [others[0]] * int(wrong[2 * place]) + [others[1]] * int(wrong[2 * place + 1])
        names += [kind] * (50 - len(names))
        named += [names[number] for number in rng.permutation(50)]
    return named


def judge_unseen(found: Confusion) -> None:
    """Fail where a flower is counted that the model was trained on, or not each flower is counted once."""
    probe = found.probe
    refuse_leak(probe.leak)
    if not found.tests:
        fail(
            expected="each flower is named by a copy of `model` that was not trained on it",
            found="the model was asked for its own training flowers" if probe.asked else "the model was never asked",
            help="A model knows its training data by heart: use predictions from the folds (`cross_val_predict`).",
        )
    times = np.bincount(np.concatenate(found.tests), minlength=150)
    expect.that(
        (times == 1).all(),
        expected="each of the 150 flowers is named once, by a model that was not trained on it",
        found=f"{int((times == 0).sum())} are never named so, {int((times > 1).sum())} more than once",
        help="Each fold's model names the flowers of its own fold, and no others (`cross_val_predict` does it).",
    )
    table = square(found)
    total = table.to_numpy().sum()
    expect.that(
        abs(total - 150) < 1e-6,
        expected="the table counts 150 flowers",
        found=f"its sum is {total:.6g}",
        help="Count flowers: no shares, no row or column of sums, each flower once.",
    )


def judge_untrained(found: Confusion) -> None:
    """Fail where the model that was passed in was trained, and not copies of it."""
    stays_untrained(found.is_trained, "train a `clone(model)` in each fold, as `cross_val_predict` does.")


def square(found: Confusion) -> pd.DataFrame:
    """Return the table with the three species on both sides; fail where it has other names or no numbers."""
    table = expect.frame(found.table, "`confusion(…)`")
    for side, names in (("rows", table.index), ("columns", table.columns)):
        unknown = [str(name) for name in names if str(name) not in NAMES]
        if unknown or len(names) != len({str(name) for name in names}):
            fail(
                expected=f"the {side} are named after the species: {', '.join(NAMES)}",
                found=f"{', '.join(str(name) for name in names[:6])}",
                help="Without names nobody knows what was taken for what. Give the frame `index=` and `columns=`.",
            )
    columns = [expect.array(table.iloc[:, place], "a column of `confusion(…)`") for place in range(table.shape[1])]
    labels = [[str(name) for name in names] for names in (table.columns, table.index)]
    numbers = pd.DataFrame(dict(zip(labels[0], columns, strict=True)), index=labels[1])
    for side, there in zip(("columns", "rows"), labels, strict=True):
        lost = [name for name in NAMES if name not in there]
        expect.that(
            not lost,
            expected=f"the {side} are the three species: {', '.join(NAMES)}",
            found=f"no {', '.join(lost)}",
            help="A species that the model never names has its column, too: give the names to `confusion_matrix` "
            "(`labels=`) or to `reindex`.",
        )
    return numbers.reindex(index=NAMES, columns=NAMES, fill_value=0).fillna(0)


def judge_sides(found: Confusion) -> None:
    """Fail where a count stands in another place than it should."""
    table, wanted = square(found), found.wanted
    if np.allclose(table, wanted):
        return
    if not found.tests:
        judge_unseen(found)
    help_text = "Count how often each species (row) was taken for each species (column)."
    if np.allclose(table, wanted.T):
        help_text = (
            "Rows and columns are swapped: the true species goes first, as in `confusion_matrix(true, predicted)`."
        )
    elif np.allclose(table, _counted(species(), np.array(found.probe.named)[np.concatenate(found.tests)])):
        help_text = (
            "The predictions are joined fold after fold, the species are in the order of the file: put each prediction "
            "at the place of its flower, as `cross_val_predict` does."
        )
    elif np.allclose(table.sum(axis=1), 1) or np.allclose(table.sum(axis=1), 100):
        help_text = "These are shares: count flowers (no `normalize`)."
    fail(
        expected="rows are the true species, columns the predicted ones: "
        + "; ".join(f"{name} {', '.join(str(n) for n in wanted.loc[name])}" for name in NAMES),
        found="; ".join(f"{name} {', '.join(f'{n:.4g}' for n in table.loc[name])}" for name in NAMES),
        help=help_text,
    )


def judge_seed(first: Confusion, again: Confusion, other: Confusion) -> None:
    """Fail where the folds are not shuffled by the seed, or not stratified."""
    if not first.tests:
        judge_unseen(first)
    judge_fold_sets(first.tests, "`StratifiedKFold(5, shuffle=True, random_state=seed)` does both")
    sets = [{test.tobytes() for test in one.tests} for one in (first, again, other)]
    expect.that(
        sets[0] == sets[1],
        expected="the same `seed` gives the same folds",
        found="other folds the second time",
        help="Pass the seed on to the splitter (`random_state=seed`).",
    )
    expect.that(
        sets[0] != sets[2],
        expected="another `seed` gives other folds",
        found="the same folds",
        help="Shuffle, and pass the seed on: `StratifiedKFold(5, shuffle=True, random_state=seed)`.",
    )
