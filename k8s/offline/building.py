"""Build the cluster's programs from Go modules, and the two images that its own pods run.

What costs is compiling some 3,000 packages once: about a quarter of an hour of processor time. So there is one module
(each package is compiled in one version), few programs (each is linked once), and nothing that needs C.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from k8s.offline import images
from k8s.offline.settings import SOURCE, Folders

OTHERS = (  # built as they are
    "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
    "github.com/containernetworking/plugins/plugins/ipam/host-local",
    "github.com/containernetworking/plugins/plugins/main/loopback",
    "github.com/containernetworking/plugins/plugins/main/ptp",
    "github.com/containernetworking/plugins/plugins/meta/portmap",
)
# The names that a program is called by.
CALLED = {
    "kubernetes": (
        "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet",
    ),
    "containerd": ("images",),
    "addons": ("policy",),
}  # fmt: skip
# Debug information, which the linker would drop, is a tenth of the compiler's work.
COMPILE_FLAGS = "-gcflags=all=-dwarf=false"
PAUSE = "mlops-lab/pause:1"
ADDONS = "mlops-lab/addons:1"


class BuildError(RuntimeError):
    """The programs could not be built; the message has what Go said last."""


def version(module: str) -> str:
    """The version of a module that go.mod pins, `v1.37.2`."""
    found = re.search(rf"^\s*{re.escape(module)} (v\S+)", (SOURCE / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"go.mod does not name {module}"
    return found.group(1)


def go() -> str:
    found = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if found is None:
        raise BuildError("`go` is not on PATH; the offline cluster is built from source with Go 1.26.6 or newer")
    return found


def stamp() -> str:
    """A digest of all that a build depends on, so that a finished one is known again."""
    told = subprocess.run([go(), "env", "GOVERSION"], capture_output=True, text=True, check=True, cwd=SOURCE).stdout
    digest = hashlib.sha256(f"{told} {COMPILE_FLAGS} {link_flags()} {OTHERS} {CALLED}".encode())
    parts = sorted(path for path in SOURCE.rglob("*") if path.is_file())
    for path in (*parts, Path(images.__file__)):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def is_built(folders: Folders) -> bool:
    mark = folders.programs / ".stamp"
    return mark.is_file() and mark.read_text(encoding="utf-8") == stamp()


def environment(folders: Folders) -> dict[str, str]:
    """What Go is told beside the user's own settings: caches that can be thrown away alone, and no C.

    The compiler's own garbage is a seventh of its work. Each process ends soon, so it collects none below 2 GiB.
    """
    return {
        **os.environ,
        "GOCACHE": str(folders.cache / "go-build"),
        "GOMODCACHE": str(folders.cache / "mod"),
        "GOFLAGS": "-modcacherw -buildvcs=false -mod=readonly",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
        "GOGC": "off",
        "GOMEMLIMIT": "2GiB",
    }


def link_flags() -> str:
    """No debug information, and the versions that the parts tell of themselves."""
    kubernetes = version("k8s.io/kubernetes")
    major, minor, _ = kubernetes.lstrip("v").split(".")
    told = {"gitVersion": kubernetes, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    texts = {
        f"{package}.{name}": text
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for name, text in told.items()
    }
    texts["github.com/containerd/containerd/v2/version.Version"] = version("github.com/containerd/containerd/v2")
    return " ".join(["-s -w", *(f"-X {name}={text}" for name, text in texts.items())])


def build(folders: Folders, jobs: int = 2) -> None:
    """Build what is not built yet, with low priority. A build that was broken off goes on where it was."""
    if is_built(folders):
        return
    print("building the cluster's programs: some minutes, once", file=sys.stderr, flush=True)
    made = folders.cache / "bin.new"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    packages = [f"./{path.relative_to(SOURCE)}" for path in sorted((SOURCE / "cmd").iterdir())]
    command = [go(), "build", "-p", str(jobs), "-trimpath", COMPILE_FLAGS, "-ldflags", link_flags(), "-o", f"{made}/"]
    done = subprocess.run(
        ["nice", "-n", "15", *command, *packages, *OTHERS],
        cwd=SOURCE, env=environment(folders), stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BuildError(f"go build failed:\n{done.stderr[-3000:]}")
    for program, names in CALLED.items():
        for name in names:
            (made / name).symlink_to(program)
    write_images(made, folders.images)
    (made / ".stamp").write_text(stamp(), encoding="utf-8")
    shutil.rmtree(folders.programs, ignore_errors=True)
    made.rename(folders.programs)


def write_images(programs: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    images.write(to / "pause.tar", PAUSE, {"/pause": programs / "kit"}, entrypoint=["/pause"], user="65535:65535")
    images.write(
        to / "addons.tar", ADDONS, {"/addons": programs / "addons"}, entrypoint=["/addons"], user="10001:10001"
    )
