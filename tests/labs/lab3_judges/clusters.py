"""Judges what an overlay renders (3.5): all of it still fits together, and what this cluster asks for is there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from lab3_judges import policy, rights, routes, scaling, settings, workload
from lab3_judges.facts import IMAGE, NAME, NAMESPACE, PORT, READY, VPC
from lab3_judges.objects import container_of
from lab3_judges.rendering import Rendered
from lab3_judges.schema import judge_schema
from labkit.checks import CheckFailed, Located, expect

if TYPE_CHECKING:
    import numpy as np

_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(?:[a-z0-9._-]+/)*ml-api")
# Annotations that say how the load balancer asks, and what they may say.
ASKS = (
    ("healthcheck-port", ("traffic-port", "8000", "http")),
    ("healthcheck-protocol", ("HTTP",)),
    ("backend-protocol", ("HTTP",)),
    ("success-codes", ("200",)),
)
_OF_THE_CLUSTER = {"Namespace", "ClusterRole", "ClusterRoleBinding", "APIService"}
_DEPLOYMENT: tuple[Callable[[Located], None], ...] = (
    workload.judge_pod,
    workload.judge_names,
    workload.judge_startup,
    workload.judge_liveness,
    workload.judge_readiness,
    workload.judge_memory,
    workload.judge_cpu,
    rights.judge_rights,
    rights.judge_read_only,
    rights.judge_token,
    workload.judge_update,
    workload.judge_stop,
    workload.judge_spread,
)


def judge_schemas(rendered: Rendered) -> None:
    """Kubernetes takes each object."""
    for one in rendered.objects:
        judge_schema(one)


def judge_namespace(rendered: Rendered) -> None:
    """Everything is in the namespace, and the namespace is there."""
    for one in rendered.objects:
        kind, found = one["kind"].of(str), one.get("metadata", "namespace")
        if kind == "Namespace":
            found = one["metadata"]["name"]
        expect.that(
            kind in _OF_THE_CLUSTER - {"Namespace"} or (found is not None and found.value == NAMESPACE),
            expected=f"`{kind} {one['metadata']['name'].value}` in the namespace `{NAMESPACE}`",
            found=f"{found}" if found is not None else "no namespace: it goes where `kubectl` happens to be",
            where=found or one["metadata"],
        )


def judge_fit(rendered: Rendered, written: Located, kustomization: Located) -> None:
    """What held for the base, with the Deployment as it is written, holds for what is rendered."""
    deployment = rendered.one("Deployment")
    for judge in _DEPLOYMENT:
        judge(deployment)
    routes.judge_selector(rendered.one("Service"), deployment)
    routes.judge_ports(rendered.one("Service"), deployment)
    entry = routes.way_in(rendered.objects)
    routes.judge_paths(entry)
    routes.judge_gateway(entry, rendered.objects)
    for judge_settings in (settings.judge_generated, settings.judge_values, settings.judge_reach):
        judge_settings(rendered)
    settings.judge_secrets(rendered, kustomization)
    settings.judge_labels(rendered, written)
    for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget"):
        scaling.judge_name(rendered.one(kind))


def judge_pods(rendered: Rendered, low: range, high: range) -> None:
    """How many pods this cluster has; the budget lets one of them go."""
    deployment, hpa = rendered.one("Deployment"), rendered.one("HorizontalPodAutoscaler")
    scaling.judge_target(hpa, deployment)
    scaling.judge_bounds(hpa, low, high)
    scaling.judge_metric(hpa, deployment)
    scaling.judge_budget(rendered.one("PodDisruptionBudget"), deployment, scaling.smallest(hpa))


def judge_local_image(rendered: Rendered) -> None:
    """The image that was built here, and nobody who tries to pull it."""
    container = container_of(rendered.one("Deployment"))
    image, pull = container["image"], container.get("imagePullPolicy")
    expect.that(
        image.value == f"{IMAGE}:labs",
        expected=f"the image `{IMAGE}:labs`, which `make image-2` builds",
        found=image,
        help="`images` of a kustomization names the image as the base writes it, and then `newTag`.",
        where=image,
    )
    expect.that(
        pull is None or pull.value in ("IfNotPresent", "Never"),
        expected="no `imagePullPolicy: Always`",
        found=f"{pull}",
        help="The image is in no registry. Whoever tries to pull it gets `ErrImagePull`, though it lies on the node.",
        where=pull,
    )


def judge_registry_image(rendered: Rendered) -> None:
    """An image of ECR with a version."""
    image = container_of(rendered.one("Deployment"))["image"]
    name, _, digest = image.of(str).partition("@")
    repository, _, tag = name.partition(":")
    expect.that(
        _ECR.fullmatch(repository),
        expected="an image of ECR: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/mlops-lab/ml-api`",
        found=image,
        help="`newName` of `images` has the registry, `newTag` the version.",
        where=image,
    )
    fixed = re.fullmatch(r"sha256:[0-9a-f]{64}", digest) if digest else re.search(r"\d", tag)
    expect.that(
        fixed and tag not in ("latest", "labs"),
        expected="a version, such as `1.0.0` or a commit, or a digest",
        found=f"the tag `{tag}`" if tag else "no tag, which means `latest`",
        help="Two pods with one moving tag may run two different models. And nobody can go back to the one before.",
        where=image,
    )


def judge_zones(rendered: Rendered) -> None:
    """Pods in different zones, and still on different nodes."""
    deployment = rendered.one("Deployment")
    workload.judge_spread(deployment, "topology.kubernetes.io/zone", "zones")
    workload.judge_spread(deployment)


def judge_account(rendered: Rendered) -> None:
    """The account to which Terraform gives a role, and pods that run under it."""
    pod = rendered.one("Deployment")["spec"]["template"]["spec"]
    found = pod.get("serviceAccountName")
    expect.that(
        found is not None and found.value == NAME,
        expected=f"`serviceAccountName: {NAME}` in the pod's spec",
        found=found if found is not None else "none: the pods run under the account `default`",
        help="A role on AWS belongs to an account, by its name. Under another one a pod starts, and gets no role.",
        where=found or pod,
    )
    rendered.one("ServiceAccount", NAME)


def judge_class(rendered: Rendered, wanted: str) -> None:
    """Which controller serves the way in."""
    entry = routes.way_in(rendered.objects)
    if entry["kind"].value == "HTTPRoute":
        found = rendered.one("Gateway")["spec"]["gatewayClassName"]
    else:
        named = entry.get("spec", "ingressClassName")
        if named is None:
            raise CheckFailed(
                f"`ingressClassName: {wanted}`",
                "none",
                "Without a class, no controller may feel meant. Then nobody answers.",
                where=entry["spec"].place,
            )
        found = named
        old = entry.get("metadata", "annotations", "kubernetes.io/ingress.class")
        expect.that(
            old is None,
            expected="the class in `ingressClassName` alone: Kubernetes refuses an Ingress that has both",
            found="the annotation `kubernetes.io/ingress.class`",
            where=old,
        )
    expect.that(found.value == wanted, expected=f"the class `{wanted}`", found=found, where=found)


def _notes(rendered: Rendered, entry: Located) -> dict[str, Located]:
    """The annotations of the Ingress and of the Service behind it, which count first for Amazon's controller."""
    found = (one.given("metadata", "annotations") for one in (entry, *rendered.all("Service")))
    return {key: value for notes in found if notes is not None for key, value in notes.items()}


def judge_load_balancer(rendered: Rendered) -> None:
    """The load balancer of Amazon sends to the pods themselves, asks for readiness, and is let in by the policy."""
    entry = routes.way_in(rendered.objects)
    if entry["kind"].value == "Ingress":
        notes = _notes(rendered, entry)
        for key, value, help in (
            ("target-type", "ip", "The default is `instance`: it needs a Service of the type `NodePort`."),
            ("healthcheck-path", READY, "The default is `/`: the page answers although no model is loaded."),
        ):
            name = f"alb.ingress.kubernetes.io/{key}"
            note = notes.get(name)
            expect.that(
                note is not None and note.value == value,
                expected=f"the annotation `{name}: {value}`",
                found=f"{note}" if note is not None else "it is not there",
                help=help,
                where=note or entry["metadata"],
            )
        for key, allowed in ASKS:
            name = f"alb.ingress.kubernetes.io/{key}"
            note = notes.get(name)
            expect.that(
                note is None or note.value in allowed,
                expected=f"a load balancer that asks `{READY}` at the container's port over HTTP, and wants a 200",
                found=f"`{name}: {note and note.value}`",
                where=note,
            )
    policies = _policies(rendered)
    near = policies.all[0]["spec"].nearest("ingress")
    parts = list(ipaddress.ip_network(VPC).subnets(new_prefix=24))
    for part in (*parts[:2], *parts[16:48]):  # the subnets of `terraform/network.tf`, public and private
        balancer = policy.Peer("the load balancer", address=str(part[17]))
        expect.that(
            policies.lets("ingress", balancer, PORT),
            expected=f"the load balancer, an address of the VPC ({VPC}), gets to the container's port",
            found=f"the network policy does not let {balancer.address} in",
            help="It is no pod, so no selector of pods or namespaces means it: `ipBlock` does.",
            where=near,
        )
        wide = [one for one in policies.ports("ingress") if one != PORT and policies.lets("ingress", balancer, one)]
        expect.that(
            not wide,
            expected="the load balancer gets to the container's port only",
            found=f"it also gets to port {', '.join(map(str, wide))}",
            help="A rule of its own has `ports` of its own.",
            where=near,
        )


def _policies(rendered: Rendered) -> policy.Policies:
    found = rendered.all("NetworkPolicy") or [rendered.one("NetworkPolicy")]
    return policy.Policies(found, rendered.one("Deployment"))


def judge_fence(rendered: Rendered, rng: np.random.Generator, outside: str = "") -> None:
    """The network policy lets through who has to get through, and nobody else; in, also the network `outside`."""
    policies = _policies(rendered)
    policies.judge_chosen()
    policy.judge_entrance(policies)
    policy.judge_closed_entrance(policies, rng, outside)
    policy.judge_exit(policies)
    policy.judge_closed_exit(policies, rng)
