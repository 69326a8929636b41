"""Judges segments (1.8) on customers of known kinds, and on real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from lab1_judges.answers import looked_at
from lab1_judges.samples import Generator, draw_purchases
from labkit.checks import LabHandle, LearnerError, expect, fail

Recipe = Callable[[pd.DataFrame], Any]
Mistake = tuple[Recipe, Recipe, str]
"""In which space the customers are grouped, in which the groups are measured, and what to say about it."""

MEASURES = ["recency_days", "frequency", "monetary"]
PROFILE = ("customers", *MEASURES, "revenue_share")
MEANINGS = {
    "customers": "the number of `customers`",
    "revenue_share": "the `revenue_share`, a part of all the money (0 to 1),",
    **{name: f"the mean `{name}` per customer" for name in MEASURES},
}
AS_OF = pd.Timestamp("1998-03-31")
NO_LOG = (
    "This looks like K-Means without the logarithm: a few customers that spent thousands pull a segment to themselves. "
    "Take `np.log1p` of the measures first."
)
NO_SCALING = (
    "This looks like K-Means without scaling: the column with the largest numbers decides alone who is near to whom. "
    "Scale after the logarithm (`StandardScaler`)."
)
LATE_LOG = (
    "This looks like the logarithm of scaled numbers. Near 0 a logarithm is almost a straight line: take it first, of "
    "the measures, then scale."
)
SAME_SPACE = "Cluster and measure in the same space as `segment_customers`: logarithm, then scaling."


def ask(lab: LabHandle, function: str, table: pd.DataFrame, *args: Any) -> Any:
    answer, after = looked_at(lab, "customers", function, table, *args)
    expect.that(
        isinstance(after, pd.DataFrame) and after.equals(table),
        expected="`rfm_table` is the same after the call as before",
        found="it was changed",
        help="Whoever called still needs the dollars: work on a copy.",
    )
    return answer


# Customers of known kinds: measures are normal numbers around the centre of each kind, in logarithms.


def _customers(rng: Generator, kinds: np.ndarray, centres: Any, spreads: Any) -> pd.DataFrame:
    logs = np.asarray(centres)[kinds] + rng.normal(size=(len(kinds), 3)) * np.asarray(spreads)[kinds]
    days, times, dollars = np.exp(logs).T
    index = pd.Index(rng.permutation(np.arange(1, 3 * len(kinds)))[: len(kinds)], name="customer_id")
    columns = [days.round().clip(1, 450).astype(int), times.round().clip(1).astype(int), dollars.round(2)]
    return pd.DataFrame(dict(zip(MEASURES, columns, strict=True)), index=index)


def draw_long_tail(rng: Generator) -> tuple[np.ndarray, pd.DataFrame]:
    """Two kinds: one near 0 in each measure, one spread over a long tail. Only logarithms tell them apart."""
    kinds = (rng.random(240) < 0.45).astype(int)
    return kinds, _customers(rng, kinds, [[0.9, 0.5, 2.6], [4.2, 3.4, 7.0]], [[0.25, 0.25, 0.3], [0.9, 0.9, 1.2]])


def draw_unequal_scales(rng: Generator) -> tuple[np.ndarray, pd.DataFrame]:
    """Two kinds, alike within in recency and frequency; what they spent runs from little to much in both."""
    kinds = (rng.random(240) < 0.5).astype(int)
    return kinds, _customers(rng, kinds, [[4.2, 1.3, 4.1], [3.0, 2.3, 5.3]], [[0.07, 0.1, 1.5]] * 2)


def draw_rare_and_rich(rng: Generator, share: float) -> tuple[np.ndarray, pd.DataFrame]:
    """Two kinds: 0 buys often and little, 1 (a `share` of the customers) seldom and much."""
    kinds = (rng.random(240) < share).astype(int)
    return kinds, _customers(rng, kinds, [[3.5, 3.4, 3.4], [3.5, 1.1, 6.6]], [[0.4, 0.2, 0.25]] * 2)


def draw_uneven_spenders(rng: Generator) -> pd.DataFrame:
    """Two kinds, apart in recency and frequency. One spends less as a rule, and more in the mean."""
    while True:
        kinds = (rng.random(240) < 0.5).astype(int)
        table = _customers(rng, kinds, [[4.6, 1.1, 4.6], [2.0, 3.4, 4.2]], [[0.1, 0.1, 0.05], [0.1, 0.1, 1.6]])
        spent, logs = table["monetary"].groupby(kinds), np.log1p(table["monetary"]).groupby(kinds).mean()
        means, medians = spent.mean(), spent.median()
        # With so long a tail the mean is now and then not larger, or what is usual not smaller.
        if means[1] > 1.1 * means[0] and medians[1] < 0.95 * medians[0] and logs[1] < logs[0] - 0.05:
            return table


def draw_even_spenders(rng: Generator) -> pd.DataFrame:
    """Two kinds, apart in recency and frequency, that spend exactly as much (whole dollars: their sums are exact)."""
    kinds = np.tile([0, 1], 60)
    table = _customers(rng, kinds, [[4.6, 1.1, 4.6], [2.0, 3.4, 4.6]], [[0.1, 0.1, 0.05]] * 2)
    return table.assign(monetary=np.repeat(rng.integers(80, 120, 60), 2).astype(float))


def draw_tight_and_loose(rng: Generator, rows: int = 1_200) -> pd.DataFrame:
    """Two kinds, plainly apart: of one all are alike, of the other none, so that silhouettes differ much."""
    kinds = (rng.random(rows) < 0.5).astype(int)
    return _customers(rng, kinds, [[1.0, 0.7, 2.4], [4.2, 3.4, 6.8]], [[0.05, 0.05, 0.05], [0.7, 0.7, 0.9]])


def draw_three(rng: Generator) -> pd.DataFrame:
    """Three kinds, as far from each other in logarithms."""
    kinds = rng.integers(0, 3, 210)
    return _customers(rng, kinds, [[0.9, 0.6, 2.4], [2.5, 2.0, 4.6], [4.1, 3.4, 6.8]], [[0.12, 0.2, 0.3]] * 3)


def draw_four(rng: Generator, alone: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Four kinds: low or high in measure number `alone`, and low or high in the other two. Kinds 0 and 2 are low in it.

    Without that measure, two kinds are one.
    """
    kinds = rng.integers(0, 4, 240)
    low, high = np.array([2.3, 2.5, 3.5]), np.array([5.3, 4.5, 6.5])
    is_alone = np.arange(3) == alone
    centres = [np.where(is_alone, first, others) for others in (low, high) for first in (low, high)]
    return kinds, _customers(rng, kinds, centres, [[0.05, 0.05, 0.05]] * 4)


def draw_real(rng: Generator) -> pd.DataFrame:
    """Real customers as of 1998-03-31, among them one that paid nothing and one that bought that day."""
    purchases = draw_purchases(rng, 300)
    known = purchases[purchases["date"] <= AS_OF]
    groups = known.groupby("customer_id")
    table = pd.DataFrame(
        {
            "recency_days": (AS_OF - groups["date"].max()).dt.days,
            "frequency": groups.size(),
            "monetary": groups["dollar_value"].sum().round(2),
        }
    )
    table = table[~table["monetary"].duplicated()].sample(frac=1, random_state=rng)
    table.iloc[0, 2] = 0.0
    table.iloc[1, 0] = 0
    return table


# segment_customers


def segment(lab: LabHandle, table: pd.DataFrame, k: int, seed: int) -> np.ndarray:
    """Return the segment of each customer in the order of `table`; fail where there are other labels."""
    labels = expect.series(ask(lab, "segment_customers", table, k, seed), "`segment_customers(…)`", length=len(table))
    expect.that(
        labels.index.equals(table.index),
        expected="the labels have the index of the table, so that each customer has one",
        found="the same customers in another order" if set(labels.index) == set(table.index) else "another index",
        help="`pd.Series(labels, index=rfm_table.index, name='segment')`",
    )
    if any(isinstance(value, str) for value in labels):
        fail(expected="the labels are whole numbers", found="text", help="No `astype(str)`: 10 comes after 9.")
    values = expect.array(labels, "the labels")
    if set(values) != set(range(k)):
        fail(
            expected=f"k={k} gives the labels {', '.join(str(n) for n in range(k))}",
            found=", ".join(f"{value:g}" for value in sorted(set(values))[:8]),
            help="Number the segments from 0 to k - 1, as whole numbers. Two segments that spend as much have two "
            "labels, too.",
        )
    return values.astype(int)


def judge_form(lab: LabHandle, table: pd.DataFrame) -> None:
    """Fail where the labels are not whole numbers by type, or not named."""
    labels = expect.series(ask(lab, "segment_customers", table, 3, 0), "`segment_customers(…)`")
    expect.that(
        pd.api.types.is_integer_dtype(labels.dtype),
        expected="the labels are whole numbers",
        found=f"the type {labels.dtype}",
        help="`astype(int)`: a label is a name, and nobody looks for segment 2.0.",
    )
    expect.that(labels.name == "segment", expected="the labels are named `segment`", found=f"`{labels.name}`")


def judge_order(table: pd.DataFrame, labels: np.ndarray) -> None:
    """Fail where a higher label does not mean more money per customer."""
    means = table["monetary"].groupby(labels).mean()
    if means.is_monotonic_increasing:
        return
    down = means.is_monotonic_decreasing and len(means) > 2
    fail(
        expected="the labels are ordered by mean monetary value: 0 spends least, k - 1 spends most",
        found="mean spending by label: " + ", ".join(f"{label}: {spent:,.0f}" for label, spent in means.items()),
        help="The order is turned round." if down else "K-Means numbers its clusters in arbitrary order, another one "
        "for each seed: number them anew, by what they spend (the mean in dollars: "
        "no sum, no median, no centre of logarithms).",
    )  # fmt: skip


def judge_points(lab: LabHandle, rng: Generator) -> None:
    """Fail where the points are not the logarithms of the measures on one scale, or K-Means does not use them."""
    # As many segments as there are kinds: more of them have several fits, and K-Means finds one that is not the best.
    for k, table in ((3, draw_three(rng)), (2, draw_unequal_scales(rng)[1])):
        points = points_of(lab, table)
        for name, column in zip(MEASURES, points.T, strict=True):
            match = np.corrcoef(column, np.log1p(table[name]))[0, 1]
            expect.that(
                match > 0.995,
                expected=f"the points have the logarithm of `{name}`, scaled, in the order {', '.join(MEASURES)}",
                found=f"a column that is none (correlation {match:.3f})",
                help=_other_column(column, table, name),
            )
        judge_scale(points, table)
        labels = segment(lab, table, k, 1)
        found, best = _inertia(points, labels), _fits(points, [k])[k].inertia_
        expect.that(
            found < 1.25 * best,
            expected=f"`segment_customers` groups what is near in `points_of`: squared distances of {best:,.4g} in all",
            found=f"{found:,.4g}",
            help="Give K-Means what `points_of` returns.",
        )


def judge_scale(points: np.ndarray, table: pd.DataFrame) -> None:
    """Fail where no usual measure of spread is the same for all three columns. Which of them is made so is open."""
    from_middle = np.abs(points - np.median(points, axis=0))
    size = np.abs(points)
    spreads = [
        *(points.std(axis=0), np.ptp(points, axis=0), np.ptp(np.percentile(points, [25, 75], axis=0), axis=0)),
        *(np.ptp(np.percentile(points, [10, 90], axis=0), axis=0), np.median(from_middle, axis=0)),
        *(np.ptp(np.percentile(points, [low, 100 - low], axis=0), axis=0) for low in (1, 5)),
        *(from_middle.mean(axis=0), size.max(axis=0), size.mean(axis=0), np.sqrt((points**2).mean(axis=0))),
    ]
    spread = spreads[0]
    as_logs = np.allclose(spread, np.log1p(table[MEASURES]).std(), rtol=0.05)
    expect.that(
        any(one.max() < 1.05 * one.min() for one in spreads),
        expected="the measures are on one scale: each has the same spread, so none counts more than another",
        found="standard deviations "
        + ", ".join(f"{name}: {value:.3g}" for name, value in zip(MEASURES, spread, strict=True)),
        help=NO_SCALING
        if as_logs or spread.max() > 4 * spread.min()
        else "Scale last, all three in the same way (`StandardScaler`), and give no measure a weight.",
    )


def _other_column(column: np.ndarray, table: pd.DataFrame, name: str) -> str:
    """What a column is that is not the logarithm of this measure."""
    values = table[name]
    scores = (values - values.mean()) / values.std()
    late = [np.log1p(one) for one in (values / values.std(), scores - scores.min(), scores.clip(-0.99))]
    matches = {
        NO_LOG: [np.corrcoef(column, values)[0, 1]],
        LATE_LOG: [np.corrcoef(column, scaled)[0, 1] for scaled in late],
    }
    return next((text for text, found in matches.items() if max(found) > 0.999), "One column per measure, in order.")


def points_of(lab: LabHandle, table: pd.DataFrame) -> np.ndarray:
    """What the learner measures distances between: one row per customer, one column per measure."""
    points = ask(lab, "points_of", table)
    values = points.to_numpy() if isinstance(points, pd.DataFrame) else points
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        found = np.empty(0)
    expect.that(
        found.shape == (len(table), 3) and bool(np.isfinite(found).all()),
        expected=f"`points_of(…)` has {len(table)} rows, one per customer, and 3 columns of finite numbers",
        found=f"shape {found.shape}" if found.ndim == 2 else expect.shown(points),
        help="`np.log1p` takes a customer who spent nothing, `np.log` does not.",
    )
    return found


def _inertia(points: np.ndarray, labels: np.ndarray) -> float:
    return float(sum(((part - part.mean(axis=0)) ** 2).sum() for part in (points[labels == n] for n in set(labels))))


def _fits(points: np.ndarray, ks: Any) -> dict[int, KMeans]:
    return {int(k): KMeans(int(k), n_init=5, random_state=0).fit(points) for k in ks}


def judge_seed(lab: LabHandle, table: pd.DataFrame, labels: np.ndarray, k: int, seed: int) -> None:
    """Fail where the same seed gives other segments, of these customers or of some that have no kinds at all."""
    _same(labels, segment(lab, table, k, seed))
    cloud = np.exp(np.random.default_rng(seed).uniform(0, 4, (300, 3)))
    table = pd.DataFrame(cloud.round(2), columns=MEASURES, index=pd.Index(range(500, 800), name="customer_id"))
    for one in (0, seed):  # 0 is a seed like any other
        first = segment(lab, table, 9, one)
        _same(first, segment(lab, table, 9, one))


def _same(labels: np.ndarray, again: np.ndarray) -> None:
    expect.that(
        np.array_equal(labels, again),
        expected="the same `seed` gives the same segments",
        found=f"{int((labels != again).sum())} of {len(labels)} customers are in another segment the second time",
        help="Pass the seed on to K-Means (`random_state=seed`).",
    )


def judge_kinds(lab: LabHandle, kinds: np.ndarray, table: pd.DataFrame, seed: int, help_text: str) -> None:
    """Fail where two kinds of customers are not told apart."""
    labels = segment(lab, table, 2, seed)
    alike = max(np.mean(labels == kinds), np.mean(labels != kinds))
    expect.that(
        alike > 0.93,
        expected="two kinds of customers, plainly apart on the scale of logarithms, end up in two segments",
        found=f"{1 - alike:.0%} of the customers are in the segment of the other kind",
        help=help_text,
    )


def judge_each_measure(lab: LabHandle, rng: Generator) -> None:
    """Fail where recency or frequency is not looked at."""
    for alone in (0, 1):
        kinds, table = draw_four(rng, alone)
        labels = segment(lab, table, 4, 2)
        counts = pd.crosstab(kinds, labels).to_numpy()
        if len(set(counts.argmax(axis=1))) == 4 and counts.max(axis=1).sum() > 0.93 * len(kinds):
            continue
        is_low = np.isin(kinds, [0, 2])
        mixed = [min(np.mean(is_low[labels == label]), np.mean(~is_low[labels == label])) for label in range(4)]
        fail(
            expected=f"four kinds of customers, low or high in `{MEASURES[alone]}` and low or high in the other two "
            "measures, end up in four segments",
            found=f"{1 - counts.max(axis=1).sum() / len(kinds):.0%} of the customers are in the segment of another "
            "kind",
            help=f"A segment holds customers with little and with much: does `{MEASURES[alone]}` reach K-Means?"
            if max(mixed) > 0.1
            else "Each of the three measures has a say.",
        )


def judge_rich(lab: LabHandle, rng: Generator) -> None:
    """Fail where those that buy often, and not those that spend much, have the higher label."""
    for share in (0.25, 0.75):  # the larger segment once spends less, once more
        kinds, table = draw_rare_and_rich(rng, share)
        labels = segment(lab, table, 2, 3)
        if np.mean(labels != kinds) > 0.93:
            fail(
                expected="the segment that spends more has the higher label",
                found="the segment that buys more often, and spends less, has it",
                help="K-Means numbers its clusters in arbitrary order. Number the segments anew, by `monetary` and "
                "with the lowest first: is the order turned round, or one of size or frequency?",
            )
        judge_order(table, labels)
    table = draw_uneven_spenders(rng)
    judge_order(table, segment(lab, table, 2, 3))
    segment(lab, draw_even_spenders(rng), 2, 3)


# choose_k


def choose(lab: LabHandle, table: pd.DataFrame, wanted: list[int], *, once: bool = False) -> pd.DataFrame:
    """Return the table of `choose_k` for these k, given as something that can be read `once`, or as a list.

    Fails where its index is not `k`.
    """
    given = lab.make("builtins:iter", wanted) if once else wanted
    help = "One row for each of the `ks`, and for no other."
    if once:
        help = "`ks` may be something that can be read only once: `ks = list(ks)` first, if you need it twice."
    try:
        answer = ask(lab, "choose_k", table, given)
    except LearnerError as error:
        error.help = error.help or (help if once else "")
        raise
    answer = expect.frame(answer, "`choose_k(…)`", columns=("inertia", "silhouette"), rows=len(wanted), help=help)
    found = f"the index `{answer.index.name}`: {', '.join(str(value)[:12] for value in answer.index[:8])}"
    expect.that(
        answer.index.name == "k" and _numbers(answer.index) == sorted(wanted),
        expected=f"`choose_k(…, {wanted})` has a row for each of these, and its index `k` says which",
        found=found,
        help="`rename_axis('k')` names an index.",
    )
    values = {name: expect.array(answer[name], f"`{name}`") for name in ("inertia", "silhouette")}
    return pd.DataFrame(values, index=[int(k) for k in answer.index]).sort_index()


def _numbers(index: Any) -> list[float]:
    """The numbers of an index, sorted; none where it has something else."""
    try:
        return sorted(float(one) for one in index)
    except (TypeError, ValueError):
        return []


def judge_choice(lab: LabHandle, rng: Generator) -> None:
    """Fail where the numbers do not show the three kinds that are there, or are not those of the points."""
    table = draw_three(rng)
    ks = [int(k) for k in rng.permutation([3, 2, 6, 4])]
    found = choose(lab, table, ks)
    expect.that(
        ((found["silhouette"] >= -1) & (found["silhouette"] <= 1)).all(),
        expected="a silhouette is between -1 and 1",
        found=f"{found['silhouette'].min():.4g} to {found['silhouette'].max():.4g}",
    )
    expect.that(
        (found["inertia"] > 0).all() and (np.diff(found["inertia"]) < 0).all(),
        expected="inertia, the sum of squared distances to the nearest centre, falls with k",
        found=", ".join(f"k={k}: {value:,.4g}" for k, value in found["inertia"].items()),
        help="Fit K-Means anew for each k, and take its `inertia_`.",
    )
    mistakes = [(_raw, _raw, NO_SCALING), (_scaled, _scaled, NO_LOG), (_right, _raw, SAME_SPACE)]
    judge_recipe(found, table, mistakes)
    best = int(found["silhouette"].idxmax())
    if best != 3 or found["silhouette"].max() <= 0.4:
        fail(
            expected="for three kinds of customers, plainly apart in logarithms, the silhouette is best at k=3",
            found=_scores(found),
            help=nearest_recipe(found, table, mistakes) or SAME_SPACE,
        )
    other = draw_unequal_scales(rng)[1]
    of_other = choose(lab, other, [2, 3], once=True)
    judge_recipe(of_other, other, [*mistakes, (np.log1p, np.log1p, NO_SCALING)])
    # Three kinds can be put into two segments in two ways: which of them K-Means finds depends on its start.
    judge_measured(lab, found, table, ks=(3,))
    judge_measured(lab, of_other, other, ks=(2,))
    table = draw_tight_and_loose(rng, 1_200)  # a part of the customers says the same now and then
    judge_measured(lab, choose(lab, table, [2]), table, ks=(2,), near=0.0005)


def judge_measured(
    lab: LabHandle, found: pd.DataFrame, table: pd.DataFrame, ks: tuple[int, ...], near: float | None = 0.04
) -> None:
    """Fail where inertia or silhouette are not those of K-Means on the learner's own points. `ks` have one best fit.

    A silhouette may be off by `near`; None: it is not looked at.
    """
    points = points_of(lab, table)
    for k, fit in _fits(points, ks).items():
        wanted = {"inertia": (fit.inertia_, 0.02 * fit.inertia_)}
        if near is not None:
            wanted["silhouette"] = (float(silhouette_score(points, fit.labels_)), near)
        distances = float(fit.transform(points).min(axis=1).sum())
        mistakes = {
            "These are distances. Inertia is a sum of squares: `inertia_`.": distances,
            "This is a mean. Inertia is a sum over all customers: `inertia_`.": fit.inertia_ / len(points),
        }
        slip = next((text for text, other in mistakes.items() if np.isclose(found.loc[k, "inertia"], other)), "")
        for name, (value, most) in wanted.items():
            expect.that(
                abs(found.loc[k, name] - value) < most,
                expected=f"`{name}` for k={k}, on the points that `points_of` gives, is about {value:.4g}",
                found=f"{found.loc[k, name]:.4g}",
                help=slip * (name == "inertia")
                or "Inertia is a sum over all customers, the silhouette a mean over all of them (of more than 3,000 it "
                "may be estimated from 3,000, not from fewer), both in the space of `points_of`.",
            )


def judge_many(lab: LabHandle, rng: Generator) -> None:
    """Fail where the silhouette of many is not that of all or about that of 3,000, or the inertia not that of all."""
    table = draw_tight_and_loose(rng, 3_001)  # which of them is left out hardly matters
    judge_measured(lab, choose(lab, table, [2]), table, ks=(2,), near=0.001)
    table = draw_tight_and_loose(rng, 3_300)  # without 300 of them, another inertia
    judge_measured(lab, choose(lab, table, [2]), table, ks=(2,), near=None)


def judge_recipe(found: pd.DataFrame, table: pd.DataFrame, mistakes: list[Mistake]) -> None:
    """Fail where the silhouettes are those of a known mistake."""
    near = np.abs(found["silhouette"] - _silhouettes(found.index, table, _right, _right)).max()
    if near <= 0.08:
        return
    for grouped_in, scored_in, help_text in mistakes:
        wrong = _silhouettes(found.index, table, grouped_in, scored_in)
        distance = np.abs(found["silhouette"] - wrong).max()
        if distance < 0.03 or distance < near / 4:
            fail(
                expected="silhouettes of segments from the logarithm of the measures, scaled",
                found=_scores(found),
                help=help_text,
            )


def nearest_recipe(found: pd.DataFrame, table: pd.DataFrame, mistakes: list[Mistake]) -> str:
    """The help for the mistake whose silhouettes are nearest; nothing where the right ones are."""
    recipes = [(_right, _right, ""), *mistakes]
    away = [np.abs(found["silhouette"] - _silhouettes(found.index, table, *recipe[:2])).mean() for recipe in recipes]
    return recipes[int(np.argmin(away))][2]


def _raw(table: pd.DataFrame) -> Any:
    return table


def _scaled(table: pd.DataFrame) -> Any:
    return StandardScaler().fit_transform(table)


def _right(table: pd.DataFrame) -> Any:
    return StandardScaler().fit_transform(np.log1p(table))


def _scores(found: pd.DataFrame) -> str:
    return ", ".join(f"k={k}: {value:.2f}" for k, value in found["silhouette"].items())


def _silhouettes(ks: Any, table: pd.DataFrame, grouped_in: Recipe, scored_in: Recipe) -> np.ndarray:
    points, scored = (np.asarray(recipe(table[MEASURES]), dtype=float) for recipe in (grouped_in, scored_in))
    fits = (KMeans(int(k), n_init=3, random_state=0).fit_predict(points) for k in ks)
    return np.array([silhouette_score(scored, labels) for labels in fits])


# profile_segments


def judge_profile(lab: LabHandle, rng: Generator) -> None:
    """Fail where the profile is not one row per segment, with its size, its means and its share of the money."""
    table = draw_three(rng)
    table.iloc[rng.choice(len(table), 30, replace=False), 2] = 0.0  # they spent nothing, and are customers
    sizes = np.repeat(np.arange(4), [15, 30, 60, len(table) - 105])  # of unequal size: a mean of means is no mean
    labels = pd.Series(rng.permutation(sizes), index=table.index, name="segment")
    # A share of the customers must not be the share of the revenue by chance.
    revenue, part = table["monetary"] / table["monetary"].sum(), np.bincount(sizes) / len(table)
    while np.abs(revenue.groupby(labels).sum() - part).max() < 0.03:
        labels[:] = rng.permutation(sizes)
    answer = expect.frame(ask(lab, "profile_segments", table, labels), "`profile_segments(…)`", columns=PROFILE)
    expect.that(len(answer) == 4, expected="a profile has one row per segment: 4", found=f"{len(answer)} rows")
    expect.that(
        answer.index.tolist() == [0, 1, 2, 3] and answer.index.name == "segment",
        expected="the index `segment` has the labels 0, 1, 2, 3, sorted",
        found=f"the index `{answer.index.name}`: {', '.join(str(value)[:12] for value in answer.index)}",
        help="`groupby(labels)` sorts, and takes the name of the labels for the index.",
    )
    groups = table.groupby(labels)
    money = groups["monetary"].sum()
    wanted = {"customers": groups.size(), **groups[MEASURES].mean(), "revenue_share": money / money.sum()}
    for name, numbers in wanted.items():
        values = expect.array(answer[name], f"`{name}`")
        if np.allclose(values, numbers, rtol=0.01, atol=0.006 if name == "revenue_share" else 0.06):
            continue
        typical = name in MEASURES and np.allclose(values, groups[name].median(), rtol=0.01, atol=0.06)
        means = groups["monetary"].mean()
        if typical:
            help_text = "These are medians."
        elif name == "revenue_share" and np.allclose(values, groups.size() / len(table), atol=0.006):
            help_text = "These are shares of the customers. The revenue is what they have spent."
        elif name == "revenue_share" and np.allclose(values, means / means.sum(), atol=0.006):
            help_text = "These are shares of the means. A large segment brings more: divide sums by the sum of all."
        else:
            help_text = "Group the table by the labels, and look at one group at a time."
        fail(
            expected=f"a profile has {MEANINGS[name]} of each segment: "
            + ", ".join(f"{number:,.4g}" for number in numbers),
            found=", ".join(f"{value:,.4g}" for value in values),
            help=help_text,
        )
