"""Judges metrics-server (3.8): what it may read, how it runs, and the way from the API to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab3_judges.objects import described_ports, judge_selects, pod_labels, port_of, whole, written
from labkit.checks import CheckFailed, Documents, Located, expect

FILE, NAME, SPACE = "metrics.yaml", "metrics-server", "kube-system"
_SECONDS = re.compile(r"(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")
_ROLES = ("metrics-server", "system:auth-delegator", "extension-apiserver-authentication-reader")
# What it reads: API group, resource, and the verbs for it.
_READS = {
    ("", "nodes/metrics"): {"get"},
    ("", "pods"): {"get", "list", "watch"},
    ("", "nodes"): {"get", "list", "watch"},
}


def named(documents: Documents, kind: str, name: str) -> Located:
    """The object of a kind and a name."""
    found = [one for one in documents.yaml(FILE).all(kind=kind) if one["metadata"]["name"].value == name]
    if len(found) != 1:
        names = ", ".join(f"`{one['metadata']['name'].value}`" for one in documents.yaml(FILE).all(kind=kind)) or "none"
        raise CheckFailed(f"one `{kind}` named `{name}`", names, where=documents.yaml(FILE)[-1].place)
    return found[0]


def judge_rights(role: Located) -> None:
    """It may read what it needs, and nothing else."""
    given: dict[tuple[str, str], set[str]] = {}
    for rule in role["rules"]:
        names = rule.get("resourceNames")
        expect.that(
            names is None or len(names) == 0,
            expected="rights for all `pods` and `nodes`, without `resourceNames`",
            found=f"`resourceNames` of {rule['resources'][0].value}",
            help="A list is of all of them: with `resourceNames` it is refused, unless it asks for this one name.",
            where=names,
        )
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    key = (group.of(str), resource.of(str))
                    allowed = verb.value in _READS.get(key, set())
                    expect.that(
                        allowed,
                        expected="only rights to read: `nodes/metrics` (get), `pods` and `nodes` (get, list, watch)",
                        found=f"`{verb.value}` of `{resource.value}`" + (f" in `{group.value}`" if group.value else ""),
                        help="It runs in the middle of the cluster. What it may do, everybody may who gets into it.",
                        where=verb,
                    )
                    given.setdefault(key, set()).add(verb.of(str))
    for key, verbs in _READS.items():
        missing = sorted(verbs - given.get(key, set()))
        expect.that(
            not missing,
            expected=f'the right to {", ".join(missing)} `{key[1]}` of the group `""`',
            found="it is not there",
            help="Without it the log says `forbidden`, and `kubectl top` stays empty.",
            where=role["rules"],
        )


def container_of(server: Located) -> Located:
    """Its container: of several, the one with the name or the image of metrics-server."""
    containers = list(server["spec"]["template"]["spec"]["containers"])
    found = [one for one in containers if NAME in (one["name"].value, *re.split("[/:@]", str(one["image"].value)))]
    if len(containers) > 1 and not found:
        raise CheckFailed(f"a container `{NAME}`", f"{len(containers)} others", where=server["spec"].place)
    return (found or containers)[0]


@dataclass(frozen=True)
class Argument:
    """An argument: `--name=value`, or the value as the next word."""

    value: str
    place: Located


def arguments_of(container: Located) -> dict[str, Argument]:
    """The arguments by their names."""
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    found: dict[str, Argument] = {}
    for word, following in zip(words, [*(one.of(str) for one in words[1:]), ""], strict=True):
        name, equals, value = word.of(str).partition("=")
        if name.startswith("--"):
            found[name] = Argument(value if equals or following.startswith("--") else following, word)
    return found


def _projects_a_token(pod: Located) -> bool:
    """Whether a volume of the pod has the token of its account."""
    sources = [one for volume in pod.get("volumes") or () for one in volume.get("projected", "sources") or ()]
    return any(one.get("serviceAccountToken") is not None for one in sources)


def judge_server(server: Located) -> None:
    """It runs under its account, with a fixed version, and writes its certificate where it may."""
    judge_selects(server["spec"]["selector"], server, "the selector of the Deployment")
    pod, container = server["spec"]["template"]["spec"], container_of(server)
    space = server.get("metadata", "namespace")
    expect.that(
        space is not None and space.value == SPACE,
        expected=f"the Deployment in the namespace `{SPACE}`",
        found=f"{space}" if space is not None else "no namespace: it is made where `kubectl` happens to be",
        where=space or server["metadata"],
    )
    replicas = server.get("spec", "replicas")
    expect.that(
        replicas is None or replicas.value != 0, expected="one pod or more", found="`replicas: 0`", where=replicas
    )
    account = pod.get("serviceAccountName")
    expect.that(
        account is not None and account.value == NAME,
        expected=f"`serviceAccountName: {NAME}`",
        found=f"{account}" if account is not None else "none: it runs as `default`, which may read nothing",
        where=account or pod,
    )
    token = pod.get("automountServiceAccountToken")
    expect.that(
        token is None or token.value is True or _projects_a_token(pod),
        expected="the token of its account in the pod: metrics-server asks the API",
        found="`automountServiceAccountToken: false`",
        help="The service of 3.1 asks nobody and needs none. This one lists pods and nodes, and ends without it.",
        where=token,
    )
    image = container["image"]
    expect.that(
        "metrics-server" in image.of(str),
        expected="the image of metrics-server: `registry.k8s.io/metrics-server/metrics-server`",
        found=image,
        where=image,
    )
    version = image.of(str).partition("@")[2] or image.of(str).rpartition("/")[2].partition(":")[2]
    expect.that(
        re.search(r"\d", version),
        expected="an image with a version",
        found=image,
        help="`latest` is another one tomorrow, on one node only.",
        where=image,
    )
    arguments = arguments_of(container)
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        asks = container.get(kind, "httpGet")
        scheme = container.get(kind, "httpGet", "scheme")
        expect.that(
            asks is None or (scheme is not None and scheme.value == "HTTPS"),
            expected=f"the `{kind}` speaks HTTPS, as the server does",
            found=f"{scheme}" if scheme is not None else "no `scheme`, and the default is HTTP",
            help="The server takes it for a broken client, and never becomes ready.",
            where=scheme or asks,
        )
    _judge_resolution(arguments, container)
    _judge_certificate(arguments, pod, container)


def _judge_resolution(arguments: dict[str, Argument], container: Located) -> None:
    resolution = arguments.get("--metric-resolution")
    if resolution is None:
        raise CheckFailed(
            "`--metric-resolution` from 10 s to 30 s",
            "it is not there, and the default is 60 s",
            "The HPA looks every 15 s. With figures that are a minute old it comes late.",
            where=container.nearest("args").place,
        )
    match = _SECONDS.fullmatch(resolution.value)
    seconds = int(match[1] or 0) * 60 + int(match[2] or 0) if match else 0
    expect.that(
        10 <= seconds <= 30,
        expected="`--metric-resolution` from 10 s to 30 s",
        found=f"`--metric-resolution={resolution.value}`",
        help="The HPA looks every 15 s. With older figures it comes late; below 10 s, kubelets have no newer ones.",
        where=resolution.place,
    )


def _judge_certificate(arguments: dict[str, Argument], pod: Located, container: Located) -> None:
    folder = arguments.get("--cert-dir")
    if folder is None:
        raise CheckFailed("`--cert-dir`", "it is not there", where=container.nearest("args").place)
    read_only = container.get("securityContext", "readOnlyRootFilesystem")
    expect.that(
        read_only is not None and read_only.value is True,
        expected="`readOnlyRootFilesystem: true`",
        found=f"{read_only}" if read_only is not None else "it is not there",
        where=read_only or container.nearest("securityContext"),
    )
    mounts = {
        one["name"].of(str): one["mountPath"]
        for one in container.get("volumeMounts") or ()
        if (read_only := one.get("readOnly")) is None or read_only.value is not True
    }
    writable = [one["name"].of(str) for one in pod.get("volumes") or () if "emptyDir" in one]
    paths = [mounts[name].of(str).rstrip("/") for name in writable if name in mounts]
    expect.that(
        any(folder.value.rstrip("/") == path or folder.value.startswith(f"{path}/") for path in paths),
        expected=f"an `emptyDir` that is mounted where the certificate is written: `{folder.value}`",
        found=", ".join(f"`{path}`" for path in paths) or "none",
        help="The root file system is read-only, so the server would end at its start.",
        where=folder.place,
    )


def judge_way(server: Located, service: Located, api: Located) -> None:
    """From the API to the Service, and from the Service to the port on which it listens."""
    container = container_of(server)
    port = arguments_of(container).get("--secure-port")
    if port is None:
        raise CheckFailed("`--secure-port`", "it is not there", where=container.nearest("args").place)
    ports = container.get("ports")
    listens = whole(port.value) or 0
    expect.that(
        ports is None or listens in [one["containerPort"].value for one in ports],
        expected=f"the container names the port on which the server listens, `{port.value}`",
        found=described_ports(container),
        where=ports,
    )
    _judge_probes(container, listens)
    _judge_service(server, service, container, listens, api.get("spec", "service", "port"))
    _judge_api(service, api)


def _judge_probes(container: Located, listens: int) -> None:
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        for action in ("httpGet", "tcpSocket"):
            port = container.get(kind, action, "port")
            expect.that(
                port is None or port_of(container, port) == listens,
                expected=f"the `{kind}` asks the port on which the server listens, {listens}",
                found=f"{port}; {described_ports(container)}",
                help="Nobody answers there: the pod never becomes ready, or is restarted for ever.",
                where=port,
            )


def judge_bindings(documents: Documents) -> None:
    """No further binding gives its account more."""
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for one in documents.yaml(FILE).all(kind=kind):
            subjects = [who["name"].value for who in one.get("subjects") or ()]
            role = one["roleRef"]["name"]
            expect.that(
                NAME not in subjects or role.value in _ROLES,
                expected=f"the account `{NAME}` has the roles {', '.join(_ROLES)}, and no other",
                found=f"also `{role.value}`",
                help="It runs in the middle of the cluster. What it may do, everybody may who gets into it.",
                where=role,
            )


def _judge_service(server: Located, service: Located, container: Located, listens: int, asked: Located | None) -> None:
    space, labels = service.get("metadata", "namespace"), pod_labels(server)
    expect.that(
        space is not None and space.value == SPACE, expected=f"the namespace `{SPACE}`", found=f"{space}", where=service
    )
    selector = {key: value.of(str) for key, value in service["spec"]["selector"].items()}
    expect.that(
        selector and all(labels.get(key) == value for key, value in selector.items()),
        expected=f"the Service selects the pods, which have {written(labels)}",
        found=f"it selects {written(selector)}",
        where=service["spec"]["selector"],
    )
    number = 443 if asked is None else asked.value
    entries = list(service["spec"]["ports"])
    entry = next((one for one in entries if one["port"].value == number), entries[0])
    protocol = entry.get("protocol")
    expect.that(
        protocol is None or protocol.value == "TCP", expected="the protocol TCP", found=f"{protocol}", where=protocol
    )
    target = entry.get("targetPort") or entry["port"]
    expect.that(
        port_of(container, target) == listens,
        expected="`targetPort` is the port on which the server listens",
        found=f"{target}; {described_ports(container)}",
        where=target,
    )


def _judge_api(service: Located, api: Located) -> None:
    name, spec = api["metadata"]["name"], api["spec"]
    wanted = f"{spec['version'].value}.{spec['group'].value}"
    expect.that(
        name.value == wanted == "v1beta1.metrics.k8s.io",
        expected="the APIService `v1beta1.metrics.k8s.io`: version and group, and the same in `spec`",
        found=f"`{name.value}`, with `{spec['version'].value}` and `{spec['group'].value}`",
        help="The HPA and `kubectl top` ask for this name, and the API server refuses another one.",
        where=name,
    )
    target, port = spec["service"], spec.get("service", "port")
    right = (target["name"].value, target["namespace"].value) == (service["metadata"]["name"].value, SPACE)
    expect.that(
        right,
        expected=f"the APIService leads to the Service `{service['metadata']['name'].value}` in `{SPACE}`",
        found=f"`{target['name'].value}` in `{target['namespace'].value}`",
        help="`kubectl get apiservice` then says `ServiceNotFound`, and each `kubectl` waits for it.",
        where=target,
    )
    number = 443 if port is None else port.of(int)
    ports = [one["port"].value for one in service["spec"]["ports"]]
    expect.that(
        number in ports,
        expected=f"the Service has the port that the APIService asks, {number}",
        found=", ".join(map(str, ports)),
        where=port or target,
    )
    insecure, bundle = spec.get("insecureSkipTLSVerify"), spec.get("caBundle")
    expect.that(
        (insecure is not None and insecure.value is True) != (bundle is not None),
        expected="either `insecureSkipTLSVerify: true` or a `caBundle`",
        found="both" if bundle is not None else "neither",
        help="The server makes a certificate of its own at each start, and nobody has signed it.",
        where=spec,
    )
