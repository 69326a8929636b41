"""What `build_model` (1.2) promises beside good prices: what it learns from, and which columns it needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from lab1_judges.market import LEAKS, PRICELESS, UNSEEN, Market, build, predict, train_model
from lab1_judges.samples import Generator
from labkit.checks import LabHandle, LearnerError, expect, fail


def judge_given_rows(market: Market) -> None:
    """Fail where the model looks into the file, which holds the test set too, or writes into the tables it gets."""
    expect.that(
        market.reads == 0,
        expected="`fit` learns from the sales that it is given",
        found="it loads the file of all sales" + (f" ({market.reads} times)" if market.reads > 1 else ""),
        help="The file holds the test set too: what is learned from it (a mean, a scale) has seen the answers.",
    )
    for name, before in (("fit", market.train), ("predict", market.new.drop(columns="price"))):
        after = expect.frame(market.after[name], f"the table after `{name}`")
        same = list(after.columns) == list(before.columns) and after.index.equals(before.index)
        changed = [
            column
            for column in before.columns
            if same and not np.array_equal(after[column].astype(str), before[column].astype(str))
        ]
        expect.that(
            same and not changed,
            expected=f"the sales are the same after `{name}`",
            found=f"values of `{changed[0]}` have changed" if changed else "its rows or columns have changed",
            help="A transformer works on a copy (`X = X.copy()`, `X.assign(…)`): the table belongs to the caller.",
        )


def judge_batches(market: Market, rng: Generator) -> None:
    """Fail where the price of a house depends on the houses that are asked for together with it."""
    houses = market.new
    half = np.flatnonzero(houses["zipcode"].isin(rng.choice(market.effects.index[1:], 5, replace=False)))
    batches = [half, *([row] for row in rng.choice(len(houses), 4, replace=False))]
    for rows in batches:
        try:
            predicted = market.ask(houses.iloc[rows], "the prices of a few houses")
        except LearnerError as error:
            error.doing = f"`predict` for {len(rows)} of the {len(houses)} houses"
            raise
        other = ~np.isclose(predicted, market.predicted[rows], rtol=1e-3)
        if other.any():
            place = int(np.flatnonzero(other)[0])
            fail(
                expected="a house has the same price, whichever houses are asked for together with it",
                found=f"{market.predicted[rows][place]:,.0f} USD among {len(houses)} houses, "
                f"{predicted[place]:,.0f} USD " + ("alone" if len(rows) == 1 else f"among {len(rows)}"),
                help="Something learns anew in `predict`: a scale, a mean, the codes of `zipcode`. Learn it in `fit` "
                "and only apply it afterwards (`fit_transform` or `astype('category').cat.codes` in `transform` is the "
                "usual slip).",
            )
    _judge_unseen_batches(market)


def _judge_unseen_batches(market: Market) -> None:
    """Fail where the price in a zipcode that was never seen depends on the other houses that are asked for."""
    houses = market.new.head(20)
    asked = houses.assign(zipcode=np.where(np.arange(len(houses)) < 4, UNSEEN[0], houses["zipcode"]))
    try:
        together, alone = (market.ask(asked.iloc[:size], "the prices of a few houses") for size in (20, 4))
    except LearnerError:
        return  # another check's business
    if not np.allclose(together[:4], alone, rtol=1e-3):
        fail(
            expected="a house in a zipcode that was never seen has the same price, whichever houses are asked for "
            "together with it",
            found=f"{together[0]:,.0f} USD among 20 houses, {alone[0]:,.0f} USD among 4",
            help="What stands for an unknown zipcode (a mean, for example) is learned in `fit`, not from the houses "
            "that `predict` gets.",
        )


def judge_features(market: Market) -> None:
    """Fail where `FEATURES`, with which `main` trains, names what a model must not use."""
    used, value = _constant(market.lab, "FEATURES", "main")
    names = list(value) if isinstance(value, (list, tuple)) else []
    if not used:
        return  # written another way, without the list
    help_text = "`FEATURES` names the columns that the model may use: `main` trains with `sales[FEATURES]`."
    if not names:
        fail(expected="`FEATURES` is a list of column names", found=expect.shown(value), help=help_text)
    if not all(isinstance(name, str) for name in names):
        fail(expected="`FEATURES` is a list of column names", found=expect.shown(value), help=help_text)
    unknown = [name for name in names if name not in market.new.columns and name not in ("price", *LEAKS)]
    if unknown:
        fail(expected="`FEATURES` names columns of the sales", found=f"`{unknown[0]}` is none", help=help_text)
    wrong = [name for name in names if name in ("id", "price", *LEAKS)]
    if wrong:
        why = "`id` is only a name: it says nothing about a house." if wrong[0] == "id" else PRICELESS
        fail(expected="`FEATURES` names what the model may use", found=f"`{wrong[0]}` is in it", help=why)
    _judge_enough(market, names)


def _judge_enough(market: Market, names: list[str]) -> None:
    """Fail where the model needs more than `FEATURES`, or answers otherwise when it gets these alone."""
    model = build(market.lab)
    expected = "the columns in `FEATURES` are all that the model needs: `main` trains with `sales[FEATURES]`"
    try:
        train_model(market.lab, model, market.train, market.train[names])
        found = predict(model, market.new[names], "`predict(sales[FEATURES])`")
    except LearnerError as error:
        fail(
            expected=expected,
            found=f"{error.type_name}: {error.message[:200]}",
            help="Name each column that the model uses in `FEATURES`, and let it use these alone.",
        )
    # Without a `random_state`, two trainings differ a little.
    away = float(np.median(np.abs(np.log(found.clip(1) / market.predicted.clip(1)))))
    expect.that(
        away < 0.15,
        expected=expected,
        found=f"without the other columns, its prices are off by {np.expm1(away):.0%} (median)",
        help="Choose columns by name: their places change where others are there or not.",
    )


def _constant(lab: LabHandle, name: str, user: str) -> tuple[bool, Any]:
    """Whether a function of house_price.py uses this constant, and its value."""
    found = lab.make("mlops_probes.prepare:used", f"{lab._package}.house_price:{name}", user)
    used, value = expect.pair(found, f"`{name}`")
    return used is True, value
