"""The nodes: what their programs are told, and how they are started and reached."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from k8s.offline import groups, network
from k8s.offline.building import PAUSE
from k8s.offline.certificates import Authority
from k8s.offline.images import full_name
from k8s.offline.processes import Processes
from k8s.offline.settings import API, DNS, DOMAIN, HERE, PODS, SERVICES, Folders, node_address, pods_of

CONTAINERD = """\
version = 3
root = "{folder}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
  enable_unprivileged_ports = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{programs}"]
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def _pod_network(node: str) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni-ipam",
        "ranges": [[{"subnet": pods_of(node)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True, "backend": "nftables"}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "mtu": 1500, "ipam": addresses}, ports]}


def _kubelet(node: str, folder: Path, authority: Authority) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": groups.root_of(node),
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority.path("ca.crt"))},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(authority.path(f"{node}.crt")),
        "tlsPrivateKeyFile": str(authority.path(f"{node}.key")),
        "clusterDNS": [DNS],
        "clusterDomain": DOMAIN,
        "resolvConf": str(folder / "resolv.conf"),
        "volumePluginDir": str(folder / "volume-plugins"),
        "failSwapOn": False,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        # Nothing can be pulled a second time.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "nodeStatusUpdateFrequency": "5s",
        "syncFrequency": "30s",
    }


def _proxy(node: str, folder: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": PODS,
        "hostnameOverride": node,
        "clientConnection": {"kubeconfig": str(folder / "kube-proxy.kubeconfig")},
        "bindAddress": "0.0.0.0",
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0},
    }


def start(node: str, folders: Folders, authority: Authority, processes: Processes) -> None:
    """Write what the node's programs read, and start it."""
    folder = folders.state / node
    (folder / "cni").mkdir(parents=True, exist_ok=True)
    address = node_address(node)
    authority.certify(node, f"/O=system:nodes/CN=system:node:{node}", f"DNS:{node}", f"IP:{address}")
    for user, part in ((node, "kubelet"), ("kube-proxy", "kube-proxy"), ("policy", "policy")):
        authority.kubeconfig(user, f"https://{API}:6443", folder / f"{part}.kubeconfig")
    texts = {
        "containerd.toml": CONTAINERD.format(folder=folder, pause=full_name(PAUSE), programs=folders.programs),
        "cni/10-pods.conflist": json.dumps(_pod_network(node), indent=1),
        "kubelet.yaml": json.dumps(_kubelet(node, folder, authority), indent=1),  # JSON is YAML, too
        "kube-proxy.yaml": json.dumps(_proxy(node, folder), indent=1),
        "resolv.conf": f"nameserver {DNS}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    spaces = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child=SIGKILL"]
    told = ["sh", HERE / "node.sh", node, address, folder, folders.programs, SERVICES]
    images = [path for place in (folders.images, folders.loaded) for path in sorted(place.glob("*.tar"))]
    command = [*network.inside(network.space(node)), *spaces, "--propagation", "private", *map(str, [*told, *images])]
    processes.start(node, command, path=folders.programs)


def load(node: str, tar: Path, folders: Folders, processes: Processes) -> list[str]:
    """Import the images of a tar into a node that runs, and return their names."""
    pid = processes.child(node)
    if pid is None:
        raise RuntimeError(f"node {node} does not run")
    command = ["nsenter", "--target", str(pid), "--mount", str(folders.programs / "images"), str(tar)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the image was not imported on {node}: {done.stderr.strip()}")
    return done.stdout.split()


def memory(pids: Iterable[int]) -> int:
    """The bytes that processes have in memory, with what they share counted once (PSS)."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024
    return total
