"""Judges the dashboard (6.7): what its panels ask, by PromQL's own grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import promql_parser as promql

from lab6_judges.houses import Generator
from labkit.checks import LabHandle, expect, fail

PANELS = {
    "Requests": ("reqps", {"route"}),
    "Errors": ("percentunit", set()),
    "Latency": ("s", {"route"}),
    "Predictions": ("cps", {"version", "arm"}),
    "Price": ("currencyUSD", {"version"}),
    "Unseen zipcodes": ("percentunit", set()),
    "Model age": ("s", {"model"}),
    "Drift": ("short", {"feature"}),
}
QUESTIONS = {
    "Requests": "How many requests per second, by route?",
    "Errors": "Which share of all requests ends with a status of 500 or more?",
    "Latency": "Within which time are 99 of 100 requests answered, by route?",
    "Predictions": "How many houses are priced per second, by version and arm?",
    "Price": "What is the median of the prices that are given, by version?",
    "Unseen zipcodes": "Which share of the priced houses has a zipcode that the model has never seen?",
    "Model age": "How long ago was the newest version of a model made, by model?",
    "Drift": "How far are the houses from those of the training (0.2 is far), by feature?",
}
COUNTERS = {"http_requests_total", "predictions_total", "unseen_category_total"}
HISTOGRAMS = {"http_request_duration_seconds", "prediction_usd"}
PARTS = {f"{name}_{end}" for name in HISTOGRAMS for end in ("bucket", "sum", "count")}
GAUGES = {"model_trained_timestamp_seconds", "service_build_info", "feature_drift_score"}
FEATURES = re.compile(r"house_feature_(sqft_living|grade|yr_built)_(bucket|sum|count)")
PER_SECOND = ("Requests", "Predictions")
LABELS = {"method", "route", "status", "version", "arm", "model", "feature", "revision", "le", "job", "instance"}
# What a query must not leave out: some values of each label.
ALL = {
    "route": ("/livez", "/v1/house-price", "other"),
    "method": ("GET", "POST"),
    "version": ("a47d26ec4561", "0"),
    "arm": ("champion", "challenger"),
    "model": ("house_price", "iris"),
    "job": ("predictions", "drift"),
    "instance": ("127.0.0.1:8000", "pod-1:8000"),
}
STATUSES = {
    **dict.fromkeys(("200", "301", "400", "404", "422", "429"), False),
    **dict.fromkeys(("500", "502", "503", "504"), True),
}
"""Whether a status is an error of the service."""
WINDOW = "$__rate_interval"
READ_AS, LENGTH = "3h47m", timedelta(hours=3, minutes=47)  # nobody writes that
OF_ONE_PANEL = {
    "Requests": {"http_requests_total"},
    "Errors": {"http_requests_total"},
    "Latency": {"http_request_duration_seconds_bucket"},
    "Predictions": {"predictions_total"},
    "Price": {"prediction_usd_bucket"},
    "Unseen zipcodes": {"unseen_category_total", "predictions_total"},
    "Model age": {"model_trained_timestamp_seconds"},
    "Drift": {"feature_drift_score"},
}
SAME = {"prediction_usd_count": "predictions_total", "http_request_duration_seconds_count": "http_requests_total"}
"""Metrics that count the same: what is put into a histogram is counted there, too."""


def ask(lab: LabHandle) -> dict[str, str]:
    """The learner's queries, each a text."""
    found = lab.dashboard.queries()
    if not isinstance(found, dict) or set(found) != set(PANELS):
        fail(expected=f"a query for each of {', '.join(PANELS)}", found=expect.shown(found))
    return {title: expect.text(found[title], f"the query of `{title}`") for title in PANELS}


def parsed(title: str, query: str) -> promql.Expr:
    """The query as a tree. Grafana's window becomes one that PromQL can read."""
    try:
        return promql.parse(query.replace(WINDOW, READ_AS))
    except ValueError as error:
        fail(expected=f"the query of `{title}` is PromQL", found=f"{query}: {error}")


def walk(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Each part of a query, with what stands around it, from the outside."""
    yield node, above
    for part in parts_of(node):
        yield from walk(part, (*above, node))


def parts_of(node: Any) -> list[Any]:
    """What a part of a query consists of."""
    below = {
        promql.AggregateExpr: ("expr", "param"),
        promql.BinaryExpr: ("lhs", "rhs"),
        promql.ParenExpr: ("expr",),
        promql.UnaryExpr: ("expr",),
        promql.SubqueryExpr: ("expr",),
        promql.MatrixSelector: ("vector_selector",),
    }
    parts = [getattr(node, name, None) for name in below.get(type(node), ())]
    return [*(part for part in parts if part is not None), *(node.args if isinstance(node, promql.Call) else ())]


def selectors(tree: promql.Expr) -> list[tuple[Any, tuple[Any, ...]]]:
    """The metrics that a query asks for, each with what stands around it."""
    return [(node, above) for node, above in walk(tree) if isinstance(node, promql.VectorSelector)]


def calls(above: tuple[Any, ...], *names: str) -> bool:
    """Whether one of these functions stands around."""
    return any(isinstance(node, promql.Call) and node.func.name in names for node in above)


def judge_metrics(lab: LabHandle) -> None:
    """Fail where a query asks for what the service does not have, or not for what its question is about."""
    for title, query in ask(lab).items():
        names = {node.name for node, _ in selectors(parsed(title, query))}
        known = COUNTERS | PARTS | GAUGES
        unknown = sorted(name for name in names if name not in known and not FEATURES.fullmatch(str(name)))
        expect.that(
            not unknown,
            expected=f"`{title}` asks for metrics of `metrics.py` or `drift_job.py`",
            found=", ".join(map(str, unknown)),
            help="A panel that asks for a metric that nobody has is empty, and says nothing. A counter's name ends in "
            "`_total`, the buckets of a histogram in `_bucket`.",
        )
        missing = sorted(OF_ONE_PANEL[title] - {SAME.get(name, name) for name in names})
        why = ""
        if title == "Latency" and {"http_request_duration_seconds_sum"} & names:
            why = (
                "A mean hides the slow ones: of 100 requests, one that takes 10 s is 0.1 s more. Ask for the quantile."
            )
        expect.that(not missing, expected=f"`{title}` asks for {', '.join(missing)}", found=query, help=why)


def judge_rates(lab: LabHandle) -> None:
    """Fail where a counter is shown as it is, or over a window that a scrape may miss."""
    for title, query in ask(lab).items():
        for node, above in selectors(parsed(title, query)):
            if node.name in GAUGES:
                expect.that(
                    not any(isinstance(one, promql.MatrixSelector) for one in above),
                    expected=f"`{node.name}` as it is in `{title}`",
                    found=query,
                    help="A gauge rises and falls, and its value is the answer. `rate` takes each fall for a "
                    "restart, and an average of some minutes hides what it is now.",
                )
            for label, values in ALL.items():
                left_out = [value for value in values if not _matches(node, label, value)]
                if label not in ("job", "instance") or len(left_out) == len(values):
                    expect.that(
                        not left_out,
                        expected=f"`{title}` of all that there is",
                        found=f"{query}, which leaves out {label}={', '.join(left_out)}",
                        help="The question names no such limit, and nobody sees what is left out.",
                    )
            if node.name not in COUNTERS | PARTS:
                continue
            expect.that(
                calls(above, "rate", "increase"),
                expected=f"the rate of `{node.name}` in `{title}`",
                found=query,
                help="A counter only rises, and begins again at 0 at each start. What tells something is its `rate`.",
            )
            expect.that(
                calls(above, "rate") or title not in PER_SECOND,
                expected=f"`{title}` per second",
                found=query,
                help="`increase` is how many there were in the whole window: it grows with the step of the graph.",
            )
        for node, _ in walk(parsed(title, query)):
            scaled = isinstance(node, promql.BinaryExpr) and str(node.op) in ("*", "/")
            factors = [constant(side) for side in (node.lhs, node.rhs)] if scaled else []
            expect.that(
                None not in factors or all(one in (None, 0, 1) for one in factors),
                expected=f"`{title}` in its unit, `{PANELS[title][0]}`",
                found=query,
                help="Times are seconds, and shares lie between 0 and 1: Grafana makes days and percent of them, by "
                "the unit.",
            )
            expect.that(
                not isinstance(node, promql.MatrixSelector) or node.range == LENGTH,
                expected=f"`{title}` looks at a window of `{WINDOW}`",
                found=query,
                help="A fixed window is too short where the scrapes are far apart: `rate` needs two of them.",
            )


def judge_labels(lab: LabHandle) -> None:
    """Fail where an answer has other labels than its question."""
    for title, query in ask(lab).items():
        wanted = PANELS[title][1]
        tree = parsed(title, query)
        for node, above in selectors(tree):
            sums = [one for one in above if isinstance(one, promql.AggregateExpr)]
            expect.that(
                sums,
                expected=f"`{title}` adds up all instances" + (f", by {', '.join(sorted(wanted))}" if wanted else ""),
                found=query,
                help="Without `sum` there is a line for each pod and each label.",
            )
            ops = {str(one.op) for one in sums}
            expect.that(
                node.name in GAUGES or ops == {"sum"},
                expected=f"`{title}` is the `sum` of all instances",
                found=query,
                help="What several instances have counted is added up: their average falls with each one that is "
                "started.",
            )
            expect.that(
                not _is_without(sums[0]),
                expected=f"`{title}` says which labels are left: `by (…)`",
                found=query,
                help="`without` leaves every label that it does not name, also those that Prometheus adds: `job` and "
                "`instance`, and on a cluster whatever else a target has.",
            )
            kept, last = _kept(sums[-1]), _kept(sums[0])
            needed = wanted | ({"le"} if str(node.name).endswith("_bucket") else set())
            expect.that(
                len(sums) == 1 or last in (wanted, needed),
                expected=f"the answer of `{title}` by {', '.join(sorted(wanted)) or 'nothing'}",
                found=f"{query}, which has {', '.join(sorted(last)) or 'no label'} at last",
                help="The outermost `sum` decides which labels are left.",
            )
            if "le" in needed - kept:
                why = "`histogram_quantile` reads the label `le`: keep it in `sum by (le, …)`."
            elif "instance" in kept or "pod" in kept:
                why = "A line for each pod is for those who look for a pod."
            else:
                why = f"The question is: {'by ' + ' and '.join(sorted(wanted)) if wanted else 'of all'}."
            expect.that(
                kept == needed or (len(sums) > 1 and kept > needed),  # what is too much, the outermost takes away
                expected=f"`{node.name}` in `{title}` by {', '.join(sorted(needed)) or 'nothing'}",
                found=", ".join(sorted(kept)) or "no label",
                help=why,
            )


def _kept(aggregate: Any) -> set[str]:
    """The labels that an aggregation leaves."""
    named = set(aggregate.modifier.labels) if aggregate.modifier is not None else set()
    return LABELS - named if _is_without(aggregate) else named


def _is_without(aggregate: Any) -> bool:
    return aggregate.modifier is not None and "By" not in str(aggregate.modifier.type)


def judge_quantiles(lab: LabHandle) -> None:
    """Fail where a quantile is another one, or an average of quantiles."""
    for title, share in (("Latency", 0.99), ("Price", 0.5)):
        query = ask(lab)[title]
        found = [(node, above) for node, above in walk(parsed(title, query)) if _is_quantile(node)]
        expect.that(found, expected=f"`{title}` is a `histogram_quantile`", found=query)
        for node, above in found:
            around = [one for one in above if isinstance(one, promql.AggregateExpr)]
            expect.that(
                not around,
                expected=f"`{title}` is a quantile of the summed buckets",
                found=query,
                help="An average of quantiles is the quantile of nothing: an idle pod counts like a busy one.",
            )
            number = constant(node.args[0])
            expect.that(number == share, expected=f"the {share} quantile in `{title}`", found=number)


def constant(node: Any) -> float | None:
    """The number that is written there, also as `1 / 2`."""
    if isinstance(node, promql.NumberLiteral):
        return float(node.val)
    if isinstance(node, promql.ParenExpr):
        return constant(node.expr)
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "/":
        above, below = constant(node.lhs), constant(node.rhs)
        return above / below if above is not None and below else None
    return None


def _is_quantile(node: Any) -> bool:
    return isinstance(node, promql.Call) and node.func.name == "histogram_quantile"


def judge_shares(lab: LabHandle) -> None:
    """Fail where a share is none: no ratio, or one of something else."""
    for title, above_line in (("Errors", "http_requests_total"), ("Unseen zipcodes", "unseen_category_total")):
        query = ask(lab)[title]
        tree = parsed(title, query)
        ratios = [node for node, _ in walk(tree) if isinstance(node, promql.BinaryExpr) and str(node.op) == "/"]
        help_text = "Ten errors a second are many or few: divide by how many there were in all."
        expect.that(
            len(ratios) == 1,
            expected=f"`{title}` is a share: one thing divided by another",
            found=query,
            help=help_text,
        )
        _judge_nothing_below(title, query, tree, ratios[0])
        parts = [_counted(side) for side in (ratios[0].lhs, ratios[0].rhs)]
        below_line = "http_requests_total" if title == "Errors" else "predictions_total"
        names = [{SAME.get(node.name, node.name) for node in side} for side in parts]
        expect.that(
            names == [{above_line}, {below_line}],
            expected=f"`{title}` is {above_line} ÷ {below_line}",
            found=f"{', '.join(map(str, names[0]))} ÷ {', '.join(map(str, names[1]))}",
        )
        if title == "Errors":
            for status, counts in STATUSES.items():
                expect.that(
                    _times_counted(ratios[0].lhs, status) == (counts != _is_one_minus(tree)),
                    expected=f"a status of {status} is {'an' if counts else 'no'} error of the service",
                    found=query,
                    help="404 and 422 are the caller's mistakes: there is nothing to mend.",
                )
            expect.that(
                all(_matches(node, "status", status) for node in parts[1] for status in ("200", "404", "500")),
                expected="the share of all requests",
                found=query,
                help="Below the line stand all requests, also those that went well.",
            )


def _counted(side: Any) -> list[Any]:
    """What a side of a share counts. `0 * x` is 0, and there only so that there is an answer."""
    return [
        node
        for node, above in selectors(side)
        if not any(isinstance(one, promql.BinaryExpr) and str(one.op) == "*" and _has_zero(one) for one in above)
    ]


def _times_counted(node: Any, status: str) -> int:
    """How often a request with this status counts: `all - well` counts what went wrong once, and the others never."""
    if isinstance(node, promql.VectorSelector):
        return int(_matches(node, "status", status))
    if isinstance(node, promql.BinaryExpr):
        sides = [_times_counted(side, status) if _counted(side) else 0 for side in (node.lhs, node.rhs)]
        if str(node.op) == "*" and _has_zero(node):
            return 0
        if str(node.op) in ("+", "-"):
            return sides[0] + sides[1] * (1 if str(node.op) == "+" else -1)
        return sides[0] if _counted(node.lhs) else sides[1]
    return next((_times_counted(part, status) for part in parts_of(node) if _counted(part)), 0)


def _has_zero(product: Any) -> bool:
    return any(constant(part) == 0 for part in (product.lhs, product.rhs))


def _is_one_minus(tree: Any) -> bool:
    """Whether a share is what is left of 1."""
    while isinstance(tree, promql.ParenExpr):
        tree = tree.expr
    return isinstance(tree, promql.BinaryExpr) and str(tree.op) == "-" and constant(tree.lhs) == 1


def _judge_nothing_below(title: str, query: str, tree: Any, ratio: Any) -> None:
    """Fail where a share has an answer though there is nothing to divide by."""
    around = next(above for node, above in walk(tree) if node is ratio)
    made_up = [
        one for one in around if isinstance(one, promql.BinaryExpr) and str(one.op) == "or" and not _needs_some(one.rhs)
    ]
    for node, _ in walk(ratio.rhs):
        changed = isinstance(node, promql.Call) and node.func.name not in ("rate", "increase")
        if changed or (isinstance(node, promql.BinaryExpr) and str(node.op) == "or"):
            made_up.append(node)
    expect.that(
        not made_up,
        expected=f"`{title}` answers with no number where there is nothing to divide by, or 0",
        found=query,
        help="A share of no requests is no share. 0 would say that all is well, also where nobody reaches the service.",
    )


def _needs_some(side: Any) -> bool:
    """Whether it has an answer only where there is more than 0 of something: `(x > 0) * 0`."""
    return any(
        isinstance(node, promql.BinaryExpr) and str(node.op) == ">" and constant(node.rhs) == 0
        for node, _ in walk(side)
    )


def _matches(node: Any, label: str, value: str) -> bool:
    for matcher in node.matchers.matchers:
        if matcher.name == label:
            same = re.fullmatch(matcher.value, value) if "Re" in str(matcher.op) else matcher.value == value
            if bool(same) == ("Not" in str(matcher.op)):
                return False
    return True


def judge_age(lab: LabHandle) -> None:
    """Fail where the age is a date, or where what does not add up is added up."""
    query = ask(lab)["Model age"]
    tree = parsed("Model age", query)
    now = [node for node, _ in walk(tree) if isinstance(node, promql.Call) and node.func.name == "time"]
    minus = [node for node, _ in walk(tree) if isinstance(node, promql.BinaryExpr) and str(node.op) == "-"]
    good = now and minus and any(isinstance(part, promql.Call) for part, _ in walk(minus[0].lhs))
    newest = [
        str(node.op) == ("min" if any(isinstance(part, promql.Call) for part, _ in walk(node.expr)) else "max")
        for node, _ in walk(tree)
        if isinstance(node, promql.AggregateExpr) and str(node.op) in ("min", "max", "avg")
    ]
    why = "The metric is the moment, in seconds since 1970: `time()` is now."
    expect.that(good, expected="now minus the moment at which the model was made", found=query, help=why)
    summed = [node for node, _ in walk(tree) if isinstance(node, promql.AggregateExpr) and str(node.op) == "sum"]
    expect.that(
        not summed,
        expected="the age of a model, however many instances serve it",
        found=query,
        help="Moments do not add up: three pods make no model that is three times as old. `max by (model)`.",
    )
    expect.that(
        all(newest),
        expected="the age of the newest version",
        found=query,
        help="An instance that still has an old version must not hide the new one: the newest moment is the `max`, and "
        "the youngest age the `min`.",
    )
    query = ask(lab)["Drift"]
    nodes = [node for node, _ in walk(parsed("Drift", query)) if isinstance(node, promql.AggregateExpr)]
    expect.that(
        all(str(node.op) in ("max", "avg", "min") for node in nodes),
        expected="the score of a feature, however many jobs say it",
        found=query,
        help="Scores do not add up: two jobs that see the same houses make no houses that are twice as far. `max by "
        "(feature)`.",
    )


def judge_board(lab: LabHandle, rng: Generator) -> None:
    """Fail where the dashboard is not the panels with these queries."""
    source = f"prometheus-{rng.integers(1_000, 9_999)}"
    lab.dashboard.build_dashboard("another-source")  # the next call is for another machine
    board, again = lab.dashboard.build_dashboard(source), lab.dashboard.build_dashboard(source)
    if not isinstance(board, dict) or not isinstance(board.get("panels"), list):
        fail(expected="the JSON model of a dashboard, with `panels`", found=expect.shown(board))
    expect.that(
        board == again,
        expected="two calls return the same",
        found="another dashboard",
        help="Else each start is a change.",
    )
    expect.that(board.get("uid") == "house-prices", expected="the uid `house-prices`", found=board.get("uid"))
    expect.that(board.get("title") == "House prices", expected="the title `House prices`", found=board.get("title"))
    panels = [panel for panel in board["panels"] if isinstance(panel, dict) and panel.get("type") != "row"]
    titles = [panel.get("title") for panel in panels]
    expect.that(titles == list(PANELS), expected=f"the panels {', '.join(PANELS)}", found=titles)
    ids = [panel.get("id") for panel in panels]
    expect.that(len(set(ids)) == len(ids) and None not in ids, expected="an id of its own for each panel", found=ids)
    asked = ask(lab)
    questions = {str(panel.get("description")) for panel in panels}
    expect.that(len(questions) == len(panels), expected="each panel has its own question", found=questions)
    for panel in panels:
        title = panel["title"]
        expect.that(panel.get("type") == "timeseries", expected=f"`{title}` is a time series", found=panel.get("type"))
        unit = (panel.get("fieldConfig") or {}).get("defaults", {}).get("unit")
        wanted = PANELS[title][0]
        why = "Without a unit 0.004 may be anything."
        expect.that(unit == wanted, expected=f"the unit `{wanted}` in `{title}`", found=unit, help=why)
        told = str(panel.get("description") or "")
        expect.that(
            told.strip() == QUESTIONS[title],
            expected=f"the question of `{title}` as its description: {QUESTIONS[title]}",
            found=told or "nothing",
        )
        # It may stand at the panel, at each query, or at both.
        own = panel.get("datasource")
        sources = [*([own] if own else []), *(one.get("datasource") or own for one in panel.get("targets") or [{}])]
        kinds = {(one or {}).get("type", "prometheus") for one in sources}
        uids = {(one or {}).get("uid") for one in sources}
        expect.that(kinds == {"prometheus"}, expected=f"a data source of the type prometheus in `{title}`", found=kinds)
        why = "Where the uid is fixed, the dashboard is empty on the next machine."
        expect.that(uids == {source}, expected=f"the data source {source} in `{title}`", found=uids, help=why)
        queries = [one.get("expr") for one in panel.get("targets") or []]
        expect.that(queries == [asked[title]], expected=f"the query of `queries()` in `{title}`", found=queries)
