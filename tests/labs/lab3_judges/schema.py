"""Whether Kubernetes would take an object: fields, kinds of values, quantities, and the words that a field knows.

`schemas.json` is made by `scripts/slim_schemas.py`; what it does not know, the words of a field and the kinds of the
Gateway API, stands here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from lab3_judges.quantities import quantity
from labkit.checks import Located, expect, fail

_SCHEMAS = Path(__file__).with_name("schemas.json")
_WORDS = {
    "Container.imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "ContainerPort.protocol": ("TCP", "UDP", "SCTP"),
    "DeploymentStrategy.type": ("RollingUpdate", "Recreate"),
    "HPAScalingRules.selectPolicy": ("Max", "Min", "Disabled"),
    "HTTPGetAction.scheme": ("HTTP", "HTTPS"),
    "HTTPIngressPath.pathType": ("Exact", "Prefix", "ImplementationSpecific"),
    "LabelSelectorRequirement.operator": ("In", "NotIn", "Exists", "DoesNotExist"),
    "MetricSpec.type": ("Resource", "ContainerResource", "Pods", "Object", "External"),
    "MetricTarget.type": ("Utilization", "AverageValue", "Value"),
    "NetworkPolicyPort.protocol": ("TCP", "UDP", "SCTP"),
    "NetworkPolicySpec.policyTypes": ("Ingress", "Egress"),
    "PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy": ("IfHealthyBudget", "AlwaysAllow"),
    "PodSpec.dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "PodSpec.restartPolicy": ("Always",),
    "SeccompProfile.type": ("RuntimeDefault", "Localhost", "Unconfined"),
    "ServicePort.protocol": ("TCP", "UDP", "SCTP"),
    "ServiceSpec.sessionAffinity": ("None", "ClientIP"),
    "ServiceSpec.type": ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
    "Toleration.effect": ("NoSchedule", "PreferNoSchedule", "NoExecute"),
    "Toleration.operator": ("Exists", "Equal"),
    "TopologySpreadConstraint.whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway"),
    "HTTPPathMatch.type": ("Exact", "PathPrefix", "RegularExpression"),
    "Listener.protocol": ("HTTP", "HTTPS", "TCP", "TLS", "UDP"),
}
_TOP = {"apiVersion": "s", "kind": "s", "metadata": "#ObjectMeta"}
_REFERENCE = {"group": "s", "kind": "s", "namespace": "s", "name": "s", "sectionName": "s", "port": "i", "weight": "i"}
_GATEWAY_API = {
    "gateway.networking.k8s.io/v1 Gateway": {"p": {**_TOP, "spec": "#GatewaySpec"}},
    "GatewaySpec": {
        "p": {"gatewayClassName": "s", "listeners": ["#Listener"], "addresses": ["*"], "infrastructure": "*"},
        "r": ["gatewayClassName", "listeners"],
    },
    "Listener": {
        "p": {"name": "s", "hostname": "s", "port": "i", "protocol": "s", "tls": "*", "allowedRoutes": "*"},
        "r": ["name", "port", "protocol"],
    },
    "gateway.networking.k8s.io/v1 HTTPRoute": {"p": {**_TOP, "spec": "#HTTPRouteSpec"}},
    "HTTPRouteSpec": {"p": {"parentRefs": ["#Reference"], "hostnames": ["s"], "rules": ["#HTTPRouteRule"]}},
    "HTTPRouteRule": {
        "p": {
            "name": "s",
            "matches": ["#HTTPRouteMatch"],
            "filters": ["*"],
            "backendRefs": ["#Reference"],
            "timeouts": "*",
        }
    },
    "HTTPRouteMatch": {"p": {"path": "#HTTPPathMatch", "headers": ["*"], "queryParams": ["*"], "method": "s"}},
    "HTTPPathMatch": {"p": {"type": "s", "value": "s"}},
    "Reference": {"p": _REFERENCE, "r": ["name"]},
}


@cache
def _known() -> dict[str, dict[str, Any]]:
    """The shapes of each version by name."""
    read = json.loads(_SCHEMAS.read_text(encoding="utf-8"))
    return {version: {**read["common"], **_GATEWAY_API, **own} for version, own in read["versions"].items()}


def judge_schema(document: Located, more: Mapping[str, Any] | None = None) -> None:
    """Fail where one of the three versions would refuse the object, or would drop a field; `more` are shapes, too."""
    api, kind = document["apiVersion"], document["kind"]
    wanted = f"{api.of(str)} {kind.of(str)}"
    for version, built_in in _known().items():
        shapes = {**built_in, **(more or {})}
        if wanted not in shapes:
            kinds = [name for name in shapes if " " in name]
            same = [name for name in kinds if name.endswith(f" {kind.value}")] or get_close_matches(wanted, kinds, n=1)
            there = f"did you mean {' or '.join(f'`{name}`' for name in same)}?" if same else ""
            fail(
                expected=f"an `apiVersion` and a `kind` of Kubernetes {version} that this lab uses",
                found=f"`{wanted}`",
                help=there,
                where=api,
            )
        _Judge(version, shapes).fields(document, wanted)
    name = document["metadata"]["name"]
    # Those of RBAC and of an APIService may have a `:` or be longer; none may have a capital letter or a blank.
    expect.that(
        re.fullmatch(r"[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?", name.of(str)),
        expected="the object has a name of lower-case letters, digits, `-` and `.`",
        found=name,
        where=name,
    )
    for label in _labels(document):
        expect.that(
            re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", label.of(str)),
            expected=f"{label.name} is a label: up to 63 letters, digits, `-`, `_`, `.`, and no other sign",
            found=label,
            where=label,
        )


def _labels(document: Located) -> Iterator[Located]:
    """The values of the labels of an object, and of its pods."""
    for path in (("metadata", "labels"), ("spec", "template", "metadata", "labels")):
        labels = document.get(*path)
        if labels is not None and labels.value is not None:
            yield from (value for _, value in labels.items() if value.value is not None)


class _Judge:
    """Goes down an object beside its shape, in one version."""

    def __init__(self, version: str, shapes: dict[str, Any]) -> None:
        self.version = version
        self.shapes = shapes

    def fields(self, value: Located, name: str) -> None:
        """Fail where a field is unknown, missing, or has a wrong value."""
        shape = self.shapes[name]
        for field, below in value.items():
            if field not in shape["p"]:
                self.unknown(below, field, list(shape["p"]), value)
            if below.value is not None:
                self.value(below, shape["p"][field])
                self.words(below, f"{name}.{field}")
        for field in shape.get("r", []):
            expect.that(
                value.get(field) is not None and value[field].value is not None,
                expected=f"{value.name} has `{field}`: Kubernetes {self.version} refuses it otherwise",
                found="it is not there",
                where=value,
            )

    def unknown(self, value: Located, field: str, known: list[str], around: Located) -> None:
        """Fail: the field does not exist here."""
        near = get_close_matches(field, known, n=1, cutoff=0.7)
        there = ", ".join(f"`{one}`" for one in sorted(known)[:12])
        fail(
            expected=f"only fields of Kubernetes {self.version} in {around.name}",
            found=f"`{field}`, which it does not know there",
            help=f"did you mean `{near[0]}`?" if near else f"There is {there}. Is the indentation right?",
            where=value,
        )

    def value(self, value: Located, shape: Any) -> None:
        """Fail where a value is not of its shape."""
        if isinstance(shape, list):
            for item in value:
                self.value(item, shape[0])
        elif isinstance(shape, dict):
            for _, below in value.items():
                self.value(below, shape[""])
        elif shape.startswith("#"):
            self.fields(value, shape[1:])
        elif shape == "q":
            quantity(value)
        elif shape == "x":
            if isinstance(value.value, bool) or not isinstance(value.value, int | str):
                fail(expected=f"{value.name} is a whole number or a text", found=str(value), where=value)
        elif shape != "*":
            kinds: dict[str, Any] = {"s": str, "i": int, "n": float, "b": bool}
            value.of(kinds[shape])

    def words(self, value: Located, field: str) -> None:
        """Fail where a field knows certain words, and this is none of them."""
        known = _WORDS.get(field)
        for one in value if known and isinstance(value.value, list) else [value]:
            if known and one.value not in known:
                near = get_close_matches(str(one.value), known, n=1, cutoff=0.6)
                fail(
                    expected=f"{one.name} is one of {', '.join(f'`{word}`' for word in known)}",
                    found=str(one),
                    help=f"did you mean `{near[0]}`?" if near else "",
                    where=one,
                )
