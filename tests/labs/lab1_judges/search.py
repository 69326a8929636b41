"""Judges a search (1.4): which rows each candidate was trained and validated on, and what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab1_judges.answers import looked_at
from lab1_judges.recording import Part, events, parts_of, recording, remembered, untrained
from lab1_judges.samples import KEYS, Generator, draw_sales
from labkit.checks import LabHandle, LearnerError, expect, fail

RESULTS = ("rmse", "rmse_std")
MEAN_ERROR = "This is the mean absolute error (MAE). RMSE squares the errors first: `neg_root_mean_squared_error`."
ROOT_OF_MEAN = (
    "This is the root of the mean square over the folds. Take the root in each fold, then the mean of the roots."
)
UNCHANGED = (
    "`inplace=True`, or an assignment to a column of `sales`, changes the caller's table: work on a copy "
    "(`sort_values` makes one)."
)


@dataclass(frozen=True)
class Search:
    """One search.

    `after` is the table of sales after the call, `parts` are the recorded trainings, `settings` and `names` (class and
    settings as text) those of each candidate, `about` says what the returned model has learned from, and `options`
    how far candidates are off.
    """

    lab: LabHandle
    sales: pd.DataFrame
    n_candidates: int
    seed: int
    answer: Any
    after: Any
    parts: list[Part]
    settings: list[dict[str, str]]
    names: list[str]
    built: dict[str, str]
    about: dict[str, Any]
    options: dict[str, Any]

    @property
    def validated(self) -> list[Part]:
        """The trainings that were judged on rows that they had not seen."""
        return [part for part in self.parts if len(part.unseen)]

    @property
    def tried(self) -> set[int]:
        """The numbers of the candidates that were validated."""
        return {part.candidate for part in self.validated}

    @property
    def tried_settings(self) -> set[str]:
        """The classes and settings of the candidates that were validated, as text."""
        return {self.names[number] for number in self.tried}


def search(lab: LabHandle, sales: pd.DataFrame, rng: Generator, *, n_candidates: int, seed: int) -> Search:
    """Let the learner's code search. Its models are not really trained, unless it needs what only training gives."""
    try:
        found = _search(lab, sales, n_candidates, seed, untrained(rng, len(sales)))
        if found is not None:
            return found
    except LearnerError:
        pass
    found = _search(lab, sales, n_candidates, seed, {})
    assert found is not None
    return found


def _search(
    lab: LabHandle, sales: pd.DataFrame, n_candidates: int, seed: int, options: dict[str, Any]
) -> Search | None:
    prices = sales["price"].astype(float).tolist()
    given = {"n_candidates": n_candidates, "seed": seed}
    with recording(lab, sales[KEYS], prices=prices, **options) as recorder:
        answer, after = looked_at(lab, "house_price", "tune_model", sales, **given)
        if recorder.attr("trouble"):
            return None
        model = answer[0] if isinstance(answer, (tuple, list)) and answer else None
        about = recorder.about(model)
        settings = [dict(one) for one in recorder.attr("settings")]
        names = [str(name) for name in recorder.attr("candidates")]
        parts = parts_of(events(recorder))
        built = lab.make("mlops_probes.estimators:settings_of", lab.house_price.build_model())
    built = {str(name): str(value) for name, value in built.items()} if isinstance(built, dict) else {}
    return Search(lab, sales, n_candidates, seed, answer, after, parts, settings, names, built, about, options)


def draw_search(lab: LabHandle, rng: Generator) -> Search:
    """One search of a few candidates on real sales."""
    sales = draw_sales(rng, 150, sold_twice=10)
    return search(lab, sales, rng, n_candidates=int(rng.integers(3, 6)), seed=int(rng.integers(1000)))


def judge_time(found: Search) -> None:
    """Fail where a candidate was trained on sales that are later than those it was validated on."""
    if any(part.trained is None for part in found.parts):
        _fail_changed()
    if not found.validated:
        fail(
            expected="each candidate is validated on sales that it was not trained on",
            found="no model was asked for other rows than those it was trained on"
            if found.parts
            else "no model was trained",
            help="A candidate that is judged on its training data wins by remembering.",
        )
    days = found.sales["date"].to_numpy()
    for part in found.validated:
        _judge_overlap(found, part)
        if days[part.trained].max() > days[part.unseen].min():
            early = pd.Timestamp(days[part.unseen].min()).date()
            late = pd.Timestamp(days[part.trained].max()).date()
            fail(
                expected="each candidate is validated on sales that are later than those it was trained on",
                found=f"a candidate was trained on sales up to {late} and validated on sales from {early} on",
                help="The validation mixes past and future: it picks the settings that are best at knowing the future. "
                "Sort by `date` first (the file is not sorted), then `TimeSeriesSplit`, or a cut by date.",
            )
        if len(np.intersect1d(part.shaped_by, part.unseen)):
            _fail_changed()


def judge_unchanged(found: Search) -> None:
    """Fail where the caller's table is another one after the search."""
    expect.that(
        isinstance(found.after, pd.DataFrame) and found.after.equals(found.sales),
        expected="`sales` is the same after the call as before",
        found="it was changed",
        help=UNCHANGED,
    )


def _judge_overlap(found: Search, part: Part) -> None:
    """Fail where a model is judged on seen and unseen sales in one go (all sales in one go may be cut afterwards)."""
    for use in part.asked:
        rows = use["rows"]
        if rows is None or part.trained is None or len(np.unique(rows)) == len(found.sales):
            continue
        seen = int(np.isin(rows, part.trained).sum())
        expect.that(
            seen in (0, len(rows)),
            expected="the sales for validation are other sales than those for training",
            found=f"{seen} of {len(rows)} sales for validation were trained on as well",
            help="Training and validation overlap: cut once, and give each sale to one side only.",
        )


def _fail_changed() -> None:
    fail(
        expected="each candidate gets the raw sales",
        found="something outside the estimator was fitted on all rows, those for validation too",
        help="What learns (scaling, encoding) belongs into the estimator: fitted before the split, it has seen the "
        "validation rows.",
    )


def judge_candidates(found: Search) -> None:
    """Fail where another number of candidates was tried, or the table does not show each with its settings."""
    table = expect.frame(expect.pair(found.answer, "`tune_model(…)`", names=("best_model", "results"))[1], "`results`")
    tried = len(found.tried_settings)
    # Two of them may be alike by chance, where a space is small.
    expect.that(
        found.n_candidates - 1 <= tried <= found.n_candidates and tried >= 2,
        expected=f"n_candidates={found.n_candidates} tries {found.n_candidates} different settings",
        found=f"{tried} were validated",
        help="A search compares: pass `n_candidates` on to it, and let the settings differ.",
    )
    expect.that(
        len(table) == found.n_candidates,
        expected=f"`results` has a row for each of the {found.n_candidates} candidates",
        found=f"{len(table)} rows",
        help="Keep the losers too: the table shows whether the choice mattered.",
    )
    results_of(found)
    for number in sorted(found.tried):
        expect.that(
            _row_of(found, table, number) is not None,
            expected=f"`results` shows the settings of each candidate: {_varied(found, number)}",
            found=f"no row with these in its columns {', '.join(str(name) for name in table.columns[:12])}",
            help="One column per setting that is searched, one row per candidate.",
        )


def judge_many(lab: LabHandle, rng: Generator) -> None:
    """Fail where a search of more candidates than the default ends before them. Which of them are alike is open."""
    found = search(lab, draw_sales(rng, 60), rng, n_candidates=30, seed=int(rng.integers(1000)))
    rows = len(results_of(found))
    expect.that(
        rows == found.n_candidates,
        expected=f"`results` has a row for each of the {found.n_candidates} candidates that were asked for",
        found=f"{rows} rows",
        help="A space of lists has as many settings as their lengths multiplied, and scikit-learn only warns where "
        "these are fewer. Give distributions, or more values.",
    )


def judge_settings(found: Search) -> None:
    """Fail where a candidate is another model than `build_model()` with other settings."""
    for number in sorted(found.tried):
        mine, varied = found.settings[number], _varied(found, number)
        other = [name for name in {*mine, *found.built} - {*varied} if mine.get(name) != found.built.get(name)]
        # What was set to one value for all candidates is a setting, too.
        expect.that(
            set(mine) == set(found.built) and len(other) < 10,
            expected="each candidate is `build_model()` with other settings",
            found=f"one of another make: {found.names[number][:120]}",
            help="`build_model().set_params(**settings)`: what is tuned is the model that goes into service.",
        )


def results_of(found: Search) -> pd.DataFrame:
    """The table that came back."""
    _, results = expect.pair(found.answer, "`tune_model(…)`", names=("best_model", "results"))
    return expect.frame(results, "`results`", columns=("rmse", "rmse_std"))


def _varied(found: Search, number: int) -> dict[str, str]:
    """The settings of a candidate that are not the same for all."""
    tried = [found.settings[one] for one in found.tried]
    mine = found.settings[number]
    return {name: value for name, value in mine.items() if len({one.get(name) for one in tried}) > 1}


def _row_of(found: Search, table: pd.DataFrame, number: int) -> int | None:
    """The row of `results` that holds the settings of a candidate."""
    varied = _varied(found, number)
    for place in range(len(table)):
        cells = [value for name, value in zip(table.columns, table.iloc[place], strict=True) if "rmse" not in str(name)]
        if all(any(_is_setting(cell, text) for cell in cells) for text in varied.values()):
            return place
    return None


def _is_setting(cell: Any, text: str) -> bool:
    """Whether a cell of the table holds the setting that is written so. What is no number or word cannot be told."""
    if text == "None":  # beside numbers pandas writes it as NaN
        return cell is None or cell != cell or str(cell) == text
    try:
        wanted = float(text)
    except ValueError:
        return str(cell) == text.strip("'") or not text.strip("'").isalnum()
    try:
        return bool(np.isclose(float(cell), wanted, rtol=1e-3))
    except (TypeError, ValueError, OverflowError):
        return False


def judge_errors(found: Search) -> None:
    """Fail where `rmse` and `rmse_std` of a candidate are not those of its validation folds."""
    judge_labels(found)
    table = results_of(found)
    values, spreads = (expect.array(table[name], f"`{name}` of `results`", finite=name == "rmse") for name in RESULTS)
    expected = "`rmse` of `results` is the error of each candidate in dollars, on sales that it was not trained on"
    # The errors of these candidates are tens to hundreds of thousands; their squares are above 1e8.
    expect.that(
        len(values) > 0 and values.min() > 500 and values.max() < 1e8,
        expected=expected,
        found=f"{values.min():,.6g} to {values.max():,.6g}" if len(values) else "no values",
        help="Negative: scikit-learn's scores are negative errors, turn them round. Tiny: log dollars, R² or training "
        "data. Huge: the square (MSE), without its root.",
    )
    absolute = _errors_of_candidates(found, lambda missed: float(np.mean(np.abs(missed))))
    for number, errors in sorted(_errors_of_candidates(found).items()):
        row, mean = _row_of(found, table, number), float(np.mean(errors))
        if row is None:
            judge_candidates(found)
            continue
        which = ", ".join(f"{name.rpartition('__')[2]} {value[:6]}" for name, value in _varied(found, number).items())
        mistakes = {MEAN_ERROR: np.mean(absolute[number]), ROOT_OF_MEAN: np.sqrt(np.mean(np.square(errors)))}
        expect.that(
            np.isclose(values[row], mean, rtol=1e-4),
            expected=f"{expected}; mean over {len(errors)} folds for {which[:200]}: {mean:,.0f}",
            found=f"{values[row]:,.0f}",
            help=next((text for text, other in mistakes.items() if np.isclose(values[row], other, rtol=1e-4)), "")
            or "Score each candidate on its validation folds (`mean_test_score`, not `mean_train_score`), and take "
            "the mean over the folds. Does each row have its own settings?",
        )
        wanted = [float(np.std(errors)), *([float(np.std(errors, ddof=1))] if len(errors) > 1 else [])]
        expect.that(
            any(np.isclose(spreads[row], one, rtol=1e-3, atol=0.51) for one in wanted)
            or (len(errors) == 1 and np.isnan(spreads[row])),
            expected=f"`rmse_std` is the standard deviation over the {len(errors)} folds, for {which[:200]}: "
            f"{wanted[0]:,.0f}",
            found=f"{spreads[row]:,.0f}",
            help="In dollars, as `rmse`, of the validation folds (`std_test_score`).",
        )


def _rmse(missed: np.ndarray) -> float:
    return float(np.sqrt(np.mean(missed**2)))


def _errors_of_candidates(found: Search, measure: Callable[[np.ndarray], float] = _rmse) -> dict[int, list[float]]:
    """The RMSE (USD) of each candidate in each of its folds; nothing where one is not known."""
    errors: dict[int, list[float]] = {}
    prices = found.sales["price"].to_numpy(dtype=float)
    for part in found.validated:
        known: list[float] = []
        judged = np.empty(0, dtype=int)
        for use in part.asked:
            rows, predicted = use["rows"], use.get("predicted")
            if rows is not None and isinstance(predicted, np.ndarray) and len(predicted) == len(rows):
                unseen = np.isin(rows, part.unseen)
                # One training may be validated on several months; who asks for the same sales again scores once more.
                if unseen.any() and not np.isin(rows[unseen], judged).any():
                    known.append(measure((prices[rows] - predicted)[unseen]))
                    judged = np.append(judged, rows[unseen])
        if not known:
            return {}
        errors.setdefault(part.candidate, []).extend(known)
    return errors


def judge_best(found: Search) -> None:
    """Fail where the returned model is not the best candidate, trained on all the sales."""
    model, _ = expect.pair(found.answer, "`tune_model(…)`", names=("best_model", "results"))
    expect.handle(model, "`best_model`", methods=["fit", "predict"])
    rows, trained = found.about.get("rows"), found.about.get("trained")
    help_text = "The folds have done their work when the settings are chosen: train those once more, on all the sales."
    expected = f"`best_model` is trained on all {len(found.sales)} sales that were given"
    if not trained:
        fail(expected=expected, found="it is not trained", help=help_text)
    if rows is None:
        fail(expected=expected, found="it was trained on something else than rows of `sales`", help=help_text)
    seen = len(np.unique(rows))
    expect.that(seen == len(found.sales), expected=expected, found=f"it has seen {seen} of them", help=help_text)
    judge_labels(found)
    judge_candidate(found)
    judge_choice(found)


def judge_labels(found: Search) -> None:
    """Fail where a model was trained on prices that belong to other sales."""
    for part in found.parts:
        if part.matches is not None and part.trained is not None and len(part.trained) > 60:
            expect.that(
                part.matches > 0.5,
                expected="a model is trained on the price of each sale",
                found=f"the prices that it was given belong to other sales (rank correlation {part.matches:.2f})",
                help="Was only one of the two sorted? Sort the table once, and take the columns and `price` from it.",
            )


def judge_candidate(found: Search) -> None:
    """Fail where the returned model has settings that no candidate had. Which other parts it has is open."""
    chosen = found.about.get("candidate")
    if not found.tried or chosen in found.tried or not isinstance(chosen, int):
        return
    tried = [found.settings[number] for number in sorted(found.tried)]
    names = [name for name in tried[0] if len({one.get(name) for one in tried}) > 1]
    mine = {name: found.settings[chosen].get(name) for name in names}
    if not names or None in mine.values() or mine in [{name: one.get(name) for name in names} for one in tried]:
        return
    shown = ", ".join(f"{name.rpartition('__')[2]}={value}" for name, value in mine.items())
    fail(
        expected="`best_model` has the settings of the best candidate",
        found=f"settings that no candidate had: {shown[:300]}",
        help="A search finds settings; the model that comes back must have them (`best_estimator_`, or "
        "`set_params(**best_params)` before `fit`).",
    )


def judge_choice(found: Search) -> None:
    """Fail where another candidate had the smaller error. Known only where the errors were made up.

    Then the same search is made again, in which the chosen candidate has the largest error: it may not be chosen now.
    """
    _judge_choice(found)
    chosen = found.about.get("candidate")
    if chosen not in found.tried or not found.options:
        return
    errors = sorted(found.options["errors"])
    errors.insert(int(chosen), errors.pop())
    options = {**found.options, "errors": errors, "trained_errors": remembered(errors)}
    with contextlib.suppress(LearnerError):
        if again := _search(found.lab, found.sales, found.n_candidates, found.seed, options):
            _judge_choice(again)


def _judge_choice(found: Search) -> None:
    errors = found.options.get("errors", [])
    levels = {number: errors[number] for number in found.tried if number < len(errors)}
    chosen = found.about.get("candidate")
    if len(levels) < len(found.tried) or chosen not in levels:
        return
    better = [level for level in levels.values() if level < levels[chosen]]
    expect.that(
        not better,
        expected="`best_model` has the settings with the smallest error in validation",
        found=f"{len(better)} of {len(levels)} candidates had a smaller one",
        help="scikit-learn's scores are better when they are larger, errors when they are smaller: mind the sign, and "
        "look at the validation rows, not at the training rows.",
    )


def judge_seed(lab: LabHandle, rng: Generator) -> None:
    """Fail where the seed does not decide which candidates are tried."""
    sales = draw_sales(rng, 60)
    seed = 0  # a seed like any other, and the default
    # Later candidates may depend on the results of earlier ones: the same sales have the same errors.
    options = untrained(rng, len(sales))
    first, again = (_tried(lab, sales, seed, options) for _ in range(2))
    expect.that(
        first == again,
        expected="the same `seed` tries the same candidates",
        found="other candidates the second time",
        help="Pass the seed on to whatever draws the candidates (`random_state=seed`).",
    )
    # A small space may give the same candidates once by chance.
    others = (_tried(lab, sales, seed + more, options) for more in (1, 2))
    expect.that(
        any(first != other for other in others),
        expected="another `seed` tries other candidates",
        found="the same candidates for three seeds",
        help="Pass the seed on to whatever draws the candidates (`random_state=seed`), and let it draw.",
    )


def _tried(lab: LabHandle, sales: pd.DataFrame, seed: int, options: dict[str, Any]) -> set[str]:
    """The settings that a search tries."""
    with contextlib.suppress(LearnerError):
        if found := _search(lab, sales, 3, seed, options):
            return found.tried_settings
    found = _search(lab, sales, 3, seed, {})
    assert found is not None
    return found.tried_settings
