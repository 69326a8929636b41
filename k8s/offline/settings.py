"""Where the offline cluster keeps things, and the addresses that it has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "go"
NODES = ("n1", "n2")
SYSTEM = "mlops-lab"  # begins the names of network namespaces and control groups
DOMAIN = "cluster.local"

# All of them are inside the cluster's own network namespaces: they meet none of this machine's.
API = "10.99.0.1"
NODE_NET = "10.99.0.0/16"
PODS = "10.244.0.0/16"
SERVICES = "10.96.0.0/16"
DNS = "10.96.0.10"
# And these are loopback of this machine. Nobody else's computer reaches them.
API_PORT = 16443
HTTP_PORT = 8080


def node_address(node: str) -> str:
    return f"10.99.1.{NODES.index(node) + 1}"


def pods_of(node: str) -> str:
    return f"10.244.{NODES.index(node) + 1}.0/24"


def _base(variable: str, usual: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / usual)


@dataclass(frozen=True)
class Folders:
    """`cache` has what is built, and stays. `state` has what a running cluster writes, and goes with it."""

    cache: Path
    state: Path

    @classmethod
    def usual(cls) -> Folders:
        return cls(
            _base("XDG_CACHE_HOME", ".cache") / "mlops-lab" / "k8s",
            _base("XDG_STATE_HOME", ".local/state") / "mlops-lab" / "cluster",
        )

    @cached_property
    def programs(self) -> Path:
        return self.cache / "bin"

    @cached_property
    def images(self) -> Path:
        """The images of the cluster's own parts; a node imports them when it starts."""
        return self.cache / "images"

    @cached_property
    def loaded(self) -> Path:
        """The images that somebody has loaded into this cluster; a node that starts again imports them again."""
        return self.state / "images"

    @cached_property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    def log(self, name: str) -> Path:
        return self.state / "log" / f"{name}.log"
