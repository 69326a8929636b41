"""Finding objects in a file or in what kustomize renders, and whom a selector selects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab3_judges.facts import NAME
from labkit.checks import Located, expect, fail

Labels = Mapping[str, Any]


def container_of(workload: Located) -> Located:
    """The container `ml-api` of a Deployment."""
    containers = workload["spec"]["template"]["spec"]["containers"]
    found = [one for one in containers if one["name"].value == NAME]
    if len(found) != 1:
        names = ", ".join(f"`{one['name'].value}`" for one in containers) or "none"
        fail(expected=f"one container that is named `{NAME}`", found=names, where=containers)
    return found[0]


def port_of(container: Located, wanted: Located) -> int | None:
    """The number that a probe, a Service or a policy asks for, also by the name of a container's port; None: no such.

    Which ports a container lists tells readers, and gives them names. A number is reached in any case.
    """
    if isinstance(wanted.value, int):
        return wanted.value
    for port in container.get("ports") or ():
        named = port.get("name")
        if named is not None and named.value == wanted.value:
            return port["containerPort"].of(int)
    return None


def described_ports(container: Located) -> str:
    """The ports that a container has, for a message."""
    found = [
        f"`{port.get('name').value}` ({port['containerPort'].value})"  # type: ignore[union-attr]
        if port.get("name")
        else f"{port['containerPort'].value}"
        for port in container.get("ports") or ()
    ]
    return f"the container has {', '.join(found) or 'no port'}"


def selects(selector: Located, labels: Labels) -> bool:
    """Whether a label selector (`matchLabels`, `matchExpressions`) selects what has these labels; an empty one all."""
    wanted = selector.get("matchLabels")
    if wanted is not None and any(labels.get(key) != value.value for key, value in wanted.items()):
        return False
    return all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(requirement: Located, labels: Labels) -> bool:
    key, operator = requirement["key"].of(str), requirement["operator"].of(str)
    values = [one.value for one in requirement.get("values") or ()]
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    if operator == "In":
        return labels.get(key) in values
    return labels.get(key) not in values


def pod_labels(workload: Located) -> Labels:
    """The labels of the pods of a Deployment."""
    labels = workload["spec"]["template"]["metadata"]["labels"]
    return {key: value.of(str) for key, value in labels.items()}


def judge_selects(selector: Located, workload: Located, what: str) -> None:
    """Fail where a label selector does not select the pods of the Deployment, or everything."""
    labels = pod_labels(workload)
    expect.that(
        len(selector) > 0 and any(len(selector.get(key) or ()) for key in ("matchLabels", "matchExpressions")),
        expected=f"{what} selects by a label",
        found="it is empty, and so it selects every pod of the namespace",
        where=selector,
    )
    expect.that(
        selects(selector, labels),
        expected=f"{what} selects the pods of the Deployment, which have {written(labels)}",
        found=f"it selects {described_selector(selector)}: no pod of it",
        help="A selector without pods is no error for Kubernetes. It does nothing, silently.",
        where=selector,
    )


def described_selector(selector: Located) -> str:
    """A selector in a few words."""
    wanted = selector.get("matchLabels")
    parts = [written({key: value.value for key, value in wanted.items()})] if wanted is not None else []
    if selector.get("matchExpressions") is not None:
        parts.append("its `matchExpressions`")
    return " and ".join(parts) or "everything"


def whole(text: str) -> int | None:
    """The number that a text of a few digits stands for; None for any other text."""
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


def written(labels: Labels) -> str:
    """Labels as `kubectl` writes them."""
    return ", ".join(f"`{key}={value}`" for key, value in list(labels.items())[:6]) or "no label"
