"""Roll the service out, and ask it as a user would."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from k8s.clusters import Cluster, ClusterError
from k8s.kubectl import Kubectl
from k8s.waiting import until
from labkit.tools import find

ROOT = Path(__file__).resolve().parents[1]
LAB = "lab3_kubernetes"
NAME = "ml-api"
IMAGE = "mlops-lab/lab2-service"
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


class ServiceError(RuntimeError):
    """The service does not answer as it should."""


class NoEngineError(RuntimeError):
    """No Docker engine, so no image of the service."""


def build_image(track: str) -> str:
    """Build the image of lab 2, and return its name: its tag is another one whenever its content is."""
    need_engine()
    latest = f"{IMAGE}:{track}"
    environment = {**os.environ, "TRACK": track, "TAG": latest}
    subprocess.run(["sh", ROOT / "scripts/build_image.sh", "2"], env=environment, check=True, stdout=subprocess.DEVNULL)
    return name_by_content(latest)


def need_engine() -> None:
    """Stop where no Docker engine answers."""
    if find("docker") is None or subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        raise NoEngineError("no Docker engine answers, and the image is built with it; or name one with ARGS=--image=…")


def name_by_content(latest: str) -> str:
    """Tag an image by what is in it, too, and return that name."""
    told = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Id}}", latest], check=True, capture_output=True, text=True
    ).stdout
    named = f"{latest}-{told.strip().removeprefix('sha256:')[:12]}"
    subprocess.run(["docker", "tag", latest, named], check=True)
    return named


@contextlib.contextmanager
def tree(track: Path, image: str, overlay: str = "kind", **more: Any) -> Iterator[Path]:
    """A folder to apply: an overlay of lab 3 with this image, and with `more` of what a kustomization may say."""
    with tempfile.TemporaryDirectory(prefix="mlops-lab-") as folder:
        name, _, tag = image.rpartition(":")
        content = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(track / LAB / "overlays" / overlay, Path(folder).resolve())],
            "images": [{"name": IMAGE, "newName": name, "newTag": tag}],
            **more,
        }
        Path(folder, "kustomization.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")
        yield Path(folder)


def deploy(cluster: Cluster, track: str, image: str | None = None, seconds: int = 300) -> None:
    """Apply lab 3's tree, and wait until every pod is of the new version and ready."""
    if image is None:
        image = build_image(track)
        cluster.load(image)
    with tree(ROOT / track, image) as folder:
        print(cluster.kubectl.run("apply", "--kustomize", str(folder)), end="")
    here = Kubectl(cluster.kubeconfig, NAME)
    print(here.run("rollout", "status", f"deployment/{NAME}", f"--timeout={seconds}s").splitlines()[-1])


def smoke(cluster: Cluster) -> None:
    """Ask each way in whether the service is ready and what a flower is."""
    for way, url in (("Ingress", cluster.entrance()), ("Service", "")):
        with contextlib.nullcontext(url) if url else forwarded(cluster, NAME) as address:
            ready(address)
            answer = ask(f"{address}/v1/iris", FLOWER)
        if answer.get("species") != "setosa":
            raise ServiceError(f"through the {way}: a setosa was taken for {answer}")
        print(f"ok: through the {way}, {answer}")


def ready(address: str, seconds: float = 60, host: str | None = None) -> None:
    """Wait until `/readyz` answers with 200; an ingress controller needs a moment to learn of a new Ingress."""
    seen: list[str] = [""]
    request = urllib.request.Request(f"{address}/readyz", headers={"host": host} if host else {})

    def holds() -> bool:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError) as error:
            seen[0] = str(error)
            return False

    until(f"{address}/readyz", holds, seconds, lambda: seen[0])


def ask(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """POST a body as JSON, and return the answer. Raises ServiceError with what was said."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise ServiceError(f"{url} answered {error.code}: {error.read()[:500].decode(errors='replace')}") from None
    except OSError as error:
        raise ServiceError(f"{url}: {error}") from None


@contextlib.contextmanager
def forwarded(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A loopback address that kubectl forwards to a pod behind the Service."""
    command = Kubectl(cluster.kubeconfig, namespace).command("port-forward", f"service/{NAME}", ":http")
    forward = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert forward.stdout is not None and forward.stderr is not None
        line = forward.stdout.readline()  # "Forwarding from 127.0.0.1:41234 -> 8000", when it listens
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if not found:
            raise ClusterError(f"kubectl does not forward: {forward.stderr.read().strip()}")
        yield f"http://127.0.0.1:{found.group(1)}"
    finally:
        forward.terminate()
        forward.communicate()
