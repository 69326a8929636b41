"""Judges a comparison of classifiers (1.5): on which flowers each model was trained and judged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from lab1_judges.recording import Part, events, parts_of, recording
from lab1_judges.samples import Generator, draw_measures, species
from labkit.checks import LabHandle, LearnerError, LearnerFault, expect, fail

ROUNDED = 6e-4
COLUMNS = ("accuracy_mean", "accuracy_std")
ENSEMBLES = ("BaseForest", "BaseGradientBoosting", "BaseHistGradientBoosting", "BaseBagging", "BaseWeightBoosting")
DUMMY_WORDS = ("dummy", "baseline", "majority", "most frequent", "chance")
OTHER_WORDS = {
    "LinearDiscriminantAnalysis": ("linear discriminant", "lda"),
    "QuadraticDiscriminantAnalysis": ("quadratic discriminant", "qda"),
    "NeighborsBase": ("neighb", "knn"),
    "BaseLibSVM": ("svc", "svm", "support vector"),
    "LinearSVC": ("svc", "svm", "support vector"),
    "_BaseNB": ("naive", "bayes"),
    "BaseDecisionTree": ("a decision tree", "one decision tree", "single decision tree"),
    "BaseBagging": ("bagging", "bagged"),
    "VotingClassifier": ("voting", "vote"),
    "StackingClassifier": ("stack",),
}
"""Which class a row is about whose name has such a word, where a model of that class was judged at all."""
LOGISTIC_WORDS = ("logistic", "logit", "logreg")
SHUFFLE = "The file is sorted by species: shuffle the folds and keep the share of each species in every fold ({how})."
REPEATED = "`RepeatedStratifiedKFold` does both, and repeats"
LEAKS = {
    "the class": "The answer is among the questions: drop `species`, and whatever was made from it, before training.",
    "the row number": "The file is sorted by species, so the row number gives the species away: leave it out.",
}


@dataclass(frozen=True)
class Comparison:
    """One comparison: its table, and the models that were recorded."""

    table: Any
    parts: list[Part]

    @property
    def models(self) -> dict[int, list[Part]]:
        """The parts of each model that was judged on flowers that it had not seen."""
        models: dict[int, list[Part]] = {}
        for part in self.parts:
            if len(part.unseen):
                models.setdefault(part.candidate, []).append(part)
        return models


@contextlib.contextmanager
def feed(lab: LabHandle, **data: Any) -> Iterator[None]:
    """Give the learner's code other data than the files of the course."""
    feeder = lab.make("mlops_probes.prepare:Feed", lab._package, **data)
    try:
        yield
    finally:
        with contextlib.suppress(LearnerFault):
            feeder.stop()


def compare(lab: LabHandle, rng: Generator, seed: int) -> Comparison:
    """Let the learner's code compare on flowers that can be told apart. Only the dummy is really trained."""
    measures = draw_measures(rng)
    errors = (0.02 + 0.02 * rng.permutation(12)).tolist()
    options = {"untrained": True, "errors": errors, "noise": rng.uniform(size=len(measures)).tolist()}
    with contextlib.suppress(LearnerError):
        found = _compare(lab, measures, seed, options)
        if found is not None:
            return found
    found = _compare(lab, measures, seed, {})
    assert found is not None
    return found


def _compare(lab: LabHandle, measures: pd.DataFrame, seed: int, options: dict[str, Any]) -> Comparison | None:
    options = {"searches": False, **options}
    with feed(lab, measures=measures), recording(lab, measures, classes=species(), **options) as recorder:
        table = lab.iris.compare_classifiers(seed=seed)
        if recorder.attr("trouble"):
            return None
        return Comparison(table, parts_of(events(recorder)))


def judge_table(found: Comparison) -> None:
    """Fail where the table has other rows or columns, or numbers that are no accuracies."""
    table = expect.frame(found.table, "`compare_classifiers(…)`", columns=COLUMNS)
    for name in COLUMNS:
        values = expect.array(table[name], f"`{name}`")
        expect.that(
            ((values >= 0) & (values <= 1)).all(),
            expected=f"`{name}` is a fraction between 0 and 1",
            found=f"values from {values.min():.4g} to {values.max():.4g}" if len(values) else "no values",
        )
    names = [str(name).lower() for name in table.index]
    expect.that(
        all(isinstance(name, str) for name in table.index) and len(set(names)) == len(names),
        expected="the index holds the name of each model, once",
        found=f"the index is {', '.join(names[:5])}",
    )
    judge_models(found, names)
    expect.that(
        len(table) > 2, expected="the table has a row for each of three models, at least", found=f"{len(table)} rows"
    )


def judge_models(found: Comparison, names: list[str]) -> None:
    """Fail where one of the three kinds of models is missing."""
    if not found.parts:
        fail(
            expected="classifiers are trained on the iris data",
            found="none was trained",
            help="A table that somebody typed is wrong the next time anything changes: compute it.",
        )
    classes = set().union(*(part.names for part in found.parts))
    accuracy = expect.array(found.table["accuracy_mean"], "`accuracy_mean`")
    knows_nothing = bool(((accuracy > 0.2) & (accuracy < 0.47)).any())
    kinds = {
        "a dummy": "DummyClassifier" in classes or _any(names, DUMMY_WORDS) or knows_nothing,
        "logistic regression": "LogisticRegression" in classes,
        "a tree ensemble": bool(classes & set(ENSEMBLES)),
    }
    missing = [kind for kind, there in kinds.items() if not there]
    if missing:
        fail(
            expected="a dummy, logistic regression and a tree ensemble are compared, at least",
            found=f"{' and '.join(missing)} is missing among {', '.join(names)}",
        )


def _any(names: list[str], words: tuple[str, ...]) -> bool:
    return any(word in name for name in names for word in words)


def judge_dummy(found: Comparison) -> None:
    """Fail where no model is as bad as somebody who knows nothing, or where nothing was trained."""
    judge_table(found)
    accuracy = expect.array(found.table["accuracy_mean"], "`accuracy_mean`")
    dummies = [_any([str(name).lower()], DUMMY_WORDS) for name in found.table.index]
    lowest = accuracy[dummies].min() if any(dummies) else accuracy.min()
    # A dummy that draws says the same in each fold, if it is seeded, and may be lucky.
    draws = any("DummyClassifier" in part.names for part in found.parts)
    expect.that(
        0.02 < lowest < 0.75 if draws else 0.2 < lowest < 0.47,
        expected="the dummy is right for about a third of the flowers: there are three species, 50 flowers each",
        found=f"its accuracy is {lowest:.3f}",
        help="A dummy far from a third says that the folds are not stratified, or that it is no dummy.",
    )


def judge_folds(found: Comparison) -> None:
    """Fail where the folds are not shuffled, stratified and repeated."""
    if not found.models:
        judge_dummy(found)
        fail(
            expected="each model is judged on flowers that it was not trained on",
            found="all were judged on their training data, or not at all",
            help="A score on training data says how well the model remembers.",
        )
    for parts in found.models.values():
        judge_fold_sets([part.unseen for part in parts], REPEATED)
        tests = {part.unseen.tobytes() for part in parts}
        times = np.bincount(np.concatenate([np.frombuffer(test, dtype=np.int64) for test in tests]), minlength=150)
        expect.that(
            times.max() > 1,
            expected="the folds are drawn several times, each time anew",
            found="each flower is judged once only" if len(parts) == len(tests) else "each repeat has the same folds",
            help="30 flowers in a fold are few: how they fall decides about 2 to 3 points of accuracy. Repeat with "
            "other folds (`RepeatedStratifiedKFold`).",
        )
    judge_same_folds(found)


def judge_same_folds(found: Comparison) -> None:
    """Fail where one model is judged on other folds than the next."""
    folds = {frozenset(part.unseen.tobytes() for part in parts) for parts in found.models.values()}
    expect.that(
        len(folds) < 2,
        expected="every model is judged on the same folds",
        found=f"{len(folds)} different sets of folds for {len(found.models)} models",
        help="Easy folds for one model and hard ones for another are no fair comparison: give the splitter a fixed "
        "`random_state`, and use it for all.",
    )


def judge_fold_sets(tests: list[np.ndarray], how: str) -> None:
    """Fail where flowers were not shuffled before they were dealt out, or a species is rarer in some folds.

    `how` says which splitter of scikit-learn does it.
    """
    kinds = np.repeat([0, 1, 2], 50)
    counts = np.array([np.bincount(kinds[test], minlength=3) for test in tests])
    runs = [test for test in tests if len(test) > 3]
    in_file_order = bool(runs) and all((np.diff(test)[np.diff(kinds[test]) == 0] == 1).all() for test in runs)
    if in_file_order:
        fail(
            expected="the flowers are shuffled before they are dealt out to folds",
            found="the folds are cut in the order of the file"
            + (": some hold one species only" if (counts == 0).any() else ""),
            help=SHUFFLE.format(how=how),
        )
    if (np.ptp(counts, axis=1) > 2).any():
        worst = counts[np.argmax(np.ptp(counts, axis=1))]
        fail(
            expected="each fold is stratified: it has about as many flowers of one species as of another",
            found=f"a fold has {worst[0]}, {worst[1]} and {worst[2]} flowers of the three species",
            help=SHUFFLE.format(how=how),
        )


def judge_leaks(found: Comparison) -> None:
    """Fail where a column gives the species away."""
    judge_dummy(found)
    for part in found.parts:
        refuse_leak(part.leak)


def refuse_leak(leak: str) -> None:
    """Fail where something was found that gives the species away."""
    if leak:
        fail(
            expected="the models learn from the four measures",
            found=f"a column of their table is {leak.replace('class', 'species')}",
            help=LEAKS.get(leak, ""),
        )


def judge_inside(found: Comparison) -> None:
    """Fail where a scaler has seen the flowers that a model is judged on."""
    for part in found.parts:
        seen = len(np.intersect1d(part.shaped_by, part.unseen))
        if seen or part.scaled:
            fail(
                expected="a scaler learns from the training flowers of each fold only",
                found=f"the measures have {part.scaled}"
                if part.scaled
                else f"it was fitted on {seen} flowers of the test fold",
                help="A scaler that was fitted before the split has seen the test flowers: put it into a pipeline with "
                "the model (`make_pipeline(StandardScaler(), …)`).",
            )


def judge_accuracy(found: Comparison) -> None:
    """Fail where the table says something else than the predictions of the folds."""
    judge_dummy(found)
    scores = {candidate: [_accuracy(part) for part in parts] for candidate, parts in found.models.items()}
    known = {candidate: np.array(values, dtype=float) for candidate, values in scores.items() if None not in values}
    if len(known) < len(scores) or not known:
        return
    training = {
        candidate: np.array([_trained_accuracy(part) for part in parts], dtype=float)
        for candidate, parts in found.models.items()
    }
    means = expect.array(found.table["accuracy_mean"], "`accuracy_mean`")
    stds = expect.array(found.table["accuracy_std"], "`accuracy_std`")
    for name, mean, std in zip(found.table.index, means, stds, strict=True):
        candidates = _candidates(found, str(name).lower())
        fitting = [known[candidate] for candidate in candidates]
        near = _of_mean(fitting, mean)
        if not near:
            # The model's own: that of another one may be 1, as may be its score on the test folds.
            remembered = _of_mean([training[candidate] for candidate in candidates], mean, within=1e-6)
            taken = _of_mean(known.values(), mean)
            scored = _of_mean(_f1_scores(found), mean)
            fail(
                expected=f"`accuracy_mean` of {name} is the mean over its test folds: {_list(fitting)}",
                found=f"{mean:.4f}",
                help="This is the accuracy on training data, or that of another model: take the mean over all test "
                "folds, and give each row the name of its model." if remembered and taken
                else "This is the accuracy on training data: look at the test folds." if remembered
                else "This is the F1 score. Accuracy is the share of flowers that are named rightly." if scored
                else "Take the mean over all test folds of all repeats, and give each row the name of its model.",
            )  # fmt: skip
        spreads = [values.std(ddof=ddof) for values in near for ddof in (0, 1)]
        expect.that(
            any(abs(std - spread) < ROUNDED for spread in spreads),
            expected=f"`accuracy_std` of {name} is the standard deviation over all its {len(near[0])} test folds: "
            f"{spreads[0]:.4f}",
            found=f"{std:.4f}",
            help="All folds of all repeats: no mean of a repeat, no error of the mean.",
        )


def _of_mean(scores: Iterable[np.ndarray], mean: float, within: float = ROUNDED) -> list[np.ndarray]:
    """Those of some scores that have this mean, up to rounding. NaN, which stands for a score not known, has none."""
    return [values for values in scores if abs(values.mean() - mean) < within]


def _list(known: list[np.ndarray]) -> str:
    return " or ".join(f"{values.mean():.4f}" for values in known[:6])


def _candidates(found: Comparison, name: str) -> list[int]:
    """The models that a row of this name can be about: those of a class that the name says, else all."""
    wanted = [
        *(["LogisticRegression"] if _any([name], LOGISTIC_WORDS) else []),
        *(["BaseForest"] if "forest" in name else []),
        *(["BaseHistGradientBoosting", "BaseGradientBoosting", "BaseWeightBoosting"] if "boost" in name else []),
    ]
    models = found.models
    if "dummy" in name and any("DummyClassifier" in parts[0].names for parts in models.values()):  # else one's own
        wanted.append("DummyClassifier")
    if not wanted:
        there = set().union(*(parts[0].names for parts in models.values()))
        wanted = [kind for kind, words in OTHER_WORDS.items() if kind in there and _any([name], words)]
    return [candidate for candidate, parts in models.items() if not wanted or parts[0].names & set(wanted)]


def _accuracy(part: Part) -> float | None:
    """The share of unseen flowers that were named rightly, as far as it was recorded."""
    for use in part.asked:
        if use["rows"] is None or len(np.setdiff1d(use["rows"], part.unseen)):
            continue
        value = _value(use, part)
        if value is not None:
            return value
    return None


def _f1_scores(found: Comparison) -> list[np.ndarray]:
    """The F1 score (macro mean) of each model in each of its test folds, NaN where its answers are not known."""
    return [np.array([_f1(part) for part in parts], dtype=float) for parts in found.models.values()]


def _f1(part: Part) -> float:
    kinds = species()
    for use in part.asked:
        answer, rows = use.get("answer"), use["rows"]
        if rows is None or not isinstance(answer, list) or len(answer) != len(rows) or not part.classes:
            continue
        if not len(np.setdiff1d(rows, part.unseen)):
            true = [str(part.classes.get(kinds[row])) for row in rows]
            return float(f1_score(true, [str(one) for one in answer], average="macro"))
    return float("nan")


def _trained_accuracy(part: Part) -> float:
    for use in part.asked:
        if use["rows"] is not None and part.trained is not None and np.isin(use["rows"], part.trained).all():
            return _value(use, part) or np.nan
    return 1.0


def _value(use: dict[str, Any], part: Part) -> float | None:
    if isinstance(use.get("value"), float):
        return float(use["value"])
    answer, kinds = use.get("answer"), species()
    if not isinstance(answer, list) or len(answer) != len(use["rows"]) or not part.classes:
        return None
    right = [str(part.classes.get(kinds[row])) == str(named) for row, named in zip(use["rows"], answer, strict=True)]
    return float(np.mean(right))


def judge_seed(first: Comparison, again: Comparison, other: Comparison) -> None:
    """Fail where the seed does not decide about the folds."""
    folds = [
        {part.unseen.tobytes() for parts in one.models.values() for part in parts} for one in (first, again, other)
    ]
    expect.that(
        folds[0] == folds[1],
        expected="the same `seed` gives the same folds",
        found="other folds the second time",
        help="Pass the seed on to the splitter (`random_state=seed`).",
    )
    expect.that(
        folds[0] != folds[2],
        expected="another `seed` gives other folds",
        found="the same folds",
        help="Pass the seed on to the splitter (`random_state=seed`).",
    )
