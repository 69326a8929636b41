"""The cluster's network: a namespace with a bridge for the control plane, and one for each node, tied to it.

Nothing here touches this machine's own network. Whoever is outside comes in through the door (`kit door`).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from k8s.offline.settings import API, NODES, SERVICES, SYSTEM, node_address, pods_of

CONTROL = f"{SYSTEM}-control"


def space(node: str) -> str:
    return f"{SYSTEM}-{node}"


def path(namespace: str) -> Path:
    return Path("/run/netns", namespace)


def inside(namespace: str, *command: str) -> list[str]:
    """The command, run inside a network namespace. (`ip netns exec` would mount another /sys.)"""
    return ["nsenter", f"--net={path(namespace)}", *command]


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def up() -> None:
    if not path(CONTROL).exists():
        _run("ip", "netns", "add", CONTROL)
        for words in (
            "ip link set lo up",
            "ip link add br0 type bridge",
            f"ip addr add {API}/16 dev br0",
            "ip link set br0 up",
            "sysctl -qw net.ipv4.ip_forward=1",
        ):
            _run(*inside(CONTROL, *words.split()))
    for node in NODES:
        if not path(space(node)).exists():
            _add(node)


def _add(node: str) -> None:
    _run("ip", "netns", "add", space(node))
    for words in (
        f"ip link add {node} type veth peer name eth0 netns {space(node)}",
        f"ip link set {node} master br0 up",
        f"ip route add {pods_of(node)} via {node_address(node)} dev br0 onlink",
    ):
        _run(*inside(CONTROL, *words.split()))
    others = [other for other in NODES if other != node]
    for words in (
        "ip link set lo up",
        f"ip addr add {node_address(node)}/16 dev eth0",
        "ip link set eth0 up",
        # There is no default route, and without any route the node itself could not ask a service.
        f"ip route add {SERVICES} dev eth0",
        "sysctl -qw net.ipv4.ip_forward=1",
        *(f"ip route add {pods_of(other)} via {node_address(other)} dev eth0 onlink" for other in others),
    ):
        _run(*inside(space(node), *words.split()))


def down() -> None:
    for namespace in (CONTROL, *map(space, NODES)):
        if path(namespace).exists():
            _run("ip", "netns", "del", namespace)
