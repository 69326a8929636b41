"""Judges network policies by what they let through (3.4): who gets in, and where the pods get to."""

from __future__ import annotations

import ipaddress
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lab3_judges.facts import INGRESS_NAMESPACE, METRICS_NAMESPACE, NAMESPACE, PORT, REGISTRY_NAMESPACE, REGISTRY_PORT
from lab3_judges.objects import container_of, described_selector, pod_labels, port_of, selects, written
from labkit.checks import CheckFailed, Located, expect

if TYPE_CHECKING:
    import numpy as np

Direction = Literal["ingress", "egress"]
NAMES = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Peer:
    """Somebody at the other end: a pod, or an address outside of the cluster."""

    who: str
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    address: str = ""
    marks: dict[str, str] = field(default_factory=dict)
    """Further labels of its namespace."""


CONTROLLER = Peer("the ingress controller", INGRESS_NAMESPACE, {"app.kubernetes.io/name": "traefik", "app": "traefik"})
PROMETHEUS = Peer("Prometheus", METRICS_NAMESPACE, {"app.kubernetes.io/name": "prometheus", "app": "prometheus"})
DNS = Peer("the DNS of the cluster", "kube-system", {"k8s-app": "kube-dns"})
REGISTRY = Peer("the model registry", REGISTRY_NAMESPACE, {"app.kubernetes.io/name": "mlflow", "app": "mlflow"})

DNS_PORTS = ((53, "UDP"), (53, "TCP"))
SPACES = ("default", "kube-system", NAMESPACE, INGRESS_NAMESPACE, METRICS_NAMESPACE, REGISTRY_NAMESPACE)


class Policies:
    """The policies that select the pods of a Deployment, and what they let through."""

    def __init__(self, policies: Sequence[Located], workload: Located) -> None:
        self.container = container_of(workload)
        self.labels = pod_labels(workload)
        self.chosen = [one for one in policies if selects(one["spec"]["podSelector"], self.labels)]
        self.all = policies

    def judge_chosen(self) -> None:
        """Each policy selects the pods, and together they are for both directions."""
        for one in self.all:
            selector = one["spec"]["podSelector"]
            expect.that(
                one in self.chosen,
                expected=f"a `podSelector` that selects the pods of the Deployment, which have {written(self.labels)}",
                found=f"it selects {described_selector(selector)}: no pod of it",
                help="A policy without pods is no error. It protects nothing, silently.",
                where=selector,
            )
        for direction in ("Ingress", "Egress"):
            expect.that(
                any(direction in _types(one) for one in self.chosen),
                expected=f"`policyTypes` has `{direction}`",
                found=", ".join(f"`{kind}`" for one in self.chosen for kind in _types(one)),
                help="A direction that is not named is open to everybody.",
                where=self.all[0]["spec"].nearest("policyTypes"),
            )

    def lets(self, direction: Direction, peer: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether a connection gets through."""
        named = "Ingress" if direction == "ingress" else "Egress"
        meant = [one for one in self.chosen if named in _types(one)]
        rules = [rule for one in meant for rule in one.get("spec", direction) or ()]
        return not meant or any(self._allows(rule, direction, peer, port, protocol) for rule in rules)

    def strangers(self, direction: Direction, known: Container[str], rng: np.random.Generator) -> list[Peer]:
        """Those whom the policies name and who are not known, beside the usual ones: namespaces, and addresses."""
        entries = [
            entry
            for one in self.chosen
            for rule in one.get("spec", direction) or ()
            for entry in rule.get("from" if direction == "ingress" else "to") or ()
        ]
        spaces, labels, found = dict.fromkeys(SPACES), [{"app": "web"}], []
        for entry in entries:
            values, pods = entry.get("namespaceSelector"), entry.get("podSelector")
            named = {**_pairs(values)}
            if (name := named.pop(NAMES, None)) is not None:
                spaces[name] = None
            elif named:
                space = _stranger(rng)
                found.append(Peer(f"a pod of a namespace with {written(named)}", space, {"app": "web"}, marks=named))
            for one in (values.get("matchExpressions") if values is not None else None) or ():
                spaces |= dict.fromkeys(value.of(str) for value in one.get("values") or ())
            if (wanted := _pairs(pods)) and wanted not in labels:
                labels.append(wanted)
            block = entry.get("ipBlock", "cidr")
            if block is not None:
                network = _network(block)
                found += [
                    Peer("an address outside of the cluster", address=str(one)) for one in (network[0], network[-1])
                ]
        found += [
            Peer(f"a pod of the namespace `{space}` with {written(one)}", space, one)
            for space in spaces
            for one in labels
        ]
        return [one for one in found if one.address or one.namespace not in known]

    def ports(self, direction: Direction) -> list[int]:
        """The ports that the policies name, those beside them, and some that are often open."""
        found = {22, 80, 443}
        for one in self.chosen:
            for rule in one.get("spec", direction) or ():
                for entry in rule.get("ports") or ():
                    for name in ("port", "endPort"):
                        number = entry.get(name)
                        if number is not None and isinstance(number.value, int):
                            found |= {number.value - 1, number.value, number.value + 1}
        return sorted(one for one in found if 0 < one < 65_536)

    def _allows(self, rule: Located, direction: Direction, peer: Peer, port: int, protocol: str) -> bool:
        peers = rule.get("from" if direction == "ingress" else "to")
        ports = rule.get("ports")
        right_port = not ports or any(self._is_port(one, direction, port, protocol) for one in ports)
        return right_port and (not peers or any(_is_peer(one, peer) for one in peers))

    def _is_port(self, entry: Located, direction: Direction, port: int, protocol: str) -> bool:
        kind, wanted, last = entry.get("protocol"), entry.get("port"), entry.get("endPort")
        if (kind.value if kind is not None else "TCP") != protocol:
            return False
        if wanted is None:
            return True
        if isinstance(wanted.value, str):  # a name is that of a port of the pod that is called
            return direction == "ingress" and port_of(self.container, wanted) == port
        return wanted.of(int) <= port <= (last.of(int) if last is not None else wanted.of(int))


def _pairs(selector: Located | None) -> dict[str, str]:
    wanted = selector.get("matchLabels") if selector is not None else None
    return {key: value.of(str) for key, value in wanted.items()} if wanted is not None else {}


def _types(policy: Located) -> list[str]:
    named = policy.get("spec", "policyTypes")
    if named is not None:
        return [one.of(str) for one in named]
    return ["Ingress", "Egress"] if policy.get("spec", "egress") is not None else ["Ingress"]


def _is_peer(entry: Located, peer: Peer) -> bool:
    block = entry.get("ipBlock")
    if block is not None:
        return bool(peer.address) and _in_block(block, peer.address)
    if peer.address:
        return False
    spaces, pods = entry.get("namespaceSelector"), entry.get("podSelector")
    if spaces is None and peer.namespace != NAMESPACE:  # without it: pods of the policy's own namespace
        return False
    if spaces is not None and not selects(spaces, {NAMES: peer.namespace, **peer.marks}):
        return False
    return pods is None or selects(pods, peer.labels)


def _in_block(block: Located, address: str) -> bool:
    inside = ipaddress.ip_address(address) in _network(block["cidr"])
    return inside and not any(ipaddress.ip_address(address) in _network(one) for one in block.get("except") or ())


def _network(text: Located) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text.of(str), strict=False)
    except ValueError:
        raise CheckFailed(f"{text.name} is a range of addresses", str(text), where=text.place) from None


def judge_entrance(policies: Policies) -> None:
    """Who has to get in gets in."""
    help = {
        CONTROLLER.who: "Without it, no request from outside arrives.",
        PROMETHEUS.who: "Without it, there are no metrics, and no alarm says so.",
    }
    for peer in (CONTROLLER, PROMETHEUS):
        expect.that(
            policies.lets("ingress", peer, PORT),
            expected=f"{peer.who} (namespace `{peer.namespace}`) gets to the container's port {PORT}",
            found="it does not",
            help=f"{help[peer.who]} In a policy, the port is that of the pod, and not that of the Service."
            " Items of `from` are alternatives; two selectors in one item must both hold.",
            where=policies.all[0]["spec"].nearest("ingress"),
        )


def _stranger(rng: np.random.Generator) -> str:
    return f"team-{int(rng.integers(1_000, 9_999))}"


def judge_closed_entrance(policies: Policies, rng: np.random.Generator, outside: str = "") -> None:
    """Nobody else gets in, apart from the addresses of the network `outside`."""
    space = _stranger(rng)
    strangers = [
        (Peer(f"a pod of another namespace (`{space}`)", space, {"app": "web"}), PORT),
        (Peer("a pod of the same namespace that is none of these", NAMESPACE, {"app": "web"}), PORT),
        (Peer("a pod that calls itself Prometheus, in another namespace", space, dict(PROMETHEUS.labels)), PORT),
        (Peer("an address of the internet", address=f"8.8.{int(rng.integers(256))}.8"), PORT),
    ]
    strangers += [
        (one, PORT)
        for one in policies.strangers("ingress", (INGRESS_NAMESPACE, METRICS_NAMESPACE), rng)
        if not (one.address and outside and ipaddress.ip_address(one.address) in ipaddress.ip_network(outside))
    ]
    ports = [*policies.ports("ingress"), int(rng.integers(10_000, 65_536))]
    asked = [(peer, port, "TCP") for peer, port in strangers]
    asked += [
        (peer, port, protocol)
        for peer in (CONTROLLER, PROMETHEUS)
        for port in (*ports, PORT)
        for protocol in ("TCP", "UDP", "SCTP")
        if (port, protocol) != (PORT, "TCP")
    ]
    for peer, port, protocol in asked:
        expect.that(
            not policies.lets("ingress", peer, port, protocol),
            expected=f"{peer.who} does not get to {protocol} port {port} of the pods",
            found="it does",
            help="An empty `from`, or an item without a selector, is everybody. Without `ports`, every port is open.",
            where=policies.all[0]["spec"].nearest("ingress"),
        )


def judge_exit(policies: Policies) -> None:
    """The pods get to where they have to."""
    for protocol in ("UDP", "TCP"):
        expect.that(
            policies.lets("egress", DNS, 53, protocol),
            expected=f"the pods get to {DNS.who} over {protocol}, port 53",
            found="they do not",
            help="Without DNS no name can be looked up, and every connection fails after a timeout. An answer that is"
            " too long for UDP is asked for again over TCP.",
            where=policies.all[0]["spec"].nearest("egress"),
        )
    expect.that(
        policies.lets("egress", REGISTRY, REGISTRY_PORT),
        expected=f"the pods get to {REGISTRY.who} (namespace `{REGISTRY.namespace}`), port {REGISTRY_PORT}",
        found="they do not",
        where=policies.all[0]["spec"].nearest("egress"),
    )


def judge_closed_exit(policies: Policies, rng: np.random.Generator) -> None:
    """They get nowhere else."""
    space = _stranger(rng)
    places = [
        (Peer("an address of the internet", address=f"8.8.{int(rng.integers(256))}.8"), 443),
        (Peer("the addresses of a cloud's own data", address="169.254.169.254"), 80),
        (Peer(f"a pod of another namespace (`{space}`)", space, {"app": "web"}), 5432),
        (Peer(f"a pod of another namespace (`{space}`)", space, {"app": "mlflow"}), REGISTRY_PORT),
        (Peer(f"a pod of another namespace (`{space}`)", space, {"k8s-app": "kube-dns"}), 53),
        (Peer("a name server that is not the cluster's", address=f"8.8.{int(rng.integers(256))}.8"), 53),
        (Peer("a pod of `kube-system` that is not the DNS", "kube-system", {"k8s-app": "kube-proxy"}), 53),
    ]
    ports = policies.ports("egress")
    places += [(one, port) for one in policies.strangers("egress", (REGISTRY_NAMESPACE,), rng) for port in ports]
    places += [
        (one, port)
        for one in (REGISTRY, DNS)
        for port in (*ports, 53, REGISTRY_PORT, int(rng.integers(10_000, 65_536)))
    ]
    for peer, port, protocol in [(*place, protocol) for place in places for protocol in ("TCP", "UDP", "SCTP")]:
        if (peer.namespace, peer.labels) == (DNS.namespace, DNS.labels) and (port, protocol) in DNS_PORTS:
            continue
        if peer == REGISTRY and (port, protocol) == (REGISTRY_PORT, "TCP"):
            continue
        expect.that(
            not policies.lets("egress", peer, port, protocol),
            expected=f"the pods do not get to {peer.who}, {protocol} port {port}",
            found="they do",
            help="Who gets into a pod sends data out, or asks for keys. Two selectors in one item of `to` must both"
            " hold; in two items, one is enough. And in one rule, each port is open at everybody whom it names.",
            where=policies.all[0]["spec"].nearest("egress"),
        )
