"""Judges the way of a request to the pods (3.2): Service, then Ingress or HTTPRoute."""

from __future__ import annotations

from dataclasses import dataclass

from lab3_judges.facts import NAME, NAMESPACE, PATHS, PORT, PORT_NAME
from lab3_judges.objects import container_of, described_ports, pod_labels, port_of, written
from labkit.checks import CheckFailed, Documents, Located, expect, fail

SERVICE_PORT = 80
# Parts of the names of annotations with which one controller or another changes a path.
REWRITES = ("rewrite", "strip-prefix", "strip-path", "replace-path", "app-root")


def judge_selector(service: Located, workload: Located) -> None:
    """The Service finds the pods, by a label of theirs."""
    name = service["metadata"]["name"]
    expect.that(name.value == NAME, expected=f"the Service is named `{NAME}`", found=name, where=name)
    selector, labels = service["spec"]["selector"], pod_labels(workload)
    wanted = {key: value.of(str) for key, value in selector.items()}
    expect.that(
        wanted and all(labels.get(key) == value for key, value in wanted.items()),
        expected=f"the `selector` of the Service selects the pods of the Deployment, which have {written(labels)}",
        found=f"it selects {written(wanted)}",
        help="A Service without pods is no error: its name resolves, and every connection is refused."
        " `kubectl get endpointslices` shows it.",
        where=selector,
    )
    kind = service.get("spec", "type")
    expect.that(
        kind is None or kind.value == "ClusterIP",
        expected="a Service within the cluster, `ClusterIP`",
        found=f"{kind}",
        help="The way in from outside is the ingress. `NodePort` and `LoadBalancer` would open a second one beside it.",
        where=kind,
    )
    near = service.get("spec", "internalTrafficPolicy")
    expect.that(
        near is None or near.value == "Cluster",
        expected="a Service that leads to all pods that are ready",
        found=f"`internalTrafficPolicy: {near and near.value}`",
        help="It leads to the pods on the caller's own node only. Where there is none, the connection is refused.",
        where=near,
    )
    for field, why in (
        ("externalIPs", "Each node then takes what is sent to these addresses: a second way in."),
        ("publishNotReadyAddresses", "Requests then come to pods whose models are not loaded yet."),
    ):
        more = service.get("spec", field)
        expect.that(not (more and more.value), expected=f"no `{field}`", found=f"{more}", help=why, where=more)
    address, more = service.get("spec", "clusterIP"), [one.value for one in service.get("spec", "clusterIPs") or ()]
    expect.that(
        (address is None or address.value != "None") and "None" not in more,
        expected="a Service with an address of its own",
        found="`clusterIP: None`",
        help="Its name then leads to the pods themselves, on whatever port the caller names: 80 is mapped to nothing.",
        where=address or service["spec"],
    )


def judge_ports(service: Located, workload: Located) -> None:
    """Port 80 of the Service leads to a port that the container has."""
    container, ports = container_of(workload), service["spec"]["ports"]
    entry = next((one for one in ports if one["port"].value == SERVICE_PORT), None)
    if entry is None:
        found = ", ".join(str(one["port"].value) for one in ports) or "none"
        fail(expected=f"the Service has port {SERVICE_PORT}", found=found, where=ports)
    named = entry.get("name")
    expect.that(
        named is not None and named.value == PORT_NAME,
        expected=f"port {SERVICE_PORT} of the Service is named `{PORT_NAME}`",
        found=f"{named}" if named is not None else "it has no name",
        where=named or entry,
    )
    protocol = entry.get("protocol")
    expect.that(
        protocol is None or protocol.value == "TCP", expected="the protocol TCP", found=f"{protocol}", where=protocol
    )
    target = entry.get("targetPort") or entry["port"]
    expect.that(
        port_of(container, target) == PORT,
        expected=f"`targetPort` is a port that the container has: `{PORT_NAME}`",
        found=f"{target}" + ("" if entry.get("targetPort") else ", as `port` says") + f"; {described_ports(container)}",
        help="Nothing compares the two. Kubernetes takes it, and connections are refused.",
        where=target,
    )


@dataclass(frozen=True)
class Rule:
    """A path that leads somewhere."""

    kind: str
    path: str
    backend: Located
    place: Located

    def matches(self, path: str) -> bool:
        """Whether a request for this path is meant. A prefix ends where a part of the path ends."""
        if self.kind == "Exact":
            return path == self.path
        if self.kind == "ImplementationSpecific":  # nobody knows before it is said which controller reads it
            return False
        prefix = self.path.rstrip("/")
        return path == prefix or path.startswith(f"{prefix}/")


def way_in(file: Documents | list[Located]) -> Located:
    """The Ingress or the HTTPRoute."""
    found = list(file.yaml("base/ingress.yaml")) if isinstance(file, Documents) else file
    for one in found:
        if one["kind"].value in ("Ingress", "HTTPRoute"):
            return one
    kinds = ", ".join(f"`{one['kind'].value}`" for one in found)
    where = found[0].place if found else ""
    raise CheckFailed("an `Ingress`, or an `HTTPRoute` with its `Gateway`", kinds or "nothing", where=where)


def rules_of(entry: Located) -> list[Rule]:
    """The paths of an Ingress or an HTTPRoute."""
    return _of_ingress(entry) if entry["kind"].value == "Ingress" else _of_route(entry)


def _some_for_any_host(hosts: list[Located | None], what: str, then: str) -> None:
    """Expect that one of them, if there are any, has no name of a host."""
    first = hosts[0] if hosts else None
    expect.that(
        not hosts or any(one is None for one in hosts),
        expected=f"a {what} for any host",
        found=f"only for `{first and first.value}`",
        help=f"A request for another name, or for the address, {then}.",
        where=first,
    )


def _host(rule: Located) -> Located | None:
    """The host that a rule is for; None for any, which an empty one is, too."""
    host = rule.given("host")
    return host if host is not None and host.value != "" else None


def _of_ingress(entry: Located) -> list[Rule]:
    found: list[Rule] = []
    default = entry.get("spec", "defaultBackend")
    rules = list(entry.get("spec", "rules") or ())
    named = [rule for rule in rules if _host(rule) is not None]
    if default is None:
        _some_for_any_host([_host(rule) for rule in rules], "rule", "gets 404 from the ingress controller")
    # Beside the rule for any host another one may have a name, for whoever makes DNS of it: it leads to the same.
    anyone = [rule["http"].value for rule in rules if rule not in named]
    for rule in named:
        by_default = default is not None and all(
            path["backend"].value == default.value for path in rule["http"]["paths"]
        )
        expect.that(
            by_default or rule["http"].value in anyone,
            expected=f"the same for `{rule['host'].value}` as for any host",
            found="other paths, or another backend",
            where=rule,
        )
    for rule in rules:
        for path in rule["http"]["paths"]:
            written = path.get("path")
            kind, text = path["pathType"].of(str), "/" if written is None else written.of(str)
            expect.that(
                kind == "ImplementationSpecific" or (written is not None and text.startswith("/")),
                expected=f"a `path` that begins with `/`, beside `pathType: {kind}`",
                found=f"`{text}`" if written is not None else "no `path`",
                help="Kubernetes refuses the Ingress otherwise.",
                where=path,
            )
            found.append(Rule(kind, text, path["backend"], path))
    if default is not None:
        found.append(Rule("Prefix", "/", default, default))
    return found


def _of_route(entry: Located) -> list[Rule]:
    hosts = entry.get("spec", "hostnames")
    expect.that(hosts is None or len(hosts) == 0, expected="a route for any host", found="`hostnames`", where=hosts)
    found: list[Rule] = []
    for rule in entry["spec"]["rules"]:
        filters = [
            *(rule.get("filters") or ()),
            *(one for ref in rule["backendRefs"] for one in ref.get("filters") or ()),
        ]
        for one in filters:
            expect.that(
                one["type"].value not in ("URLRewrite", "RequestRedirect"),
                expected="paths as they come: the service knows `/v1/…` and not another name for it",
                found=f"the filter `{one['type'].value}`",
                where=one,
            )
        backends = list(rule["backendRefs"])
        expect.that(len(backends) == 1, expected="one backend", found=f"{len(backends)}", where=rule["backendRefs"])
        weight, space = backends[0].get("weight"), backends[0].get("namespace")
        expect.that(
            weight is None or weight.value != 0,
            expected="a backend that gets requests",
            found="`weight: 0`",
            help="It then gets none, and callers get 500.",
            where=weight,
        )
        expect.that(
            space is None or space.value == NAMESPACE,
            expected="the Service of the same namespace",
            found=f"`namespace: {space and space.value}`",
            where=space,
        )
        for match in rule.get("matches") or ():
            narrow = next((match.get(key) for key in ("headers", "queryParams", "method") if match.get(key)), None)
            expect.that(narrow is None, expected="a match for every request", found="a condition", where=narrow)
            path = match.get("path")
            kind, value = match.get("path", "type"), match.get("path", "value")
            word = {"Exact": "Exact", "RegularExpression": "ImplementationSpecific"}.get(
                str(kind.value) if kind is not None else "", "Prefix"
            )
            found.append(Rule(word, "/" if value is None else value.of(str), backends[0], path or match))
        if rule.get("matches") is None:
            found.append(Rule("Prefix", "/", backends[0], rule))
    return found


def judge_paths(entry: Located) -> None:
    """Every path of the service gets to the Service, as it is."""
    if entry["kind"].value == "Ingress":
        name = entry["metadata"]["name"]
        expect.that(name.value == NAME, expected=f"the Ingress is named `{NAME}`", found=name, where=name)
    for word in REWRITES:
        notes = entry.given("metadata", "annotations")
        for key, value in notes.items() if notes else ():
            expect.that(
                word not in key,
                expected="paths as they come: the service knows `/v1/…` and not another name for it",
                found=f"the annotation `{key}`",
                help="An annotation works with one controller only. The next one ignores it.",
                where=value,
            )
    rules = rules_of(entry)
    for path in PATHS:
        fitting = [rule for rule in rules if rule.matches(path)]
        if not fitting:
            known = ", ".join(f"`{rule.path}` ({rule.kind})" for rule in rules)
            fail(
                expected=f"a request for `{path}` gets to the Service",
                found=f"no rule is for it; there is {known or 'none'}",
                help="`Exact` is this path alone. `Prefix` is also what stands below it, part by part. "
                "`ImplementationSpecific` means something else to each controller, and which one it is, is said later.",
                where=rules[0].place if rules else entry["spec"],
            )
        best = max(fitting, key=lambda rule: (len(rule.path), rule.kind == "Exact"))
        _judge_backend(best.backend)


def _judge_backend(backend: Located) -> None:
    is_ingress = backend.get("service") is not None
    service = backend["service"] if is_ingress else backend
    name = service["name"]
    expect.that(
        name.value == NAME,
        expected=f"the requests go to the Service `{NAME}`",
        found=name,
        help="A Service that is not there is no error for Kubernetes: callers get 503 from the controller.",
        where=name,
    )
    if not is_ingress:
        port = service["port"]
        right = port.value == SERVICE_PORT
    else:
        named, number = service.get("port", "name"), service.get("port", "number")
        port = named or number or service["port"]
        right = (named is not None and named.value == PORT_NAME) or (
            number is not None and number.value == SERVICE_PORT
        )
    expect.that(
        right,
        expected=f"a port of the Service: {SERVICE_PORT}" + (f", or its name, `{PORT_NAME}`" if is_ingress else ""),
        found=port,
        help="It is the port of the Service that counts here, and not that of the container.",
        where=port,
    )


def judge_gateway(entry: Located, objects: list[Located]) -> None:
    """An HTTPRoute names a Gateway that is there and listens."""
    if entry["kind"].value != "HTTPRoute":
        return
    names = [one["name"].value for one in entry["spec"]["parentRefs"]]
    gateway = next((one for one in objects if one["kind"].value == "Gateway"), None)
    expect.that(
        gateway is not None and gateway["metadata"]["name"].value in names,
        expected="the HTTPRoute names a `Gateway` of the same file",
        found=f"it names {', '.join(map(str, names))}",
        help="A route without a gateway is accepted, and nobody serves it.",
        where=entry["spec"]["parentRefs"],
    )
    assert gateway is not None
    named = gateway["metadata"]["name"]
    expect.that(named.value == NAME, expected=f"the Gateway is named `{NAME}`", found=named, where=named)
    listeners = [one["name"].value for one in gateway["spec"]["listeners"]]
    for parent in entry["spec"]["parentRefs"]:
        section = parent.get("sectionName")
        expect.that(
            section is None or parent["name"].value != NAME or section.value in listeners,
            expected=f"a `sectionName` that the Gateway has: {', '.join(map(str, listeners))}",
            found=f"{section}",
            help="A route to a listener that is not there is accepted, and nobody serves it.",
            where=section,
        )
    _some_for_any_host([one.get("hostname") for one in gateway["spec"]["listeners"]], "listener", "gets 404")
    for listener in gateway["spec"]["listeners"]:
        protocol = listener["protocol"]
        expect.that(
            protocol.value in ("HTTP", "HTTPS"),
            expected="a listener of HTTP or HTTPS: an HTTPRoute belongs to no other",
            found=protocol,
            where=protocol,
        )


def judge_any_controller(entry: Located) -> None:
    """The base leaves it to the overlay which controller serves it."""
    named = entry.get("spec", "ingressClassName")
    annotated = entry.get("metadata", "annotations", "kubernetes.io/ingress.class")
    expect.that(
        named is None and annotated is None,
        expected="no class in the base: another cluster has another controller",
        found=f"{named or annotated}",
        help="The overlay says it (3.5).",
        where=named or annotated,
    )
