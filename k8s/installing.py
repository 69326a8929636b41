"""The add-ons of later weeks: their passwords, their charts, their manifests. Each may be laid again at any time."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from k8s import monitoring, system
from k8s.clusters import Cluster
from k8s.kubectl import Kubectl
from labkit.tools import find

HERE = Path(__file__).resolve().parent
ADDONS = HERE / "addons"
SECONDS = 600
APPLY = ("apply", "--server-side", "--force-conflicts")
SECRETS_COMMAND = {"prefect-postgres": "make secrets-prefect ARGS=--postgres"}


class AddOnError(RuntimeError):
    """An add-on cannot be laid; the message says what to do."""


@dataclass(frozen=True)
class Chart:
    """A Helm chart, by version: `name` in `repository`, or an OCI address alone."""

    release: str
    name: str
    version: str
    values: str
    repository: str = ""


@dataclass(frozen=True)
class AddOn:
    """`tree` is the folder that is applied, in `addons/`; `image` is built here, and loaded before."""

    namespace: str
    tree: str | None = None
    chart: Chart | None = None
    image: str | None = None
    # A password that a chart asks for, and no manifest of ours does: name → keys.
    chart_secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


PIPELINE = "mlops-lab/pipeline:1.0.0"
ADD_ONS: Mapping[str, AddOn] = {
    "mlflow": AddOn("mlflow", "mlflow"),
    "prefect": AddOn("prefect", "prefect", image=PIPELINE),
    "prefect-postgres": AddOn("prefect", "prefect-postgres", image=PIPELINE),
    "dask": AddOn(
        "prefect",
        "dask",
        Chart(
            "dask-operator",
            "dask-kubernetes-operator",
            "2026.3.0",
            "dask/operator-values.yaml",
            "https://helm.dask.org",
        ),
    ),
    "monitoring": AddOn(
        "monitoring",
        chart=Chart(
            "kube-prometheus-stack",
            "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack",
            "91.5.0",
            "monitoring/values.yaml",
        ),
        chart_secrets={"grafana": ("admin-user", "admin-password")},
    ),
    "loki": AddOn(
        "monitoring",
        "loki",
        Chart("loki", "loki", "18.13.1", "loki/values.yaml", "https://grafana-community.github.io/helm-charts"),
    ),
    "elastic": AddOn(
        "monitoring",
        "elastic",
        Chart("elastic-operator", "eck-operator", "3.5.0", "elastic/operator-values.yaml", "https://helm.elastic.co"),
    ),
}


def lay(cluster: Cluster, name: str, track: str, *, with_image: bool = True) -> None:
    """Apply an add-on, and wait until its pods are ready. Nothing is changed where one of its Secrets is missing."""
    add_on = ADD_ONS[name]
    here = Kubectl(cluster.kubeconfig, add_on.namespace)
    _need_secrets(here, name)
    helm = _helm() if add_on.chart else ""
    if add_on.image and with_image:
        build_pipeline(add_on.image, track)
        cluster.load(add_on.image)
    cluster.kubectl.run(*APPLY, "--kustomize", str(HERE / "places" / add_on.namespace))
    ours = monitoring.documents(system.ROOT / track) if name == "monitoring" else []
    _apply(cluster.kubectl, [one for one in ours if not monitoring.is_custom(one)])
    if add_on.chart:
        _install(helm, cluster, add_on.chart, add_on.namespace)
    _apply(cluster.kubectl, [one for one in ours if monitoring.is_custom(one)])
    if add_on.tree:
        print(cluster.kubectl.run(*APPLY, "--kustomize", str(ADDONS / add_on.tree)), end="")
        for one in rendered(ADDONS / add_on.tree):
            if one["kind"] in ("Deployment", "StatefulSet"):
                what = f"{one['kind'].lower()}/{one['metadata']['name']}"
                Kubectl(cluster.kubeconfig, one["metadata"]["namespace"]).run(
                    "rollout", "status", what, f"--timeout={SECONDS}s"
                )
                print(f"ready: {what}")


def make_secrets(cluster: Cluster, name: str) -> None:
    """Make each password of an add-on that is not there yet, at random. What is there stays; none is printed."""
    add_on = ADD_ONS[name]
    cluster.kubectl.run(*APPLY, "--kustomize", str(HERE / "places" / add_on.namespace))
    here = Kubectl(cluster.kubeconfig, add_on.namespace)
    for secret, missing in _missing(here, name):
        if len(missing) < len(needed_secrets(name)[secret]):
            raise AddOnError(f"the Secret `{secret}` has no `{missing[0]}`: remove it, or add what is missing")
        content = {key: _value(key) for key in missing}
        made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret}, "stringData": content}
        here.run("create", "--filename=-", stdin=json.dumps(made))
        print(f"made: the Secret `{secret}` in `{add_on.namespace}`, with {', '.join(f'`{key}`' for key in content)}")


def needed_secrets(name: str) -> dict[str, tuple[str, ...]]:
    """The Secrets that the pods of an add-on cannot start without: name → keys."""
    add_on = ADD_ONS[name]
    found: dict[str, set[str]] = {secret: set(keys) for secret, keys in add_on.chart_secrets.items()}
    for document in rendered(ADDONS / add_on.tree) if add_on.tree else ():
        for reference in references(document, "secretKeyRef"):
            if not reference.get("optional"):
                found.setdefault(reference["name"], set()).add(reference["key"])
    return {secret: tuple(sorted(keys)) for secret, keys in sorted(found.items())}


def references(value: Any, key: str) -> Iterator[dict[str, Any]]:
    """Each map that stands under a key, at any depth."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name == key and isinstance(below, dict):
                yield below
            yield from references(below, key)
    elif isinstance(value, list):
        for below in value:
            yield from references(below, key)


def rendered(folder: Path) -> list[dict[str, Any]]:
    """What kustomize makes of a folder."""
    program = find("kubectl")
    if program is None:
        raise AddOnError("kubectl is not there; `lab doctor` says how to get it")
    told = subprocess.run([program, "kustomize", folder], capture_output=True, text=True, check=True).stdout
    return list(yaml.load_all(told, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def build_pipeline(name: str, track: str) -> None:
    """Build the image that flow runs and the workers of Dask have."""
    system.need_engine()
    _docker_build("prefect", name, f"TRACK={track}")


def build_service_with_metrics(track: str) -> str:
    """Build the service of week 2 as week 6 makes it, and return its name."""
    base = system.build_image(track)
    latest = f"mlops-lab/lab6-service:{track}"
    _docker_build("monitoring", latest, f"TRACK={track}", f"BASE={base}")
    return system.name_by_content(latest)


def _docker_build(folder: str, name: str, *arguments: str) -> None:
    asked = subprocess.run(
        ["sh", system.ROOT / "scripts/docker_network.sh"], capture_output=True, text=True, check=True
    )
    network = asked.stdout.strip()
    command = ["docker", "build", "--network", network, "--file", str(ADDONS / folder / "Dockerfile"), "--tag", name]
    for argument in arguments:
        command += ["--build-arg", argument]
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    subprocess.run([*command, "."], cwd=system.ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def _value(key: str) -> str:
    """A fresh value. The characters may stand in an address, in a header and in a shell."""
    fresh = secrets.token_urlsafe(24)
    if key == "admin-user":
        return "admin"
    if key == "auth-string":  # of Prefect: user and password in one
        return f"admin:{fresh}"
    return secrets.token_hex(10) if key == "access-key" else fresh


def _missing(here: Kubectl, name: str) -> Iterator[tuple[str, list[str]]]:
    """The Secrets that lack something, each with its missing keys."""
    there = {one["metadata"]["name"]: set(one.get("data", {})) for one in here.get("secret")["items"]}
    for secret, keys in needed_secrets(name).items():
        if lacking := [key for key in keys if key not in there.get(secret, ())]:
            yield secret, lacking


def _need_secrets(here: Kubectl, name: str) -> None:
    for secret, missing in _missing(here, name):
        raise AddOnError(
            f"the Secret `{secret}` with {', '.join(f'`{key}`' for key in missing)} is not in the namespace"
            f" `{here.namespace}`: `{SECRETS_COMMAND.get(name, f'make secrets-{name}')}` makes it"
        )


def _helm() -> str:
    program = find("helm")
    if program is None:
        raise AddOnError("helm is not there, and this add-on is a chart: https://helm.sh/docs/intro/install/")
    return str(program)


def install_command(helm: str, chart: Chart, namespace: str) -> list[str]:
    """The command that installs a chart, or brings it to this version and these values."""
    place = ["--repo", chart.repository] if chart.repository else []
    values = ["--values", str(ADDONS / chart.values)]
    wait = ["--wait", f"--timeout={SECONDS}s"]
    return [
        *(helm, "upgrade", "--install", chart.release, chart.name, *place, "--version", chart.version),
        *("--namespace", namespace, *values, *wait),
    ]


def _install(helm: str, cluster: Cluster, chart: Chart, namespace: str) -> None:
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    subprocess.run(install_command(helm, chart, namespace), env=environment, check=True, capture_output=True, text=True)
    print(f"installed: {chart.release}, version {chart.version}")


def _apply(kubectl: Kubectl, objects: Iterable[dict[str, Any]]) -> None:
    listed = list(objects)
    if listed:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": listed})
        print(kubectl.run(*APPLY, "--filename=-", stdin=text), end="")
