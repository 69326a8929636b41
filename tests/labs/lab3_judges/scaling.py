"""Judges how many pods there are (3.4): the autoscaler and the budget of disruptions."""

from __future__ import annotations

import math
import re

from lab3_judges.facts import NAME
from lab3_judges.objects import container_of, judge_selects, whole
from lab3_judges.workload import resource_of
from labkit.checks import CheckFailed, Located, expect

_COUNT = re.compile(r"""/spec/replicas\b|(?<![\w"'])["']?replicas["']?\s*:""")
PATCHED = "In an overlay: a patch whose `target` matches nothing is no error, it is left out."


def judge_target(hpa: Located, workload: Located) -> None:
    """The HPA scales the Deployment, and nobody else sets its replicas."""
    target = hpa["spec"]["scaleTargetRef"]
    api, wanted = target.get("apiVersion"), (workload["kind"].value, workload["metadata"]["name"].value)
    expect.that(
        (target["kind"].value, target["name"].value) == wanted and api is not None and api.value == "apps/v1",
        expected=f"the HPA's target is `apps/v1`, `{wanted[0]}`, `{wanted[1]}`",
        found=f"`{api.value if api else 'no apiVersion'}`, `{target['kind'].value}`, `{target['name'].value}`",
        help="A target that is not there is no error: `kubectl describe hpa` says `FailedGetScale`.",
        where=target,
    )
    replicas = workload.get("spec", "replicas")
    expect.that(
        replicas is None,
        expected="no `replicas` in the Deployment: the HPA sets them",
        found=f"{replicas}",
        help="Each `kubectl apply` would set them back to this number, in the middle of the load.",
        where=replicas,
    )


def judge_no_count(kustomization: Located) -> None:
    """The kustomization sets no replicas either."""
    counts = kustomization.get("replicas")
    expect.that(
        not counts,
        expected="no `replicas` in `base/kustomization.yaml`: the HPA sets them",
        found="a count for " + ", ".join(f"`{one['name'].value}`" for one in counts or ()),
        help="Kustomize writes it into the Deployment, and each `kubectl apply -k` sets the pods back to this number.",
        where=counts,
    )
    for one in kustomization.get("patches") or ():
        patch = one.get("patch")
        expect.that(
            patch is None or not _COUNT.search(str(patch.value)),
            expected="no patch of `replicas` in `base/kustomization.yaml`: the HPA sets them",
            found="one that has `replicas`",
            help="Each `kubectl apply -k` sets the pods back to this number.",
            where=patch,
        )


def smallest(hpa: Located) -> int:
    """The fewest pods that an HPA leaves."""
    found = hpa.get("spec", "minReplicas")
    return 1 if found is None else found.of(int)


def judge_bounds(hpa: Located, low: range, high: range) -> None:
    """From how many pods to how many."""
    least, most = smallest(hpa), hpa["spec"]["maxReplicas"]
    fewest = hpa.get("spec", "minReplicas")
    expect.that(
        least in low,
        expected=f"`minReplicas` is {_words(low)}",
        found=f"{least}" + ("" if fewest else ", the default"),
        help=PATCHED,
        where=fewest or hpa["spec"],
    )
    expect.that(most.of(int) in high, expected=f"`maxReplicas` is {_words(high)}", found=most, help=PATCHED, where=most)


def _words(numbers: range) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def judge_metric(hpa: Located, workload: Located) -> None:
    """CPU as a share of the request, and nothing that does not go down again."""
    for direction, why in (
        ("scaleUp", "It then never has more pods."),
        ("scaleDown", "It then never has fewer again."),
    ):
        chosen = hpa.get("spec", "behavior", direction, "selectPolicy")
        expect.that(
            chosen is None or chosen.value != "Disabled",
            expected="an HPA that follows the load up and down",
            found=f"`selectPolicy: Disabled` for `{direction}`",
            help=why,
            where=chosen,
        )
    metrics = hpa.get("spec", "metrics")
    if metrics is None:
        raise CheckFailed("the HPA has `metrics`", "it has none", where=hpa["spec"].place)
    measured: list[Located] = []
    for one in metrics:
        source = one.get("resource") or one.get("containerResource")
        if source is None:
            raise CheckFailed(
                "CPU, which metrics-server knows",
                f"a metric of the type `{one['type'].value}`",
                "It needs an adapter in the cluster, and there is none. Without it, the HPA does nothing.",
                where=one.place,
            )
        container = source.get("container")
        expect.that(
            container is None or container.value == NAME,
            expected=f"the CPU of the container `{NAME}`",
            found=f"{container}",
            help="Of a container that is not there, there are no figures: the HPA does nothing.",
            where=container,
        )
        name = source["name"]
        expect.that(
            name.value == "cpu",
            expected="a metric that goes down with the load: `cpu`",
            found=name,
            help="A model in memory stays there, busy or not. More pods do not make it less, so the HPA goes to its"
            " maximum and stays there.",
            where=name,
        )
        measured.append(source)
    if not measured:
        raise CheckFailed("a metric", "none", where=metrics.place)
    for one in measured:
        _judge_share(one["target"])
    request = resource_of(container_of(workload), "requests", "cpu")
    expect.that(
        request is not None,
        expected="a CPU request in the Deployment: the utilization is a share of it",
        found="there is none",
        help="The HPA then says `<unknown>/70%`, and does nothing.",
        where=container_of(workload),
    )


def _judge_share(target: Located) -> None:
    share = target.get("averageUtilization")
    expect.that(
        target["type"].value == "Utilization" and share is not None,
        expected="a target of the type `Utilization`, with `averageUtilization`",
        found=f"`{target['type'].value}`",
        where=target,
    )
    assert share is not None
    expect.that(
        40 <= share.of(int) <= 90,
        expected="`averageUtilization` from 40 to 90 (% of the request)",
        found=share,
        help="It is a share of the *request*. Over 90 new pods come too late: they take their time to start.",
        where=share,
    )


def judge_budget(pdb: Located, workload: Located, pods: int) -> None:
    """The budget is for these pods, lets one go when there are as few as the HPA leaves, and never all of several."""
    judge_selects(pdb["spec"]["selector"], workload, "the selector of the PodDisruptionBudget")
    least, most = pdb.get("spec", "minAvailable"), pdb.get("spec", "maxUnavailable")
    field = least or most
    if field is None or (least is not None and most is not None):
        raise CheckFailed(
            "either `minAvailable` or `maxUnavailable`", "both" if field else "neither", where=pdb["spec"].place
        )
    count = _count(field, pods)
    away = pods - count if least is not None else count
    expect.that(
        away >= 1,
        expected=f"of {pods} pods, as few as the HPA leaves, one may be away",
        found=f"{'minAvailable' if least is not None else 'maxUnavailable'}: {field.value}: none may",
        help="`kubectl drain` then waits for ever, and so does every update of a node.",
        where=field,
    )
    expect.that(
        away < pods or pods == 1,
        expected=f"of {pods} pods, one stays",
        found=f"{field.value}: all may be away at once",
        where=field,
    )


def _count(field: Located, pods: int) -> int:
    """A number of pods, or a share of them, rounded up."""
    value = field.value
    share = whole(value.removesuffix("%")) if isinstance(value, str) and value.endswith("%") else None
    if share is not None:
        return math.ceil(pods * share / 100)
    return field.of(int)


def judge_name(found: Located) -> None:
    """An object is named like the service."""
    name = found["metadata"]["name"]
    expect.that(name.value == NAME, expected=f"the name `{NAME}`", found=name, where=name)
