"""Bring the offline cluster up, load images into it, and take it down again. Each of them may be called at any time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from k8s.offline import building, groups, network, nodes
from k8s.offline.certificates import Authority
from k8s.offline.processes import Processes
from k8s.offline.settings import API, API_PORT, DOMAIN, HTTP_PORT, NODES, SERVICES, Folders, node_address
from k8s.waiting import until

# What Debian calls the package, and a program of it.
PACKAGES = {
    "iproute2": "ip",
    "iptables": "iptables",
    "nftables": "nft",
    "ipset": "ipset",
    "runc": "runc",
    "openssl": "openssl",
    "util-linux": "nsenter",
}
CONTROL_PLANE = ("door", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")


class CannotError(RuntimeError):
    """This machine cannot run the offline cluster; the message says what is missing."""


def missing() -> list[str]:
    """The Debian packages that are missing on this machine."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return [package for package, program in PACKAGES.items() if shutil.which(program, path=path) is None]


def require() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        raise CannotError("the offline cluster needs Linux and root: it makes network namespaces and control groups")
    if lacking := missing():
        raise CannotError(f"missing: `apt-get install -y --no-install-recommends {' '.join(lacking)}`")


def processes_of(folders: Folders) -> Processes:
    return Processes(folders.state / "processes", folders.state / "log")


def is_up(folders: Folders) -> bool:
    return processes_of(folders).pid("kube-apiserver") is not None


def up(folders: Folders) -> dict[str, float]:
    """Start what does not run. Returns the seconds from the start to the API ready and to the nodes Ready."""
    require()
    building.build(folders)
    begin = time.monotonic()
    processes = processes_of(folders)
    folders.loaded.mkdir(parents=True, exist_ok=True)
    network.up()
    groups.up()
    authority = _certify(folders)
    _start_store_and_api(folders, authority, processes)
    for node in NODES:  # they try until the API answers
        nodes.start(node, folders, authority, processes)
    until("the API ready", lambda: _answers(folders), 120, lambda: processes.last_words("kube-apiserver"))
    took = {"api_ready_s": time.monotonic() - begin}
    _start_controllers(folders, authority, processes)
    for node in NODES:
        until(f"node {node} in the API", lambda node=node: _get(folders, "node", node), 90)  # type: ignore[misc]
    _kubectl(folders, "wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
    until("the default account", lambda: _get(folders, "serviceaccount", "default"), 60)
    took["nodes_ready_s"] = time.monotonic() - begin
    return took


def down(folders: Folders) -> None:
    """End all that `up` has started, and remove what it wrote. What is built stays."""
    processes = processes_of(folders)
    if not folders.state.exists():
        return
    processes.end([*NODES, *CONTROL_PLANE], signal.SIGKILL)  # the state goes too, so nobody has to write a last page
    network.down()
    groups.down()
    shutil.rmtree(folders.state, ignore_errors=True)


def load(folders: Folders, tar: Path) -> list[str]:
    """Import the images of a tar on each node, also on one that is started again later."""
    kept = folders.loaded / tar.name
    if kept != tar:
        shutil.copyfile(tar, kept)
    names: list[str] = []
    for node in NODES:
        names = nodes.load(node, kept, folders, processes_of(folders))
    return names


def memory(folders: Folders) -> int:
    """The bytes that the whole cluster has in memory, its pods included."""
    processes = processes_of(folders)
    pids: set[int] = set()
    for name in processes.names():
        if (pid := processes.pid(name)) is not None:
            pids |= {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    return nodes.memory(pids)


def _certify(folders: Folders) -> Authority:
    authority = Authority(folders.state / "certificates")
    names = [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{DOMAIN}",
    ]
    addresses = ["127.0.0.1", API, SERVICES.replace(".0.0/16", ".0.1")]
    authority.certify(
        "apiserver", "/CN=kube-apiserver", *(f"DNS:{name}" for name in names), *(f"IP:{one}" for one in addresses)
    )
    authority.certify("admin", "/O=system:masters/CN=admin")
    authority.certify("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    authority.certify("front-proxy", "/CN=front-proxy-client")
    authority.certify("kube-controller-manager", "/CN=system:kube-controller-manager")
    authority.certify("kube-scheduler", "/CN=system:kube-scheduler")
    authority.certify("kube-proxy", "/CN=system:kube-proxy")  # this user has its role from the start
    authority.certify("policy", "/O=system:masters/CN=policy")
    for name in ("kube-controller-manager", "kube-scheduler"):
        authority.kubeconfig(name, "https://127.0.0.1:6443", folders.state / f"{name}.kubeconfig")
    authority.kubeconfig("admin", f"https://127.0.0.1:{API_PORT}", folders.kubeconfig)
    return authority


def _start_store_and_api(folders: Folders, authority: Authority, processes: Processes) -> None:
    def start(name: str, *options: str) -> None:
        command = network.inside(network.CONTROL, str(folders.programs / name), *options)
        processes.start(name, command, path=folders.programs)

    (folders.state / "etcd").mkdir(exist_ok=True, mode=0o700)
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    start(
        "etcd",
        "--name=one", f"--data-dir={folders.state / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=one={peer}",
    )  # fmt: skip
    path = authority.path
    start(
        "kube-apiserver",
        f"--etcd-servers={client}", f"--advertise-address={API}", "--bind-address=0.0.0.0", "--secure-port=6443",
        f"--service-cluster-ip-range={SERVICES}", "--allow-privileged=true", "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction", f"--cert-dir={authority.folder}",
        f"--client-ca-file={path('ca.crt')}",
        f"--tls-cert-file={path('apiserver.crt')}", f"--tls-private-key-file={path('apiserver.key')}",
        f"--kubelet-certificate-authority={path('ca.crt')}", "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={path('kubelet-client.crt')}",
        f"--kubelet-client-key={path('kubelet-client.key')}",
        f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
        f"--service-account-key-file={path('accounts.pub')}",
        f"--service-account-signing-key-file={path('accounts.key')}",
        f"--requestheader-client-ca-file={path('ca.crt')}", "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-", "--enable-aggregator-routing=true",
        f"--proxy-client-cert-file={path('front-proxy.crt')}", f"--proxy-client-key-file={path('front-proxy.key')}",
    )  # fmt: skip
    doors = (f"127.0.0.1:{API_PORT}=127.0.0.1:6443", f"127.0.0.1:{HTTP_PORT}={node_address(NODES[0])}:80")
    command = [str(folders.programs / "kit"), "door", str(network.path(network.CONTROL)), *doors]
    processes.start("door", command, path=folders.programs)


def _start_controllers(folders: Folders, authority: Authority, processes: Processes) -> None:
    """These two want the roles that the API makes at its first start, so they begin when it is ready."""

    def start(name: str, *options: str) -> None:
        kubeconfig = folders.state / f"{name}.kubeconfig"
        same = [f"--{kind}kubeconfig={kubeconfig}" for kind in ("", "authentication-", "authorization-")]
        alone = ["--leader-elect=false", "--bind-address=127.0.0.1", f"--cert-dir={authority.folder}"]
        command = network.inside(network.CONTROL, str(folders.programs / name), *same, *alone, *options)
        processes.start(name, command, path=folders.programs)

    path = authority.path
    start(
        "kube-controller-manager",
        f"--service-account-private-key-file={path('accounts.key')}", f"--root-ca-file={path('ca.crt')}",
        f"--cluster-signing-cert-file={path('ca.crt')}", f"--cluster-signing-key-file={path('ca.key')}",
        "--use-service-account-credentials=true",
        # An autoscaler that is watched while it works looks more often than every 15 s.
        "--horizontal-pod-autoscaler-sync-period=5s", "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=15s",
    )  # fmt: skip
    start("kube-scheduler")


def _kubectl(folders: Folders, *arguments: str) -> None:
    from k8s.kubectl import Kubectl

    Kubectl(folders.kubeconfig).run(*arguments)


def _get(folders: Folders, kind: str, name: str) -> bool:
    from k8s.kubectl import Kubectl

    return Kubectl(folders.kubeconfig).succeeds("get", kind, name)


def _answers(folders: Folders) -> bool:
    from k8s.kubectl import Kubectl

    try:
        return Kubectl(folders.kubeconfig).succeeds("get", "--raw", "/readyz")
    except subprocess.TimeoutExpired:
        return False
