"""Judgements of 6.3: drawn alerts go through the tree of routes as in Alertmanager, and through its inhibitions."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lab6_judges.queries import SEVERITIES, seconds
from labkit.checks import Documents, Located, expect, fail
from labkit.tools import find

FILE = "alertmanager.yml"
URLS = {"pager": "http://127.0.0.1:9099/page", "tickets": "http://127.0.0.1:9099/ticket"}
SILENCED = {"ServiceDown": {"NoTraffic", "AnswersSlow"}, "ErrorBudgetBurnsFast": {"ErrorBudgetBurnsSlowly"}}
Alert = dict[str, str]

_MATCHER = re.compile(r'\s*(?P<name>[A-Za-z_][\w]*)\s*(?P<kind>=~|!~|!=|=)\s*(?P<value>"(?:[^"\\]|\\.)*"|[^",}]*)\s*')
_INHERITED = {"group_wait": 30.0, "group_interval": 300.0, "repeat_interval": 4 * 3600.0}


@dataclass(frozen=True)
class Node:
    """A route that an alert has ended in: its receiver and how it groups and waits, with what it has inherited."""

    at: Located
    receiver: str
    group_by: tuple[str, ...]
    times: dict[str, float]


def matches(where: Located | None, alert: Alert) -> bool:
    """Whether an alert has what a list of matchers asks for, as text: `severity="page"`."""
    return where is None or all(_holds(one, alert) for one in where)


def _holds(at: Located, alert: Alert) -> bool:
    text = at.of(str).strip()
    inside = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    place, good = 0, True
    while place < len(inside):
        match = _MATCHER.match(inside, place)
        if match is None or (match.end() < len(inside) and inside[match.end()] != ","):
            fail(
                expected='matchers such as `severity="page"`', found=str(at), where=at,
                help="A name, one of `=`, `!=`, `=~`, `!~`, and a value in quotes.",
            )  # fmt: skip
        value = match["value"]
        value = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value.strip()
        good = good and _compare(at, match["kind"], alert.get(match["name"], ""), value)
        place = match.end() + 1
    return good


def _compare(at: Located, kind: str, found: str, value: str) -> bool:
    if kind in ("=", "!="):
        return (found == value) == (kind == "=")
    # What takes forever in Python's `re` is refused: Alertmanager's own patterns cannot.
    value = value.replace("(?:", "(")
    repeated = len(re.findall(r"[*+]", value)) > 3 or re.search(r"\)[*+]", value)
    if not re.fullmatch(r"[\w|.*+()^$-]{0,200}", value) or repeated:
        fail(expected="a simple pattern: names with `|` between them", found=str(at), where=at)
    try:
        there = re.fullmatch(value, found) is not None
    except re.error as error:
        fail(expected="a pattern that can be read", found=str(error), where=at)
    return there == (kind == "=~")


def _old_matchers(at: Located, alert: Alert, prefix: str = "") -> bool:
    """`match` and `match_re`, as they were written before version 0.22."""
    plain, patterns = at.get(f"{prefix}match"), at.get(f"{prefix}match_re")
    good = plain is None or all(alert.get(name, "") == value.of(str) for name, value in plain.items())
    if patterns is None:
        return good
    return good and all(_compare(value, "=~", alert.get(name, ""), value.of(str)) for name, value in patterns.items())


def route(document: Located, alert: Alert) -> list[Node]:
    """Where Alertmanager sends an alert."""
    top = document["route"]
    start = Node(top, top["receiver"].of(str), (), dict(_INHERITED))
    return _below(_node(top, start), alert)


def _node(at: Located, above: Node) -> Node:
    receiver, by = at.get("receiver"), at.get("group_by")
    times = {key: seconds(at[key].value) if key in at else value for key, value in above.times.items()}
    groups = above.group_by if by is None else tuple(one.of(str) for one in by)
    return Node(at, above.receiver if receiver is None else receiver.of(str), groups, times)


def _below(node: Node, alert: Alert) -> list[Node]:
    found: list[Node] = []
    for child in node.at.get("routes") or ():
        if matches(child.get("matchers"), alert) and _old_matchers(child, alert):
            found += _below(_node(child, node), alert)
            more = child.get("continue")
            if more is None or more.value is not True:
                break
    return found or [node]


def silences(document: Located, source: Alert, target: Alert) -> Located | None:
    """The rule by which an alert that rings silences another one."""
    for rule in document.get("inhibit_rules") or ():
        sources = matches(rule.get("source_matchers"), source) and _old_matchers(rule, source, "source_")
        targets = matches(rule.get("target_matchers"), target) and _old_matchers(rule, target, "target_")
        # An alert that is on both sides does not silence itself, nor others that are.
        both = matches(rule.get("target_matchers"), source) and _old_matchers(rule, source, "target_")
        both = both and matches(rule.get("source_matchers"), target) and _old_matchers(rule, target, "source_")
        names = [one.of(str) for one in rule.get("equal") or ()]
        if sources and targets and not both and all(source.get(name, "") == target.get(name, "") for name in names):
            return rule
    return None


def draw(rng: np.random.Generator, name: str, job: str = "predictions") -> Alert:
    """An alert of our rules, with labels as they come."""
    extra = {"FeatureDrift": {"feature": f"f{rng.integers(99)}"}, "ModelStale": {"model": "iris"}}
    place = {"instance": f"10.0.0.{rng.integers(250)}:8000"} if name == "ServiceDown" else {}
    return {"alertname": name, "job": job, "severity": SEVERITIES[name], **extra.get(name, {}), **place}


def read(documents: Documents) -> Located:
    """The configuration."""
    return documents.yaml(FILE).one()


def judge_routes(documents: Documents, rng: np.random.Generator) -> None:
    """Pages go to the pager alone, everything else to the tickets."""
    document = read(documents)
    alerts = [draw(rng, name) for name in SEVERITIES]
    odd = {"alertname": f"Other{rng.integers(99)}", "job": "other"}
    alerts += [odd, {**odd, "severity": f"level{rng.integers(9)}"}, {**odd, "severity": "page"}]
    alerts += [{**odd, "severity": severity} for severity in (f"page-{rng.integers(9)}", "critical", "warning")]
    for alert in alerts:
        wanted = "pager" if alert.get("severity") == "page" else "tickets"
        nodes = route(document, alert)
        found = [node.receiver for node in nodes]
        if found != [wanted]:
            severity = f'severity="{alert["severity"]}"' if "severity" in alert else "no severity"
            fail(
                expected=f"`{alert['alertname']}` of the job `{alert['job']}`, {severity}, goes to `{wanted}`",
                found=" and ".join(f"`{one}`" for one in found),
                help="The top route takes what no other one wants: a typo in a severity must not lose an alert. The "
                "first route that matches takes an alert; without `continue` no other one sees it.",
                where=nodes[0].at,
            )


def judge_receivers(documents: Documents) -> None:
    """Both receivers are our webhooks, and are told of the end."""
    receivers = read(documents)["receivers"]
    for name, url in URLS.items():
        named = [one for one in receivers if one["name"].of(str) == name]
        if len(named) != 1:
            fail(expected=f"one receiver `{name}`", found=f"{len(named)}", where=receivers)
        hooks = named[0]["webhook_configs"]
        found = [hook["url"] for hook in hooks]
        if [one.of(str) for one in found] != [url]:
            shown = ", ".join(str(one) for one in found)
            fail(expected=f"`{name}` is a webhook to {url}", found=shown or "none", where=hooks)
        resolved = hooks[0].get("send_resolved")
        if resolved is not None and resolved.value is not True:
            fail(
                expected=f"`{name}` is told when it is over",
                found=str(resolved),
                help="Else somebody works at three in the morning on what has mended itself.",
                where=resolved,
            )


def judge_groups(documents: Documents, rng: np.random.Generator) -> None:
    """One message for each alert of a job, a page at once, a ticket once a day."""
    document = read(documents)
    odd: Alert = {"alertname": f"Other{rng.integers(99)}", "job": "other"}
    others = [odd, {**odd, "severity": "critical"}, {**odd, "severity": "page"}, {**odd, "severity": "ticket"}]
    for alert in [*(draw(rng, name) for name in SEVERITIES), *others]:
        name, told = alert["alertname"], alert.get("severity", "")
        severity = "page" if told == "page" else "ticket"
        if alert in others:
            name = f"{name}, with " + (f'severity="{told}"' if told else "no severity")
        node = route(document, alert)[0]
        for muted in ("mute_time_intervals", "active_time_intervals"):
            if muted in node.at:
                fail(
                    expected=f"`{name}` is told at any hour", found=f"`{muted}`", where=node.at[muted],
                    help="Nothing is silenced but what follows from another alert.",
                )  # fmt: skip
        if set(node.group_by) != {"alertname", "job"}:
            everything = "..." in node.group_by or {"instance", "feature"} & set(node.group_by)
            fail(
                expected=f"`{name}` is grouped by `alertname` and `job`",
                found=", ".join(node.group_by) or "no `group_by`",
                help="Then 17 features that drift are 17 messages."
                if everything
                else "Then alerts that have nothing to do with each other come as one message, and the second one "
                "waits for the `group_interval` of the first.",
                where=node.at.nearest("group_by"),
            )
        wait, repeat = node.times["group_wait"], node.times["repeat_interval"]
        if severity == "page" and wait > 30:
            fail(
                expected=f"`{name}` leaves within 30 seconds: `group_wait`", found=f"{wait:g} s",
                where=node.at.nearest("group_wait"),
            )  # fmt: skip
        if severity == "page" and repeat > 4 * 3600:
            fail(
                expected=f"`{name}` is repeated every 4 hours or more often", found=f"every {repeat / 3600:g} hours",
                help="A page that nobody has seen must come again.", where=node.at.nearest("repeat_interval"),
            )  # fmt: skip
        if severity == "ticket" and repeat < 24 * 3600:
            fail(
                expected=f"`{name}` is repeated once a day or less", found=f"every {repeat / 3600:g} hours",
                help="What comes every four hours is filtered into a folder by Friday.",
                where=node.at.nearest("repeat_interval"),
            )  # fmt: skip


def judge_inhibitions(documents: Documents, rng: np.random.Generator) -> None:
    """What follows from an alert is silent while it rings, and nothing else."""
    document = read(documents)
    for source in SEVERITIES:
        for target in SEVERITIES:
            for job in ("predictions", f"other{rng.integers(99)}"):
                _judge_pair(document, draw(rng, source), draw(rng, target, job), source, target)
        for told in ({}, {"severity": "ticket"}, {"severity": "page"}):
            one, other = draw(rng, source), {"alertname": f"Other{rng.integers(99)}", "job": "predictions", **told}
            for first, second in ((one, other), (other, one)):
                rule = silences(document, first, second)
                if rule is not None:
                    fail(
                        expected=f"`{second['alertname']}` rings also while `{first['alertname']}` does",
                        found="it is silenced", where=rule,
                        help="Name what is silent, and by what: an alert that somebody adds next year follows from "
                        "nothing yet.",
                    )  # fmt: skip


def _judge_pair(document: Located, one: Alert, other: Alert, source: str, target: str) -> None:
    same = one["job"] == other["job"]
    wanted = same and target in SILENCED.get(source, set())
    found = silences(document, one, other)
    if (found is not None) == wanted:
        return
    of = "the same job" if same else "another job"
    if wanted:
        fail(
            expected=f"`{target}` is silent while `{source}` of the same job rings",
            found="it rings, too",
            help="The labels of an alert are those of its series: `equal: [job]` compares them. What is there on one "
            "side only is not equal: `instance` stands on one of them.",
            where=document.nearest("inhibit_rules"),
        )
    help = "Of another job: `equal: [job]`." if not same else "Name what follows from it, and nothing more."
    if SEVERITIES[target] == "page":
        help = "A page that is silenced is a night in which nobody knows. " + help
    if target == "FeatureDrift":
        help = "Drift does not follow from it: a broken service and broken data can come together. " + help
    fail(
        expected=f"`{target}` of {of} rings also while `{source}` does", found="it is silenced", help=help, where=found
    )


def judge_amtool(documents: Documents, text: str) -> None:
    """Alertmanager itself can read the file."""
    read(documents)
    program: Any = find("amtool")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, FILE).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [str(program), "check-config", FILE], cwd=folder, env={"HOME": folder}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=30, check=False,
        )  # fmt: skip
    lines = [line.strip() for line in done.stdout.splitlines() if "FAILED" in line or "error" in line.lower()]
    expect.that(
        done.returncode == 0, expected="`amtool check-config` accepts the file", found=" / ".join(lines)[:400] or "no"
    )
