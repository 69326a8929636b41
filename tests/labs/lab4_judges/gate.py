"""Judges the gate and the way back (4.4): versions whose answers are known, one for each way to be wrong."""

from __future__ import annotations

import json
import math
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab4_judges import sales, store
from lab4_judges.sales import FEATURES, Generator
from labkit.checking.doors import Door
from labkit.checks import LabHandle, LearnerError, expect, fail

Template = Callable[[str], Path]
Errors = np.ndarray

NAME = "house-price"
RULES = ("better", "groups", "latency", "signature")
LIMITS = {"better": 0.0, "groups": 0.05, "latency": 0.2, "signature": 0.0}
SLOW = 0.25
KINDS = ("better", "equal", "luck", "last month", "one group", "a small group", "slow", "inputs", "bare")
# One version asks for less than the champion: the first input is missing, so all others have other places. Another one
# asks for as much, and for other things: for the price, and for a zipcode with a fraction.
INPUTS = {"a small group": FEATURES[1:], "inputs": [*FEATURES[:-1], "price"]}
# The seconds of one prediction after the other. Once in a while even a slow version is fast, and a fast one slow.
SECONDS = {"slow": (SLOW, 0.0, SLOW), "a small group": (0.0, 0.0, 0.0, 1.2, 0.0)}


@dataclass
class Ruled:
    """One decision of the learner's code: `rules` by name, `champion` after it, `tag` what was kept of it.

    `asked` says how often the version or the champion was asked for prices.
    """

    promoted: bool
    rules: dict[str, dict[str, Any]]
    champion: int | None
    challenger: int | None
    tag: str
    asked: int


@dataclass
class Gate:
    """A champion, and a challenger of each kind, with what the gate decided; `alone` are those without a champion."""

    lab: LabHandle
    recent: pd.DataFrame
    predicted: dict[str, Errors]
    numbers: dict[str, int]
    alone: dict[str, Ruled]
    first: Ruled
    decisions: dict[str, Ruled]
    person: str


def draw_recent(rng: Generator, rows: int = 420) -> pd.DataFrame:
    """Sales in five zipcodes, one with a sale too few to be a group, one with just enough.

    The newest month is January, until the 20th at most. The others are of December and of the January before.
    """
    frame = sales.all_sales()
    month = frame["date"].dt.strftime("%Y-%m")
    old = frame[month == "2014-12"].sample(rows // 2, random_state=rng)
    new = frame[(month == "2015-01") & (frame["date"].dt.day <= 20)].sample(rows // 2, random_state=rng)
    year_before = old.index[: rows // 8]
    old.loc[year_before, "date"] -= pd.DateOffset(months=11)
    recent = pd.concat([old, new]).sample(frac=1, random_state=rng)
    zipcodes = np.repeat([98001, 98002, 98003, 98004, 98005], [29, 30, 120, 121, len(recent) - 300])
    return recent.assign(sqft_lot=4_000 + 7 * rng.permutation(len(recent)), zipcode=rng.permutation(zipcodes))


def of_newest_month(recent: pd.DataFrame) -> np.ndarray:
    """Which of the sales are of the newest month."""
    month = recent["date"].dt.strftime("%Y-%m")
    return (month == month.max()).to_numpy()


def draw_predictions(recent: pd.DataFrame, rng: Generator) -> dict[str, Errors]:
    """What each version says: prices with errors whose sizes are known."""
    price = recent["price"].to_numpy(float)
    newest = of_newest_month(recent)
    zipcode = recent["zipcode"].to_numpy()
    error = 0.15 * price * rng.choice([-1, 1], len(price)) * rng.uniform(0.4, 1.6, len(price))
    old = np.abs(error)
    # Errors of the same kind, drawn anew, and a little smaller in the mean of the newest month: by luck.
    luck = 0.15 * price * rng.choice([-1, 1], len(price)) * rng.uniform(0.4, 1.6, len(price))
    spread = (np.abs(luck) - old)[newest].std() / math.sqrt(newest.sum())
    aim = old[newest].mean() - 0.5 * spread
    luck *= aim / np.abs(luck)[newest].mean()
    scale = {
        "champion": np.ones(len(price)),
        "better": np.full(len(price), 0.94),
        "last month": np.where(newest, 1.03, 0.5),
        "one group": np.where(zipcode == 98002, 1.1, 0.8),
        "a small group": np.where(zipcode == 98001, 1.5, 0.8),
    }
    found = {name: price + error * factor for name, factor in scale.items()}
    found["luck"] = price + luck
    found["equal"] = found["champion"]
    for name in ("slow", "inputs", "bare"):
        found[name] = found["better"]
    return found


def entry(recent: pd.DataFrame, predicted: Errors, kind: str) -> dict[str, Any]:
    """What `add_versions` takes for a version of this kind."""
    answers = dict(zip(recent["sqft_lot"].tolist(), predicted.tolist(), strict=True))
    return {
        "answers": answers,
        "inputs": INPUTS.get(kind, FEATURES),
        "floats": ["zipcode"] if kind == "inputs" else [],
        "one": SECONDS.get(kind, (0.0,)),
        "bare": kind == "bare",
        "label": kind,
    }


def open_gate(lab: LabHandle, template: Template, rng: Generator) -> Gate:
    """Have the learner's code decide on a first champion, and on a challenger of each kind against it."""
    person = f"person-{secrets.token_hex(3)}"
    # The exercise has a server for two promoters at once. Here, the store is a file.
    store.prepare(lab, template("mlflow"), MLFLOW_TRACKING_USERNAME=person)
    recent = draw_recent(rng)
    predicted = draw_predictions(recent, rng)
    kinds = ("champion", *KINDS)
    entries = [entry(recent, predicted[kind], kind) for kind in kinds]
    made = lab.make("mlops_probes.tracking:add_versions", NAME, recent, entries)
    numbers = dict(zip(kinds, (int(one) for one in made), strict=True))
    alone = {}
    for kind in ("slow", "bare"):
        alone[kind] = decide(lab, numbers[kind], recent, kind, ", without a champion")
        lab.make("mlops_probes.tracking:unpoint", NAME, "champion")
    first = decide(lab, numbers["champion"], recent)
    decisions = {}
    for kind in KINDS:
        lab.make("mlops_probes.tracking:point", NAME, "champion", numbers["champion"])
        lab.make("mlops_probes.tracking:point", NAME, "challenger", numbers[kind])
        decisions[kind] = decide(lab, numbers[kind], recent, kind)
    return Gate(lab, recent, predicted, numbers, alone, first, decisions, person)


def decide(lab: LabHandle, version: int, recent: pd.DataFrame, kind: str = "better", where: str = "") -> Ruled:
    """Have the learner's code decide on one version."""
    before = _asked(lab, kind)
    try:
        answer = expect.handle(lab.registry.promote(version, recent), "the answer of `promote`")
    except LearnerError as error:
        fail(
            expected=f"`promote` answers with a `Decision` about a version that {DESCRIBED[kind]}{where}",
            found=f"{error.type_name}: {error.message}"[:300],
            help=SIGNATURE_HELP if kind in ("inputs", "bare") else "",
        )
    try:
        data = lab.make("dataclasses:asdict", answer)
    except LearnerError:
        data = None
    rules = data.get("rules") if isinstance(data, dict) else None
    if not isinstance(rules, (list, tuple)) or not all(isinstance(rule, dict) for rule in rules):
        fail(
            expected="`promote` returns a `Decision` with its rules",
            found=f"an object of type `{answer.type_name}`",
            help="`Decision(promoted, rules)` and `Rule(name, value, limit, passed)` stand in the file.",
        )
    assert isinstance(data, dict)
    by_name = {str(rule.get("name")): {key: _plain(value) for key, value in rule.items()} for rule in rules}
    expect.that(
        sorted(by_name) == sorted(RULES) and len(rules) == len(RULES),
        expected=f"one rule each of the names {', '.join(RULES)}",
        found=", ".join(str(rule.get("name")) for rule in rules) or "none",
    )
    found = store.read(lab)
    kept = found.version(version)
    tag = kept.tags.get("gate", "") if kept else ""
    asked = _asked(lab, kind) - before
    promoted = _plain(data.get("promoted")) is True
    return Ruled(promoted, by_name, found.alias("champion"), found.alias("challenger"), tag, asked)


def _plain(value: Any) -> Any:
    """Numpy's truth values are as good as Python's."""
    return bool(value) if isinstance(value, np.bool_) else value


def _asked(lab: LabHandle, kind: str) -> int:
    return sum(int(lab.make("mlops_probes.tracking:asked", label)) for label in (kind, "champion"))


def errors(gate: Gate, kind: str) -> Errors:
    """The absolute errors of a version."""
    return np.abs(gate.predicted[kind] - gate.recent["price"].to_numpy(float))


def upper_end(gate: Gate, kind: str) -> tuple[float, float]:
    """The upper end of the interval of the paired difference in the newest month, and its standard error."""
    newest = of_newest_month(gate.recent)
    difference = (errors(gate, kind) - errors(gate, "champion"))[newest]
    rng = np.random.default_rng(1)
    means = difference[rng.integers(len(difference), size=(8_000, len(difference)))].mean(axis=1)
    return float(np.quantile(means, 0.975)), float(means.std())


def measured(gate: Gate, kind: str, name: str, help: str = "") -> float:
    """The value of a rule for a version whose inputs are those of the champion."""
    rules = gate.decisions[kind].rules
    if rules[name].get("value") is None and rules["signature"].get("passed") is not True:
        fail(
            expected=f"a version that {DESCRIBED[kind]} is measured: it asks for nothing that the champion does not",
            found=f"the rule `signature` has the value {rules['signature'].get('value')}, and `{name}` has none",
            help="What the version asks for counts. An input of the champion's that it can do without is no matter.",
        )
    value = rules[name].get("value")
    if value is None:
        fail(
            expected=f"the rule `{name}` has a value for a version that {DESCRIBED[kind]}",
            found="None",
            help="Where the signature fits, each rule is measured, also where another one is not passed: whoever asks "
            "why a version was refused wants to see all four.",
        )
    return expect.number(value, f"the value of the rule `{name}`, for a version that {DESCRIBED[kind]},", help=help)


BETTER_HELP = (
    "Pair the errors house by house: new minus old. Draw houses of the newest month with replacement, as many as there "
    "are, 2,000 times; the upper end is the 97.5 % quantile of the means."
)


def judge_better(gate: Gate) -> None:
    """The rule `better` is the upper end of the paired interval, on the newest month."""
    off: list[float] = []  # in standard errors
    for kind in ("last month", "better", "luck", "equal", "slow"):
        rule = gate.decisions[kind].rules["better"]
        wanted, error = upper_end(gate, kind)
        value = measured(gate, kind, "better", BETTER_HELP)
        if abs(value - wanted) > 0.3 * error + 1e-9:
            fail(
                expected=f"the upper end of the 95 % interval of the difference in MAE is {expect.figure(wanted)} USD",
                found=f"{expect.figure(value)} USD",
                help=_suspect(gate, kind, value, error),
            )
        off += [(value - wanted) / error] if error > 0 else []
        help = "`value < 0`: no difference is no reason to change what serves." if kind == "equal" else ""
        _judge_verdict(rule, "better", wanted < 0, f"a version that {DESCRIBED[kind]}", help)
    # One value may be off by luck. The quantile of 95 % is off by a third of an error each time.
    expect.that(
        abs(sum(off) / len(off)) < 0.2,
        expected=f"over {len(off)} versions, `value` is the 97.5 % quantile of the means: 95 % of them lie inside",
        found=f"a value that is too {'small' if sum(off) < 0 else 'large'} for each of them",
        help="An interval has two ends, and 2.5 % lie beyond each: `np.quantile(means, 0.975)`.",
    )


SIGNATURE_HELP = (
    "`model.metadata.get_input_schema()` has a `name` and a `type` for each column: compare both with the champion's, "
    "before the model is asked. The service sends what the champion takes, and nothing else."
)
DESCRIBED = {
    "better": "is better by 6 % at each house",
    "equal": "says the same as the champion",
    "luck": "is better by a little luck",
    "last month": "was far better the month before, and is worse in the newest one",
    "one group": "is better for nearly all, and worse by 10 % in a zipcode of 30 sales",
    "a small group": "asks for one input less, and is worse in a zipcode of 29 sales only",
    "slow": f"takes {SLOW} seconds for one house",
    "inputs": "asks for the `price`, and for the `zipcode` as a number with a fraction",
    "bare": "has no signature",
}


def _suspect(gate: Gate, kind: str, value: float, error: float) -> str:
    newest = of_newest_month(gate.recent)
    new, old = errors(gate, kind), errors(gate, "champion")
    if abs(value - (new - old)[newest].mean()) < 0.05 * error:
        return "This is the bare difference, and says nothing about luck. " + BETTER_HELP
    difference = new - old
    spread = difference.std() / math.sqrt(len(difference))
    if abs(value - difference.mean() - 1.96 * spread) < 0.7 * spread and kind == "last month":
        return "This is the interval on all of `recent`. The newest month is the one that the model will serve."
    day = gate.recent["date"]
    others = {
        "the last 30 days": (day > day.max() - pd.Timedelta(days=30)).to_numpy(),
        "the month with the largest number, of whichever year": (day.dt.month == day.dt.month.max()).to_numpy(),
        "this month, and of the same month of the year before": (day.dt.month == day.max().month).to_numpy(),
    }
    for what, those in others.items():
        spread = difference[those].std() / math.sqrt(those.sum())
        if abs(value - difference[those].mean() - 1.96 * spread) < 0.7 * spread and kind == "last month":
            return f"This looks like the interval of {what}. Take the newest calendar month: year and month, both."
    unpaired = math.sqrt(new[newest].var() / newest.sum() + old[newest].var() / newest.sum())
    if abs(value - ((new - old)[newest].mean() + 1.96 * unpaired)) < 0.4 * unpaired:
        return (
            "This interval is not paired: each model got houses of its own, and their prices differ far more than "
            "the models. " + BETTER_HELP
        )
    return BETTER_HELP


def _judge_verdict(rule: dict[str, Any], name: str, passed: bool, what: str, help: str = "") -> None:
    expect.that(
        rule.get("passed") is passed,
        expected=f"the rule `{name}` is {'passed' if passed else 'not passed'} by {what}",
        found=f"passed = {rule.get('passed')}, with the value {rule.get('value')} and the limit {rule.get('limit')}",
        help=help,
    )
    expect.close(rule.get("limit"), LIMITS[name], f"the limit of the rule `{name}`", abs=1e-12)


def judge_groups(gate: Gate) -> None:
    """The rule `groups` is the largest change in a zipcode with enough sales, on all of `recent`."""
    for kind in ("better", "last month", "one group", "a small group", "slow"):
        rule = gate.decisions[kind].rules["groups"]
        frame = pd.DataFrame(
            {
                "zipcode": gate.recent["zipcode"].to_numpy(),
                "new": errors(gate, kind),
                "old": errors(gate, "champion"),
            }
        ).groupby("zipcode")
        means, sizes = frame.mean(), frame.size()
        large = means[sizes >= 30]
        wanted = float((large["new"] / large["old"] - 1).max())
        expect.close(
            measured(gate, kind, "groups"),
            wanted,
            f"the largest change of the MAE in a zipcode with 30 sales or more, for a version that {DESCRIBED[kind]},",
            rel=1e-6,
            abs=1e-9,
            help="For each zipcode the MAE of both models on all of `recent`, new / old - 1, and of these the largest. "
            "29 sales are no group: their mean is luck.",
        )
        _judge_verdict(rule, "groups", wanted <= 0.05, f"a version that {DESCRIBED[kind]}")


def judge_latency(gate: Gate) -> None:
    """The rule `latency` is the median time for one house."""
    help = (
        "Ask the loaded model for one house, several times, with `time.perf_counter()` around it. Seconds, not "
        "milliseconds; one house, not all of them divided by their number. "
    )
    asked = gate.alone["slow"].asked
    expect.that(
        asked >= 5,
        expected="the median of five predictions for one house",
        found=f"{asked} predictions",
        help="Of fewer, two bad moments of the machine are the median.",
    )
    for kind in ("slow", "better", "a small group", "equal", "one group"):
        rule = gate.decisions[kind].rules["latency"]
        value = measured(gate, kind, "latency", help)
        expect.that(
            SLOW <= value < 5 if kind == "slow" else value >= 0,
            expected=f"a latency of {SLOW} seconds or a little more" if kind == "slow" else "a time in seconds",
            found=f"{value:.6f}",
            help=f"{help}One of the five was fast: the median does not mind, the mean and the smallest one do."
            if value < SLOW
            else help,
        )
        _judge_verdict(rule, "latency", value <= LIMITS["latency"], f"a version that {DESCRIBED[kind]}", help)
        if kind == "a small group":
            expect.that(
                value < 1,
                expected="a median that one slow prediction among five does not move",
                found=f"{value:.3f} seconds",
                help="The largest of five is that of the machine at its worst moment. `np.median(seconds)`.",
            )
            expect.that(
                rule.get("passed") is True,
                expected="a version is fast enough where one prediction of five took more than a second",
                found=f"it was refused, with the value {value:.3f}",
                help="The mean of five is moved by one bad moment of the machine, the median is not: "
                "`np.median(seconds)`.",
            )


def judge_signature(gate: Gate) -> None:
    """The rule `signature` refuses inputs that the champion does not have, and nothing else is measured then."""
    for kind, wanted in (("inputs", 2), ("bare", 1)):
        rules = gate.decisions[kind].rules
        value = expect.number(rules["signature"].get("value"), "the value of the rule `signature`", help=SIGNATURE_HELP)
        expect.that(
            value == wanted,
            expected=f"{wanted} as value of the rule `signature`, for a version that {DESCRIBED[kind]}",
            found=f"{value:g}",
            help=SIGNATURE_HELP,
        )
        _judge_verdict(rules["signature"], "signature", False, f"a version that {DESCRIBED[kind]}", SIGNATURE_HELP)
        _judge_unmeasured(gate.decisions[kind], kind)
    for kind in ("better", "a small group"):
        rule = gate.decisions[kind].rules["signature"]
        what = f"a version that {DESCRIBED[kind]}" if kind != "better" else "a version with the inputs of the champion"
        help = "What the version asks for counts. An input of the champion's that it can do without is no matter."
        _judge_verdict(rule, "signature", True, what, help)
        value = expect.number(rule.get("value"), "the value of the rule `signature`", help=SIGNATURE_HELP)
        expect.that(
            value == 0, expected=f"0 as value of the rule `signature`, for {what}", found=f"{value:g}", help=help
        )


def _judge_unmeasured(ruled: Ruled, kind: str) -> None:
    others = {name: ruled.rules[name] for name in RULES if name != "signature"}
    expect.that(
        all(rule.get("value") is None and rule.get("passed") is False for rule in others.values()),
        expected="the other rules have the value None and are not passed: what cannot be asked is not measured",
        found=f"{ {name: (rule.get('value'), rule.get('passed')) for name, rule in others.items()} }",
        help="Look at the signature first.",
    )
    expect.that(
        ruled.asked == 0,
        expected=f"nothing is measured of a version that {DESCRIBED[kind]}",
        found=f"{ruled.asked} calls of `predict`, of this version and of the champion",
        help="Look at the signature before you call `predict`: a model that cannot be asked raises, or answers "
        "nonsense.",
    )


def judge_decision(gate: Gate) -> None:
    """A version is promoted where each rule is passed; all else stays as it was."""
    champion = gate.numbers["champion"]
    for ruled in (*gate.decisions.values(), gate.first, *gate.alone.values()):
        for name, limit in LIMITS.items():
            what = f"the limit of the rule `{name}`, also where it was not measured,"
            expect.close(ruled.rules[name].get("limit"), limit, what, abs=1e-12)
    for kind, ruled in gate.decisions.items():
        passed = all(rule.get("passed") is True for rule in ruled.rules.values())
        expect.that(
            ruled.promoted is passed,
            expected=f"`promoted` is {passed} where {'each rule is' if passed else 'a rule is not'} passed",
            found=f"{ruled.promoted} for a version that {DESCRIBED[kind]}",
            help="All of them: a fast model that is wrong for one zipcode is still wrong.",
        )
        wanted = gate.numbers[kind] if passed else champion
        expect.that(
            ruled.champion == wanted,
            expected=f"`champion` points to version {wanted} after a version that {DESCRIBED[kind]} was judged",
            found=f"to version {ruled.champion}",
            help="`crown(version, 'promote', name)` only where the decision says so. A version that is refused changes "
            "nothing.",
        )
    expect.that(
        gate.decisions["better"].promoted and gate.decisions["a small group"].promoted,
        expected="a version that passes each rule is promoted",
        found="it was refused",
    )


def judge_first(gate: Gate) -> None:
    """Without a champion there is nothing to compare with, and the first version is promoted."""
    for kind, what in (("bare", "has no signature"), ("slow", f"takes {SLOW} seconds for one house")):
        ruled = gate.alone[kind]
        expect.that(
            not ruled.promoted and ruled.champion is None,
            expected=f"a version that {what} is refused, also where there is no champion yet",
            found=f"promoted = {ruled.promoted}, `champion` points to {ruled.champion}",
            help="Only what compares with a champion falls away: `better` and `groups`. The signature has to be there, "
            "and `latency` is measured.",
        )
    bare = gate.alone["bare"]
    expect.that(
        bare.rules["latency"].get("value") is None and bare.rules["latency"].get("passed") is False and not bare.asked,
        expected="nothing is measured of a version without a signature, also where there is no champion yet",
        found=f"`latency` has the value {bare.rules['latency'].get('value')}, passed = "
        f"{bare.rules['latency'].get('passed')}; it was asked for prices {bare.asked} times",
        help="Look at the signature first, with a champion and without.",
    )
    value = bare.rules["signature"].get("value")
    expect.that(
        value == 1,
        expected="1 as value of the rule `signature` for a version without a signature, also without a champion",
        found=expect.shown(value),
        help="A version without a signature has 1, whether there is a champion or not.",
    )
    first = gate.first
    for ruled, what in ((first, ""), (gate.alone["slow"], ", also where the version is too slow")):
        compared = {name: ruled.rules[name] for name in ("better", "groups")}
        expect.that(
            all(rule.get("value") is None and rule.get("passed") is True for rule in compared.values()),
            expected=f"without a champion, `better` and `groups` have the value None and are passed{what}",
            found=f"{ {name: (rule.get('value'), rule.get('passed')) for name, rule in compared.items()} }",
            help="`version_of(CHAMPION, name)` is None before the first promotion.",
        )
    value = expect.number(
        gate.alone["slow"].rules["latency"].get("value"), "the value of the rule `latency`, without a champion,"
    )
    expect.that(
        SLOW <= value < 5,
        expected=f"a latency of {SLOW} seconds or a little more, also without a champion",
        found=f"{value:.6f}",
        help="Only what compares with a champion falls away. The latency is measured as always, in seconds.",
    )
    expect.that(
        first.promoted and first.champion == gate.numbers["champion"],
        expected="the first version becomes the champion",
        found=f"promoted = {first.promoted}, `champion` points to {first.champion}",
    )


def judge_kept(gate: Gate) -> None:
    """The decision is kept with the version."""
    several = {f"a version that {DESCRIBED[kind]}": gate.decisions[kind] for kind in ("better", "one group", "inputs")}
    several["the first champion"] = gate.first
    several |= {f"a version that {DESCRIBED[kind]}, without a champion": ruled for kind, ruled in gate.alone.items()}
    for what, ruled in several.items():
        try:
            kept = json.loads(ruled.tag)
            rules = {rule["name"]: rule for rule in kept["rules"]}
            same = kept["promoted"] is ruled.promoted and all(
                rules[name][key] == ruled.rules[name][key] for name in RULES for key in ("value", "limit", "passed")
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            same = False
        expect.that(
            same,
            expected=f"the tag `gate` of the version holds the decision as JSON, also for {what}",
            found=expect.shown(ruled.tag) if ruled.tag else "no tag `gate`",
            help="`json.dumps(asdict(decision))` with `set_model_version_tag`, before the champion moves. Why was this "
            "one promoted? is asked months later.",
        )


# The way back, and two at once


def judge_way_back(lab: LabHandle, template: Template, rng: Generator) -> None:
    """A rollback goes one step back each time, deletes nothing, and stands in the history."""
    person = f"person-{secrets.token_hex(3)}"
    store.prepare(lab, template("mlflow"), MLFLOW_TRACKING_USERNAME=person)
    recent = draw_recent(rng)
    price = recent["price"].to_numpy(float)
    error = 0.15 * price * rng.uniform(0.4, 1.6, len(price))
    entries = [entry(recent, price + factor * error, "better") for factor in (1.0, 0.9, 0.8, 0.7)]
    made = lab.make("mlops_probes.tracking:add_versions", NAME, recent, entries)
    one, two, three, four = (int(number) for number in made)
    with expect.raises("ValueError", what="`rollback` before any version was promoted", help="The history is empty."):
        lab.registry.rollback()
    for number in (one, two, three):
        ruled = decide(lab, number, recent)
        expect.that(ruled.promoted, expected="a version that is better at each house is promoted", found="refused")
    with expect.raises("ValueError", what="`promote` of the version that is the champion already"):
        lab.registry.promote(three, recent)
    steps = [(two, "the former champion"), (one, "one step further back, and not forward again")]
    for wanted, what in steps:
        answer = lab.registry.rollback()
        found = store.read(lab)
        expect.that(
            answer == wanted and found.alias("champion") == wanted,
            expected=f"`rollback` answers with version {wanted}, {what}, and `champion` points to it",
            found=f"the answer {expect.shown(answer)}, and `champion` points to {found.alias('champion')}",
            help="`champions(name)` is a stack: each `promote` puts a version on it, each `rollback` takes one off.",
        )
        expect.that(
            len(found.versions) == len(made),
            expected="all versions are still there: somebody has to find out what was wrong",
            found=f"{len(found.versions)} of {len(made)}",
            help="Move the alias; delete nothing.",
        )
    ruled = decide(lab, four, recent)
    answer = lab.registry.rollback()
    expect.that(
        ruled.promoted and answer == one,
        expected=f"after two rollbacks and one more promotion, `rollback` answers with {one}: it served before",
        found=expect.shown(answer),
        help="The versions that were taken back do not count any more.",
    )
    with expect.raises("ValueError", what="`rollback` where nothing served before"):
        lab.registry.rollback()
    _judge_history(lab, person, [one, two, three, two, one, four, one])
    _judge_second_term(lab, one, two, three)


def _judge_second_term(lab: LabHandle, one: int, two: int, three: int) -> None:
    """A version may serve twice: the way back leads through both times."""
    for number in (two, one, three):
        lab.registry.crown(number, "promote")
    found: list[object] = []
    for wanted in (one, two, one):  # each before the next: one that went wrong may leave nothing to go back to
        found.append(lab.registry.rollback())
        expect.that(
            found[-1] == wanted,
            expected=f"after the champions {[one, two, one, three]}, `rollback` answers {[one, two, one]}",
            found=expect.shown(found),
            help="Go through the history from its beginning. A rollback takes back the promotion that is on top by "
            "then. A version that served twice stands there twice.",
        )


def _judge_history(lab: LabHandle, person: str, wanted: list[int]) -> None:
    table = expect.frame(lab.registry.champions(), "the history of champions", columns=["version", "at", "by", "why"])
    rows = [int(value) for value in expect.array(table["version"], "the column `version`")]
    expect.that(
        rows == wanted,
        expected=f"the history has {wanted}: each champion, each time",
        found=str(rows),
        help="`crown` writes it: call it once for each move of the alias, and set the alias nowhere else.",
    )
    reasons = ["promote" if place in (0, 1, 2, 5) else "rollback" for place in range(len(wanted))]
    expect.that(
        [str(one) for one in table["why"]] == reasons and set(table["by"]) == {person},
        expected=f"each entry says why ({', '.join(reasons)}) and who ({person})",
        found=f"{list(table['why'])}, {sorted(set(map(str, table['by'])))}"[:300],
        help="`crown(version, 'promote', name)` and `crown(version, 'rollback', name)`.",
    )


def judge_two_at_once(one: LabHandle, other: LabHandle, door: Door, rng: Generator) -> None:
    """Two processes promote two versions at once, through one server: one of them wins, and the other is told."""
    name = f"cottages-{secrets.token_hex(3)}"
    recent = draw_recent(rng)
    price = recent["price"].to_numpy(float)
    error = 0.15 * price * rng.uniform(0.4, 1.6, len(price))
    # The second and the third say the same: whoever comes second is no better than the champion that he finds.
    entries = [entry(recent, price + factor * error, "better") for factor in (1.0, 0.8, 0.8)]
    for place in (1, 2):
        entries[place]["many"] = 0.5  # long enough that both are at it
    made = [int(number) for number in one.make("mlops_probes.tracking:add_versions", name, recent, entries)]
    before = len(door.requests)
    first = one.registry.promote(made[0], recent, name=name)
    expect.handle(first, "the answer of `promote`")
    _judge_inside(door.requests[before:], "promote", "looks up, loads, measures and writes")
    told: dict[int, Any] = {}

    def promote(lab: LabHandle, version: int) -> None:
        try:
            told[version] = lab.registry.promote(version, recent, name=name)
        except Exception as error:
            told[version] = error

    threads = [
        threading.Thread(target=promote, args=(lab, version)) for lab, version in ((one, made[1]), (other, made[2]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = []
    for version, answer in told.items():
        if isinstance(answer, LearnerError):
            expect.that(
                answer.type_name.endswith("PromotionConflict"),
                expected="the one that comes too late gets a PromotionConflict, or a refusal",
                found=f"{answer.type_name}: {answer.message}"[:300],
            )
        elif isinstance(answer, Exception):
            raise answer
        elif _plain(expect.handle(answer, "the answer of `promote`").attr("promoted")) is True:
            won.append(version)
    expect.that(
        len(won) == 1,
        expected="one of two promoters at once wins, and the other is told",
        found=f"{len(won)} were promoted",
        help="Do all of it inside `with only_one(name):`, also looking up who is the champion. A lock of `threading` "
        "ends at the border of its process, and the other promoter runs on another machine.",
    )
    history = expect.frame(one.registry.champions(name), "the history of champions", columns=["version"])
    rows = [int(value) for value in expect.array(history["version"], "the column `version`")]
    champion = expect.number(one.registry.version_of("champion", name), "the version of `champion`")
    expect.that(
        rows == [made[0], *won] and champion == won[0],
        expected=f"the history [{made[0]}, {won[0]}], and `champion` at version {won[0]}",
        found=f"the history {rows}, and `champion` at version {champion:g}",
        help="The lock is held until the alias has moved.",
    )
    _judge_locked(one, door, name, ({made[1], made[2]} - set(won)).pop(), recent)
    one.make("mlops_probes.tracking:unlock", name)
    before = len(door.requests)
    try:
        answer = one.registry.rollback(name)
    except LearnerError as error:
        answer = f"{error.type_name}: {error.message}"[:200]
    going_back = door.requests[before:]
    champion = expect.number(one.registry.version_of("champion", name), "the version of `champion`")
    expect.that(
        answer == made[0] and champion == made[0],
        expected=f"`rollback({name!r})` puts version {made[0]} of that model back",
        found=f"the answer {expect.shown(answer)}, and its `champion` points to version {champion:g}",
        help="Hand on `name`: to `only_one`, to `champions` and to `crown`.",
    )
    _judge_inside(going_back, "rollback", "moves the champion")


def _judge_inside(asked: list[str], what: str, does: str) -> None:
    """The lock was taken once, and all of the work is between there and its end."""
    ends = [place for place, line in enumerate(asked) if re.search("/registered-models/(create|delete)[? ]", line)]
    work = [place for place, line in enumerate(asked) if re.search("/registered-models/alias|artifacts|set-tag", line)]
    expect.that(
        len(ends) == 2 and bool(work) and ends[0] < work[0] and work[-1] < ends[1],
        expected=f"`{what}` takes the lock once: it {does} while it holds it",
        found="the lock was not taken"
        if not ends
        else f"it was taken or given back {len(ends)} times"
        if len(ends) != 2
        else "some of it happened before the lock was held, or after it was given back",
        help="All of it happens inside one `with only_one(name):`. Else somebody else moves the champion meanwhile. A "
        "lock of `threading` ends at the border of its process, and the other promoter runs on another machine.",
    )


def _judge_locked(lab: LabHandle, door: Door, name: str, version: int, recent: pd.DataFrame) -> None:
    """While somebody else holds the lock, both functions say so, and have looked up nothing before."""
    lab.make("mlops_probes.tracking:lock", name)
    before = len(door.requests)
    for what, call in (
        ("promote", lambda: lab.registry.promote(version, recent, name=name)),
        ("rollback", lambda: lab.registry.rollback(name)),
    ):
        with expect.raises(
            "PromotionConflict",
            what=f"`{what}` while somebody else moves the champion of the same model",
            help="`with only_one(name):` around all of it, with the name of the model. Let its PromotionConflict go on "
            "to the caller.",
        ):
            call()
    early = [line for line in door.requests[before:] if "/registered-models/alias" in line or "artifacts" in line]
    expect.that(
        not early,
        expected="nothing is looked up, loaded or measured before the lock is held",
        found=f"{early[0][:120]}" if early else "",
        help="All of it happens inside `with only_one(name):`. A champion that was looked up before may be another one "
        "by the time that the lock is held.",
    )
