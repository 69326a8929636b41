"""The clusters without one: their files hold together, and what is made for them is what the tools expect."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from k8s.offline import building, images
from k8s.offline.certificates import Authority
from k8s.offline.processes import Processes
from k8s.offline.settings import NODES, SOURCE, Folders, node_address, pods_of
from k8s.system import IMAGE
from k8s.waiting import GaveUpError, until
from labkit.tools import find

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
TREES = ("kind", "offline/manifests", "places")


def rendered(folder: Path) -> list[dict[str, Any]]:
    kubectl = find("kubectl")
    assert kubectl is not None
    told = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True).stdout
    return list(yaml.safe_load_all(told))


@pytest.mark.parametrize("tree", TREES)
def test_manifests_are_of_the_schema_and_pin_their_images(tree: str) -> None:
    for document in rendered(K8S / tree):
        if document["kind"] != "APIService":  # its schema is not among them
            kubernetes_validate.validate(document, "1.37", strict=True)
        for image in re.findall(r"'image': '([^']+)'", str(document)):
            assert re.search(r":(v\d+\.\d+\.\d+|1)$", image), image


def test_both_clusters_have_the_same_entrance() -> None:
    """A tree of manifests finds the ingress class, the namespace and the port that it expects on either."""
    for tree in ("kind", "offline/manifests"):
        found = rendered(K8S / tree)
        [entrance] = [one for one in found if one["kind"] == "IngressClass"]
        assert entrance["metadata"]["name"] == "traefik"
        [controller] = [
            one for one in found if one["kind"] == "Deployment" and one["metadata"]["namespace"] == "traefik"
        ]
        ports = controller["spec"]["template"]["spec"]["containers"][0]["ports"]
        assert [port["hostPort"] for port in ports if "hostPort" in port] == [80]


def test_the_nodes_of_kind_are_pinned_by_digest_and_stay_on_loopback() -> None:
    cluster = yaml.safe_load((K8S / "kind/cluster.yaml").read_text(encoding="utf-8"))
    for node in cluster["nodes"]:
        assert re.fullmatch(r"kindest/node:v1\.\d+\.\d+@sha256:[0-9a-f]{64}", node["image"])
        for mapping in node.get("extraPortMappings", ()):
            assert mapping["listenAddress"] == "127.0.0.1"


def test_every_part_of_kubernetes_is_of_one_version() -> None:
    text = (SOURCE / "go.mod").read_text(encoding="utf-8")
    staged = {line.split()[-1] for line in re.findall(r"^\tk8s\.io/\S+ => .+$", text, re.MULTILINE)}
    assert staged == {building.version("k8s.io/kubernetes").replace("v1", "v0", 1)}
    assert f"Kubernetes {building.version('k8s.io/kubernetes').lstrip('v')}" in (K8S / "README.md").read_text()


def test_an_image_is_what_its_digests_say(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    images.write(tmp_path / "one.tar", "mlops-lab/one:1", {"/bin/one": program}, entrypoint=["/bin/one"], user="1:1")
    with tarfile.open(tmp_path / "one.tar") as archive:
        content = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    for name, blob in content.items():
        if name.startswith("blobs/"):
            assert hashlib.sha256(blob).hexdigest() == Path(name).name
    [top] = json.loads(content["index.json"])["manifests"]
    assert top["annotations"]["io.containerd.image.name"] == "docker.io/mlops-lab/one:1"
    manifest = json.loads(content[f"blobs/sha256/{top['digest'][7:]}"])
    (tmp_path / "layer.tar").write_bytes(content[f"blobs/sha256/{manifest['layers'][0]['digest'][7:]}"])
    with tarfile.open(tmp_path / "layer.tar") as layer:
        assert {entry.name: oct(entry.mode) for entry in layer} == {"bin": "0o755", "bin/one": "0o755"}


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("one", "docker.io/library/one"),
        ("a/one:1", "docker.io/a/one:1"),
        ("ghcr.io/a/one", "ghcr.io/a/one"),
        ("localhost/one", "localhost/one"),
        ("host:5000/one", "host:5000/one"),
    ],
)
def test_names_of_images_are_told_in_full(name: str, full: str) -> None:
    assert images.full_name(name) == full
    assert images.full_name(IMAGE) == f"docker.io/{IMAGE}"


def test_a_certificate_is_of_the_authority_and_names_its_addresses(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.certify("server", "/CN=server", "DNS:localhost", "IP:127.0.0.1")
    first = authority.path("server.crt").read_bytes()
    authority.certify("server", "/CN=server")
    assert authority.path("server.crt").read_bytes() == first, "what is there is not made again"
    subprocess.run(
        ["openssl", "verify", "-CAfile", "ca.crt", "server.crt"], cwd=tmp_path, check=True, capture_output=True
    )
    told = subprocess.run(
        ["openssl", "x509", "-in", "server.crt", "-noout", "-ext", "subjectAltName"],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "DNS:localhost" in told and "IP Address:127.0.0.1" in told
    written = authority.kubeconfig("server", "https://127.0.0.1:1", tmp_path / "kubeconfig")
    assert written.stat().st_mode & 0o077 == 0


def test_each_node_has_addresses_of_its_own() -> None:
    assert len({node_address(node) for node in NODES}) == len({pods_of(node) for node in NODES}) == len(NODES)


def test_a_process_is_started_once_and_ended(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "pids", tmp_path / "logs")
    command = [sys.executable, "-c", "print('here', flush=True); import signal; signal.pause()"]
    processes.start("one", command, path=tmp_path)
    pid = processes.pid("one")
    processes.start("one", command, path=tmp_path)
    assert processes.pid("one") == pid is not None
    until("its first words", lambda: processes.last_words("one") == "here", 30)
    processes.end(["one", "never started"])
    assert processes.pid("one") is None and processes.names() == []
    os.waitpid(pid, 0)


def test_a_number_that_was_given_anew_is_nobody_of_ours(tmp_path: Path) -> None:
    processes = Processes(tmp_path, tmp_path)
    (tmp_path / "one").write_text(f"{os.getpid()} 1", encoding="utf-8")
    assert processes.pid("one") is None
    processes.end(["one"])


def test_who_waits_in_vain_says_for_what() -> None:
    with pytest.raises(GaveUpError, match=r"the moon: not within 0\.1 s\. it is new"):
        until("the moon", lambda: False, 0.1, lambda: "it is new")


def test_what_is_built_lies_outside_of_any_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folders = Folders.usual()
    assert folders.programs == tmp_path / "cache/mlops-lab/k8s/bin"
    assert folders.kubeconfig == tmp_path / "state/mlops-lab/cluster/kubeconfig"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["deploy"], 1, "there is no cluster; `make cluster-up` makes one"),
        (["smoke"], 1, "there is no cluster"),
        (["down"], 0, ""),
        (["kubeconfig"], 1, "there is no cluster"),
    ],
)
def test_commands_without_a_cluster_say_so(arguments: list[str], status: int, words: str, tmp_path: Path) -> None:
    outside = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "KUBECONFIG": ""}
    done = subprocess.run(
        [sys.executable, "-m", "k8s", *arguments], cwd=ROOT, env=outside, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert words in done.stderr


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    outside = {**os.environ, "KUBECONFIG": str(tmp_path / "none")}
    done = subprocess.run(
        [sys.executable, "-m", "k8s", "smoke"], cwd=ROOT, env=outside, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "KUBECONFIG names" in done.stderr) == (1, True), done.stderr


def test_somebodys_own_cluster_is_confirmed_by_name(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    authority = Authority(tmp_path / "ca")
    authority.certify("admin", "/CN=admin")
    written = authority.kubeconfig("admin", "https://127.0.0.1:9", tmp_path / "kubeconfig")
    outside = {**os.environ, "KUBECONFIG": str(written), "CONTEXT": "another"}
    for context, words in (("another", "set CONTEXT=mlops-lab"), ("mlops-lab", "does not answer")):
        done = subprocess.run(
            [sys.executable, "-m", "k8s", "deploy"],
            cwd=ROOT, env={**outside, "CONTEXT": context}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1 and words in done.stderr, done.stderr
