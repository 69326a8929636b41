"""What must hold among the objects of the add-ons. Each rule goes through them, and yields problems in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Problems = Iterator[str]

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
WORKLOADS = ("Deployment", "StatefulSet", "CronJob", "Job", "DaskCluster")
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class Pods:
    """The pods that an object makes: its name for messages, their namespace and labels, and what runs in them."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]


def pods(documents: list[Document]) -> Iterator[Pods]:
    """The pods of all workloads. Of a DaskCluster there are two kinds, with the labels that its operator gives them."""
    for one in documents:
        kind, name = one["kind"], one["metadata"]["name"]
        namespace = one["metadata"].get("namespace", "")
        if kind == "DaskCluster":
            for part in ("scheduler", "worker"):
                labels = {"dask.org/cluster-name": name, "dask.org/component": part}
                yield Pods(f"{name}-{part}", namespace, labels, one["spec"][part]["spec"])
        elif kind in WORKLOADS:
            spec = one["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else one["spec"]
            template = spec["template"]
            yield Pods(name, namespace, template.get("metadata", {}).get("labels", {}), template["spec"])


def hardening(documents: list[Document]) -> Problems:
    """Pods are as locked as the level `restricted` wants, and their root file system is read-only."""
    for one in pods(documents):
        context = one.spec.get("securityContext", {})
        if not context.get("runAsNonRoot") or not context.get("runAsUser"):
            yield f"{one.name}: its user is not said to be another one than root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{one.name}: no seccomp profile"
        asks = one.spec.get("serviceAccountName") not in (None, "flow-run")
        if not asks and one.spec.get("automountServiceAccountToken") is not False:
            yield f"{one.name}: it gets a key to the API of the cluster, and asks it nothing"
        for container in one.containers:
            if any(container.get("securityContext", {}).get(key) != value for key, value in RESTRICTED.items()):
                yield f"{one.name}: container `{container['name']}` is not locked"


def resources(documents: list[Document]) -> Problems:
    """Each container asks for CPU and memory, and has a limit of memory that is not below."""
    for one in pods(documents):
        for container in one.containers:
            asked = container.get("resources", {}).get("requests", {})
            most = container.get("resources", {}).get("limits", {}).get("memory")
            if not asked.get("cpu") or not asked.get("memory") or not most:
                yield f"{one.name}: container `{container['name']}` lacks a request or the limit of memory"
            elif mebibytes(most) < mebibytes(asked["memory"]):
                yield f"{one.name}: container `{container['name']}` may use less memory than it asks for"


def mebibytes(text: str) -> float:
    """A quantity of memory in Mi."""
    number, unit = re.fullmatch(r"([0-9.]+)(Mi|Gi)", text).groups()  # type: ignore[union-attr]
    return float(number) * (1024 if unit == "Gi" else 1)


def images(documents: list[Document]) -> Problems:
    """Each image has a version."""
    for one in pods(documents):
        for container in one.containers:
            if not re.search(r":v?\d+\.\d+(\.\d+)?[\w.-]*(@sha256:[0-9a-f]{64})?$", container["image"]):
                yield f"{one.name}: `{container['image']}` has no version"


def probes(documents: list[Document]) -> Problems:
    """A server has a startup probe or a readiness probe, and what probes name is a port of the container."""
    for one in pods(documents):
        for container in one.spec["containers"]:
            ports = {port["name"] for port in container.get("ports", ())}
            found = [
                container[name] for name in ("startupProbe", "readinessProbe", "livenessProbe") if name in container
            ]
            if ports and not found and not one.name.endswith("-worker"):
                yield f"{one.name}: nothing asks whether `{container['name']}` is ready"
            for probe in found:
                if "httpGet" in probe and probe["httpGet"]["port"] not in ports:
                    yield f"{one.name}: a probe asks port `{probe['httpGet']['port']}`, which no container has"


def services(documents: list[Document]) -> Problems:
    """A Service selects pods that have its port; an Ingress leads to a port of a Service."""
    there = list(pods(documents))
    known: dict[tuple[str, str], set[Any]] = {}
    listed = [(one["metadata"]["name"], one["metadata"]["namespace"], one["spec"]) for one in of(documents, "Service")]
    for one in of(documents, "DaskCluster"):
        name = f"{one['metadata']['name']}-scheduler"
        listed.append((name, one["metadata"]["namespace"], one["spec"]["scheduler"]["service"]))
    for name, namespace, spec in listed:
        chosen = [pod for pod in there if pod.namespace == namespace and matches(spec["selector"], pod.labels)]
        if not chosen:
            yield f"Service {name}: it selects no pod"
        known[namespace, name] = {port.get("name") for port in spec["ports"]}
        for port in spec["ports"]:
            for pod in chosen:
                if port["targetPort"] not in port_names(pod):
                    yield f"Service {name}: {pod.name} has no port `{port['targetPort']}`"
    for ingress in of(documents, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                wanted = path["backend"]["service"]
                if wanted["port"]["name"] not in known.get((ingress["metadata"]["namespace"], wanted["name"]), ()):
                    yield f"Ingress {ingress['metadata']['name']}: no Service `{wanted['name']}` with that port"


def port_names(pod: Pods) -> dict[str, int]:
    """The ports of its containers by name."""
    return {port["name"]: port["containerPort"] for one in pod.spec["containers"] for port in one.get("ports", ())}


def references(documents: list[Document], elsewhere: Mapping[str, set[str]]) -> Problems:
    """ConfigMaps, claims and accounts that pods name are there. `elsewhere` are those that come from another add-on."""
    names = {
        kind: {one["metadata"]["name"] for one in of(documents, kind)} | elsewhere.get(kind, set())
        for kind in ("ConfigMap", "PersistentVolumeClaim", "ServiceAccount")
    }
    for one in pods(documents):
        named = [("ServiceAccount", one.spec["serviceAccountName"])] if one.spec.get("serviceAccountName") else []
        claimed = {
            claim["metadata"]["name"]
            for owner in of(documents, "StatefulSet")
            if owner["metadata"]["name"] == one.name
            for claim in owner["spec"].get("volumeClaimTemplates", ())
        }
        mounted = {mount["name"] for container in one.containers for mount in container.get("volumeMounts", ())}
        volumes = {volume["name"] for volume in one.spec.get("volumes", ())} | claimed
        for volume in mounted - volumes:
            yield f"{one.name}: the volume `{volume}` is not there"
        for volume in volumes - mounted:
            yield f"{one.name}: nobody mounts the volume `{volume}`"
        for volume in one.spec.get("volumes", ()):
            if "configMap" in volume:
                named.append(("ConfigMap", volume["configMap"]["name"]))
            if "persistentVolumeClaim" in volume:
                named.append(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
        for container in one.containers:
            named += [
                ("ConfigMap", source["configMapRef"]["name"])
                for source in container.get("envFrom", ())
                if "configMapRef" in source
            ]
        for kind, name in named:
            if name not in names[kind]:
                yield f"{one.name}: there is no {kind} `{name}`"


def no_secrets(documents: list[Document]) -> Problems:
    """No password in the tree: no Secret, and no variable that is called like one and has a value."""
    for one in documents:
        if one["kind"] == "Secret":
            yield f"Secret {one['metadata']['name']} is in the tree"
        if one["kind"] == "ConfigMap":
            for key, value in one.get("data", {}).items():
                if re.search(r"//[^/@:]*:[^/@]+@", value) or (secret_name(key) and value):
                    yield f"ConfigMap {one['metadata']['name']}: `{key}` has a password"
    for pod in pods(documents):
        for container in pod.containers:
            for variable in container.get("env", ()):
                if secret_name(variable["name"]) and "value" in variable:
                    yield f"{pod.name}: `{variable['name']}` has a value"


def secret_name(name: str) -> bool:
    """Whether a variable is called like a password."""
    return bool(re.search(r"PASSWORD|(?<!STRING_)SECRET_KEY$|ACCESS_KEY$|AUTH_STRING$|ACCESS_KEY_ID$", name))


def rights(documents: list[Document]) -> Problems:
    """No star, no Secret, and nothing for the whole cluster; a binding is of a role and an account that are there."""
    for one in documents:
        if one["kind"] in ("ClusterRole", "ClusterRoleBinding"):
            yield f"{one['kind']} {one['metadata']['name']}: for the whole cluster"
        for rule in one.get("rules", ()) if one["kind"] == "Role" else ():
            if "*" in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]] or "secrets" in rule["resources"]:
                yield f"Role {one['metadata']['name']}: more than it needs"
        if one["kind"] == "RoleBinding":
            account = {
                (one["metadata"]["name"], one["metadata"]["namespace"]) for one in of(documents, "ServiceAccount")
            }
            if (one["subjects"][0]["name"], one["subjects"][0]["namespace"]) not in account:
                yield f"RoleBinding {one['metadata']['name']}: no such account"
            role = (one["roleRef"]["name"], one["metadata"]["namespace"])
            if role not in {
                (role["metadata"]["name"], role["metadata"]["namespace"]) for role in of(documents, "Role")
            }:
                yield f"RoleBinding {one['metadata']['name']}: no such role"


def of(documents: list[Document], kind: str) -> list[Document]:
    """The objects of a kind."""
    return [one for one in documents if one["kind"] == kind]


def placed(documents: list[Document], kind: str) -> set[tuple[str, str]]:
    """Names and namespaces of the objects of a kind."""
    return {(one["metadata"]["name"], one["metadata"]["namespace"]) for one in of(documents, kind)}


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether labels are what a selector wants."""
    return all(labels.get(key) == value for key, value in selector.items())


# Who may talk to whom. Another namespace's pods, and those of a chart, are told of with their labels.


def lets_through(documents: list[Document], source: Pods, target: Pods, port: int) -> bool:
    """Whether the policies let a pod reach a port of another one: out of its own namespace, and into that one."""
    return _allowed(documents, "Egress", source, target, port) and _allowed(documents, "Ingress", target, source, port)


def _allowed(documents: list[Document], direction: str, here: Pods, there: Pods, port: int) -> bool:
    policies = [
        one["spec"]
        for one in of(documents, "NetworkPolicy")
        if one["metadata"]["namespace"] == here.namespace
        and matches(one["spec"]["podSelector"].get("matchLabels", {}), here.labels)
        and direction in one["spec"]["policyTypes"]
    ]
    names = port_names(here if direction == "Ingress" else there)
    return not policies or any(
        _peers(rule.get("from" if direction == "Ingress" else "to"), here, there) and _ports(rule, port, names)
        for policy in policies
        for rule in policy.get(direction.lower(), ())
    )


def _peers(peers: list[dict[str, Any]] | None, here: Pods, there: Pods) -> bool:
    if peers is None:
        return True
    for peer in peers:
        space = peer.get("namespaceSelector", {}).get("matchLabels", {})
        same = there.namespace == here.namespace if "namespaceSelector" not in peer else True
        named = matches(space, {"kubernetes.io/metadata.name": there.namespace})
        if same and named and matches(peer.get("podSelector", {}).get("matchLabels", {}), there.labels):
            return True
    return False


def _ports(rule: Mapping[str, Any], port: int, names: Mapping[str, int]) -> bool:
    wanted = rule.get("ports")
    return wanted is None or any(names.get(one["port"], one["port"]) == port for one in wanted)


def idle_policies(documents: list[Document], others: list[Pods]) -> Problems:
    """Each policy is for some pod."""
    there = [*pods(documents), *others]
    for one in of(documents, "NetworkPolicy"):
        selector = one["spec"]["podSelector"].get("matchLabels", {})
        if not any(pod.namespace == one["metadata"]["namespace"] and matches(selector, pod.labels) for pod in there):
            yield f"NetworkPolicy {one['metadata']['name']}: it is for no pod"
