"""The rules of 6.2 as they are written: each query parsed, the names of recorded series followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from labkit.checks import Documents, Located, expect, fail

FILE = "rules.yml"
SCRAPE = timedelta(seconds=15)
"""How often the service is scraped, as `prometheus.yml` says."""
RECORDED = (
    "job:prediction_requests:rate5m",
    "job:prediction_errors:ratio_rate5m",
    "job:prediction_errors:ratio_rate30m",
    "job:prediction_errors:ratio_rate1h",
    "job:prediction_errors:ratio_rate6h",
    "job:prediction_duration_seconds:p99_5m",
)
SEVERITIES = {
    "ServiceDown": "page",
    "ErrorBudgetBurnsFast": "page",
    "ErrorBudgetBurnsSlowly": "ticket",
    "AnswersSlow": "ticket",
    "NoTraffic": "ticket",
    "ModelStale": "ticket",
    "FeatureDrift": "ticket",
}


@dataclass(frozen=True)
class Rule:
    """One rule: where it stands, its name, its query as a tree."""

    at: Located
    name: str
    tree: Any

    @property
    def is_alert(self) -> bool:
        """Whether it rings, or only records."""
        return "alert" in self.at


def read(documents: Documents) -> dict[str, Rule]:
    """Every rule by its name; fails where one cannot be read, or comes twice."""
    import promql_parser

    found: dict[str, Rule] = {}
    for group in documents.yaml(FILE).one()["groups"]:
        group["name"].of(str)
        for rule in group["rules"]:
            if ("alert" in rule) == ("record" in rule):
                fail(expected="a rule has either `record` or `alert`", found=str(rule), where=rule)
            name = rule["alert" if "alert" in rule else "record"].of(str)
            text = rule["expr"]
            try:
                # A number alone is a query, too.
                tree = promql_parser.parse(text.of(str) if isinstance(text.value, str) else str(text.value))
            except ValueError as error:
                fail(expected=f"the query of `{name}` is PromQL", found=str(error)[:300], where=text)
            if name in found:
                fail(expected=f"one rule `{name}`", found=f"another one in line {found[name].at.line}", where=rule)
            found[name] = Rule(rule, name, tree)
    return found


def rule(documents: Documents, name: str) -> Rule:
    """The rule of a name; fails where there is none."""
    rules = read(documents)
    if name not in rules:
        there = ", ".join(f"`{one}`" for one in rules)
        fail(expected=f"`{FILE}` has a rule `{name}`", found=there or "no rule", where=documents.yaml(FILE).one())
    return rules[name]


def nodes(tree: Any, beside: tuple[str, ...] = ()) -> Iterator[Any]:
    """Every part of a query, from the top down, without what stands inside calls of `beside`."""
    if kind(tree) == "Call" and tree.func.name in beside:
        return
    yield tree
    for name in ("lhs", "rhs", "expr", "vector_selector", "param"):
        below = getattr(tree, name, None)
        if below is not None and hasattr(below, "prettify"):
            yield from nodes(below, beside)
    for argument in getattr(tree, "args", None) or ():
        yield from nodes(argument, beside)


def kind(node: Any) -> str:
    """`Call`, `MatrixSelector`, …"""
    return type(node).__name__


def calls(tree: Any, *names: str) -> list[Any]:
    """The calls of these functions."""
    return [node for node in nodes(tree) if kind(node) == "Call" and node.func.name in names]


def followed(rules: dict[str, Rule], name: str, seen: frozenset[str] = frozenset()) -> list[Any]:
    """The query of a rule, and those of the rules whose series it names."""
    trees = [rules[name].tree]
    for node in nodes(rules[name].tree):
        used = getattr(node, "name", None) if kind(node) == "VectorSelector" else None
        if used in rules and used not in seen and used != name:
            trees += followed(rules, used, seen | {name})
    return trees


def judge_there(documents: Documents) -> None:
    """Each query can be parsed, and every rule that is asked for is there."""
    rules = read(documents)
    for name in RECORDED:
        if name not in rules or rules[name].is_alert:
            fail(expected=f"a recording rule `{name}`", found="there is none", where=documents.yaml(FILE).one())
    for name in SEVERITIES:
        if name not in rules or not rules[name].is_alert:
            fail(expected=f"an alert `{name}`", found="there is none", where=documents.yaml(FILE).one())


def judge_rates(documents: Documents) -> None:
    """What only rises is asked for its rate, over a window that holds some scrapes."""
    for one in read(documents).values():
        for node in nodes(one.tree, beside=("rate", "increase", "absent", "absent_over_time")):
            if selects(node) and counts_up(node.name):
                fail(
                    expected=f"`{node.name}` stands inside `rate(…[5m])` in `{one.name}`",
                    found=f"`{text(one.tree)[:200]}`",
                    help="A counter says how many there have been since the process began. It falls to 0 with each "
                    "restart. What you want to know is how many there are per second: `rate`. (`irate` looks at "
                    "two scrapes only.)",
                    where=one.at["expr"],
                )
        for node in nodes(one.tree):
            if kind(node) == "MatrixSelector" and node.range < 4 * SCRAPE:
                fail(
                    expected="each window holds four scrapes or more: `[1m]` where the service is scraped every 15 s",
                    found=f"`{text(node)}` in `{one.name}`",
                    help="`rate` needs two scrapes in its window. With a shorter one, or when one scrape is late, it "
                    "has no answer, and the alert is silent.",
                    where=one.at["expr"],
                )


def selects(node: Any) -> bool:
    """Whether it names a series."""
    return kind(node) == "VectorSelector" and bool(node.name)


def counts_up(name: str) -> bool:
    """Whether a metric of this name is a counter."""
    return ":" not in name and name.endswith(("_total", "_bucket", "_count", "_sum"))


def text(node: Any) -> str:
    """A part of a query in one line."""
    return re.sub(r"\s+", " ", node.prettify())


def unguarded(tree: Any) -> Any:
    """A query without `and …` or `unless …`, which leaves some of its answers out, and changes none."""
    while kind(tree) == "ParenExpr" or (kind(tree) == "BinaryExpr" and str(tree.op) in ("and", "unless")):
        tree = tree.expr if kind(tree) == "ParenExpr" else tree.lhs
    return tree


def judge_quantile(documents: Documents) -> None:
    """The 99th percentile comes from the buckets, added up before the quantile is taken."""
    one = rule(documents, RECORDED[-1])
    where, tree = one.at["expr"], unguarded(one.tree)
    found = calls(tree, "histogram_quantile")
    if len(found) != 1:
        averages = any(selects(node) and node.name.endswith(("_sum", "_count")) for node in nodes(one.tree))
        fail(
            expected=f"`{one.name}` is one `histogram_quantile(0.99, …)`",
            found=f"`{text(one.tree)[:200]}`",
            help="The sum by the count is the average. One answer of 30 s among 1,000 of 10 ms does not move it, and "
            "its caller has left."
            if averages
            else "",
            where=where,
        )
    around = [node for node in nodes(tree) if kind(node) == "AggregateExpr"]
    inside = [node for node in nodes(found[0]) if kind(node) == "AggregateExpr"]
    if len(around) > len(inside):
        fail(
            expected="the quantile is taken last",
            found=f"`{text(one.tree)[:200]}`",
            help="Quantiles have no average: the p99 of a route with two requests counts as much as that of one with a "
            "million. Add up the buckets first: `histogram_quantile(0.99, sum by (job, le) (rate(…_bucket[5m])))`.",
            where=where,
        )
    rules = read(documents)
    trees = [unguarded(tree) for tree in followed(rules, one.name)]
    names = {node.name for tree in trees for node in nodes(tree) if selects(node)} - set(rules)
    if names != {"http_request_duration_seconds_bucket"}:
        fail(expected="it asks `http_request_duration_seconds_bucket`", found=", ".join(sorted(names)), where=where)


def judge_alerts(documents: Documents, runbooks: str) -> None:
    """Each alert waits, says how urgent it is, what is wrong, and what to do."""
    headings = {anchor(line[3:]) for line in runbooks.splitlines() if line[:3] == "## "}
    rules = read(documents)
    for name, severity in SEVERITIES.items():
        at = rule(documents, name).at
        if "for" not in at or not 60 <= seconds(at["for"].value) <= 3600:
            fail(
                expected=f"`{name}` waits with `for`, a minute to an hour",
                found=str(at.get("for") or "no `for`"),
                help="Without it, one bad scrape wakes somebody. When the second one is good, nobody believes the next "
                "alert.",
                where=at.nearest("for"),
            )
        found = at["labels"]["severity"]
        expect.that(
            found.of(str) == severity, expected=f"the severity of `{name}` is `{severity}`", found=found, where=found,
            help="A page gets somebody out of bed. What can wait until the morning is a ticket.",
        )  # fmt: skip
        summary = at["annotations"]["summary"]
        expect.that(summary.of(str).strip(), expected=f"`{name}` has a summary", found=summary, where=summary)
        runbook = at["annotations"]["runbook"]
        file, _, heading = runbook.of(str).partition("#")
        if file != "runbooks.md" or heading not in headings:
            known = ", ".join(f"`runbooks.md#{one}`" for one in sorted(headings))
            fail(
                expected=f"the runbook of `{name}` is there: {known}",
                found=str(runbook),
                help="Somebody opens it at three in the morning.",
                where=runbook,
            )
    for one in rules.values():
        if one.is_alert and one.name not in SEVERITIES and "for" not in one.at:
            fail(expected=f"`{one.name}` waits with `for`", found="no `for`", where=one.at)


def anchor(title: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def seconds(value: object) -> float:
    """A duration of Prometheus, `1h30m`; 0 where it is none."""
    import promql_parser

    try:
        return promql_parser.parse_duration(str(value)).total_seconds()
    except ValueError:
        return 0.0


def judge_absent(documents: Documents) -> None:
    """What rings when something is missing rings also when its series are gone."""
    rules = read(documents)
    for name in ("ServiceDown", "NoTraffic"):
        at = rule(documents, name).at
        trees = followed(rules, name)
        zero = any(kind(node) == "Call" and node.func.name == "vector" for tree in trees for node in nodes(tree))
        if not zero and not any(calls(tree, "absent", "absent_over_time") for tree in trees):
            fail(
                expected=f"`{name}` rings also where the series is gone: `… or absent(…)`",
                found=f"`{text(rules[name].tree)[:200]}`",
                help="A comparison with nothing is nothing. When the service is gone, so are its series after five "
                "minutes, and the alert that should tell of it goes back to sleep.",
                where=at["expr"],
            )


def judge_windows(documents: Documents) -> None:
    """Each alert of the error budget looks at a long window and a short one."""
    rules = read(documents)
    for name, windows in (("ErrorBudgetBurnsFast", (60, 5)), ("ErrorBudgetBurnsSlowly", (360, 30))):
        at = rule(documents, name).at
        found = {
            int(node.range.total_seconds() // 60)
            for tree in followed(rules, name)
            for node in nodes(tree)
            if kind(node) == "MatrixSelector"
        }
        if not set(windows) <= found:
            fail(
                expected=f"`{name}` looks at the last {windows[0]} and the last {windows[1]} minutes",
                found=f"windows of {', '.join(map(str, sorted(found))) or 'no'} minutes",
                help="The long window keeps a hiccup from ringing. The short one lets the alert end soon after the "
                "mistake has ended.",
                where=at["expr"],
            )
