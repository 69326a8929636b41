"""Which cluster is meant, and how one is made: by kind, or offline. After that all commands are the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from k8s.kubectl import Kubectl
from k8s.offline import building
from k8s.offline import cluster as offline
from k8s.offline.settings import HTTP_PORT, Folders
from labkit.tools import find

HERE = Path(__file__).resolve().parent
KIND_NAME = "mlops-lab"


class ClusterError(RuntimeError):
    """No cluster, or none that can be made here; the message says what to do."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers. `kind` is `kind`, `offline`, or `other` for one that we have not made."""

    kind: str
    kubeconfig: Path

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.kubeconfig)

    def load(self, image: str) -> None:
        """Bring an image of this machine's Docker engine to the nodes. Another cluster pulls its images itself."""
        if self.kind == "kind":
            subprocess.run(
                [_kind(), "load", "docker-image", image, "--name", KIND_NAME], check=True, capture_output=True
            )
        elif self.kind == "offline":
            tar = Folders.usual().loaded / f"{image.replace('/', '_').replace(':', '_')}.tar"
            subprocess.run(["docker", "save", "--output", str(tar), image], check=True, capture_output=True)
            offline.load(Folders.usual(), tar)
        else:
            raise ClusterError(f"this cluster pulls its images: push `{image}`, and name it with ARGS=--image=…")

    def entrance(self) -> str:
        """Where the ingress controller is reached from here: `http://127.0.0.1:8080`."""
        if told := os.environ.get("MLOPS_LAB_ENTRANCE"):
            return told.rstrip("/")
        if self.kind != "other":
            return f"http://127.0.0.1:{HTTP_PORT}"
        for ingress in self.kubectl.get("ingress", "--all-namespaces")["items"]:
            for one in ingress.get("status", {}).get("loadBalancer", {}).get("ingress", ()):
                return f"http://{one.get('hostname') or one['ip']}"
        raise ClusterError("no Ingress has an address; MLOPS_LAB_ENTRANCE says where the ingress controller is reached")


def _own() -> Path:
    """The kubeconfig of the cluster that `make cluster-up` has made. Nobody's ~/.kube/config is touched."""
    return Folders.usual().kubeconfig


def _mark() -> Path:
    return Folders.usual().state / "made-by"


def current() -> Cluster:
    """The cluster that KUBECONFIG names, else the one that `make cluster-up` has made.

    One that we have not made may be somebody's own: CONTEXT has to confirm its current context by name.
    """
    named = os.environ.get("KUBECONFIG")
    path = Path(named) if named else _own()
    if not path.is_file():
        missing = f"KUBECONFIG names `{path}`, which is not there" if named else "there is no cluster"
        raise ClusterError(f"{missing}; `make cluster-up` makes one")
    mark = path.resolve().parent / _mark().name  # beside the kubeconfig that we have written
    made = mark.read_text(encoding="utf-8") if mark.is_file() else "other"
    found = Cluster(made, path)
    if made == "other":
        context = found.kubectl.run("config", "current-context").strip()
        if os.environ.get("CONTEXT") != context:
            raise ClusterError(
                f"KUBECONFIG leads to the context `{context}`: if that is the one you mean, set CONTEXT={context}"
            )
    if not found.kubectl.succeeds("get", "--raw", "/readyz"):
        raise ClusterError(f"the cluster of `{path}` does not answer; `make cluster-up` starts what does not run")
    return found


def confirmed(context: str) -> Cluster:
    """The cluster that is meant, where `context` names its current context; whoever has made it."""
    path = Path(os.environ.get("KUBECONFIG") or _own())
    if path.is_file():
        now = Kubectl(path).run("config", "current-context").strip()
        if context != now:
            raise ClusterError(
                f"`{path}` leads to the context `{now}`: if that is the one you mean, say `--context {now}`"
            )
        os.environ["CONTEXT"] = context
    return current()


def build(jobs: int) -> None:
    offline.require()
    building.build(Folders.usual(), jobs)


def up(*, offline: bool) -> None:
    """Make the cluster, or what of it is missing, and wait until its add-ons work. Prints how to reach it."""
    folders = Folders.usual()
    other = _mark().read_text(encoding="utf-8") if _mark().exists() else None
    wanted = "offline" if offline else "kind"
    if other not in (None, wanted):
        raise ClusterError(f"a cluster by `{other}` is there already; `make cluster-down` removes it")
    if offline:
        build(jobs=2)  # once; no part of the time that it takes to start
    begin = time.monotonic()
    took = _up_offline(folders) if offline else _up_kind(folders)
    _mark().write_text(wanted, encoding="utf-8")
    made = Cluster(wanted, _own())
    _add_ons(made, HERE / ("offline/manifests" if offline else "kind"))
    took["addons_available_s"] = time.monotonic() - begin
    told = folders.state / "up.json"
    if not told.exists():  # of the first start; one that finds all of it running says nothing
        told.write_text(json.dumps(took), encoding="utf-8")
    for name, seconds in took.items():
        print(f"{seconds:6.1f} s  {name.removesuffix('_s').replace('_', ' ')}")
    print(f"the ingress controller answers at {made.entrance()}\nexport KUBECONFIG={made.kubeconfig}")


def _up_offline(folders: Folders) -> dict[str, float]:
    return offline.up(folders)


def _kind() -> str:
    program = find("kind")
    if program is None:
        raise ClusterError(
            "kind is not there; `lab doctor` says how to get it. Without an image registry: ARGS=--offline"
        )
    return str(program)


def _up_kind(folders: Folders) -> dict[str, float]:
    begin = time.monotonic()
    folders.state.mkdir(parents=True, exist_ok=True)
    there = subprocess.run([_kind(), "get", "clusters"], check=True, capture_output=True, text=True).stdout.split()
    place = ["--name", KIND_NAME, "--kubeconfig", str(_own())]
    if KIND_NAME in there:
        subprocess.run([_kind(), "export", "kubeconfig", *place], check=True, capture_output=True)
    else:
        subprocess.run([_kind(), "create", "cluster", *place, "--config", HERE / "kind/cluster.yaml"], check=True)
    Kubectl(_own()).run("wait", "--for=condition=Ready", "node", "--all", "--timeout=300s")
    return {"nodes_ready_s": time.monotonic() - begin}


def _add_ons(cluster: Cluster, tree: Path) -> None:
    """Apply them, and wait until each is Available, the API of the metrics too."""
    kubectl = cluster.kubectl
    for folder in (tree, HERE / "places"):
        kubectl.run("apply", "--server-side", "--force-conflicts", "--kustomize", str(folder))
    for namespace in ("kube-system", "traefik"):
        kubectl.run("wait", "--for=condition=Available", "deployment", "--all", "-n", namespace, "--timeout=300s")
    kubectl.run("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", "--timeout=120s")


def down() -> None:
    """Remove the cluster that `up` has made. Where there is none, nothing happens."""
    folders = Folders.usual()
    made = _mark().read_text(encoding="utf-8") if _mark().exists() else "offline"  # it may have stopped half way
    if made == "kind":
        subprocess.run([_kind(), "delete", "cluster", "--name", KIND_NAME], check=True, capture_output=True)
        shutil.rmtree(folders.state, ignore_errors=True)
    else:
        offline.down(folders)
