"""The verdicts of lab 3 on a cluster: `lab check 3 --live --context NAME`.

python -m k8s.live FOLDER --context NAME

It rolls out the tree in FOLDER in a namespace of its own, which it removes. It prints one line of JSON for each check:
`exercise`, `check`, `title`, `outcome`, `message`, `seconds`. IMAGE names the image of the service where the cluster
pulls its images; without it, the reference of lab 2 is built and loaded.

The code in FOLDER runs with your rights, on your machine and on the cluster: this is for code of your own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s import clusters, system
from k8s.kubectl import KubectlError
from k8s.system import NAME
from k8s.trial import Seen, Trial, trial
from k8s.waiting import GaveUpError, until
from labkit.checks import CheckFailed, expect, fail
from labkit.course.labtoml import patience
from labkit.course.marks import open_todos

CLIENTS = 4
TREE = {"3.1", "3.2", "3.3", "3.4", "3.5"}
TERRAFORM = "3.7"
ENOUGH = 20  # fewer requests say nothing
Check = Callable[[Trial], None]


class Skip(Exception):
    """This cluster cannot tell; the message says why."""


@dataclass(frozen=True)
class Live:
    """A check of an exercise on a cluster; `title` is what the learner reads."""

    exercise: str
    check: Check

    @property
    def name(self) -> str:
        return self.check.__name__

    @property
    def title(self) -> str:
        return " ".join((self.check.__doc__ or "").split())


CHECKS: list[Live] = []


def exercise(number: str) -> Callable[[Check], Check]:
    def mark(check: Check) -> Check:
        CHECKS.append(Live(number, check))
        return check

    return mark


@exercise("3.1")
def runs_as_it_was_written(site: Trial) -> None:
    """A pod runs as one that is not root, on a file system that it cannot write to, and without a key to the API."""
    code = """
import os, json
def writes(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return error.strerror
    return "written"
token = os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token")
print(json.dumps({"uid": os.getuid(), "write": writes("/tmp/../x"), "token": token}))
"""
    found = json.loads(site.inside(site.names()[0], code))
    expect.that(found["uid"] != 0, expected="a user that is not root", found="uid 0", help="`runAsNonRoot: true`.")
    expect.that(
        found["write"] == "Read-only file system",
        expected="a file system that cannot be written",
        found=f"an attempt to write `/x`: {found['write']}",
        help="`readOnlyRootFilesystem: true` stands in the securityContext of the container.",
    )
    expect.that(
        not found["token"],
        expected="no key to the API in the pod",
        found="a token in /var/run/secrets/kubernetes.io/serviceaccount",
        help="`automountServiceAccountToken: false` stands in the spec of the pod.",
    )


@exercise("3.1")
def the_pods_are_on_different_nodes(site: Trial) -> None:
    """Two pods are on two nodes, where there are two."""
    if len(site.nodes()) < 2:
        raise Skip("one node takes pods here")
    nodes = {pod["spec"]["nodeName"] for pod in site.pods()}
    expect.that(
        len(nodes) > 1,
        expected="pods on two nodes",
        found=f"all of them on {', '.join(nodes)}",
        help="`topologySpreadConstraints` of the pod, by `kubernetes.io/hostname`, with labels that these pods have.",
    )


@exercise("3.1")
def a_rolling_update_loses_no_request(site: Trial) -> None:
    """Under load, a rolling update loses no request: neither through the Ingress nor through the Service."""
    for last in (False, True):
        with site.load("ingress", CLIENTS) as through_ingress, site.load("service", CLIENTS) as through_service:
            site.restart()
        # A machine that stands still for seconds may lose what was in flight, once. One without `preStop` loses more.
        if not last and 0 < through_ingress.losses + through_service.losses <= CLIENTS:
            continue
        lost_nothing(through_ingress, "Ingress")
        lost_nothing(through_service, "Service")
        return


@exercise("3.2")
def the_service_leads_to_the_pods(site: Trial) -> None:
    """A pod that is let in asks `http://ml-api`, and gets an answer."""
    code = """
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen("http://%s/readyz" % sys.argv[1], timeout=3).status)
except OSError as error:
    print(error)
"""
    seen = [""]

    def answers() -> bool:
        seen[0] = site.inside("visitor", code, NAME).strip()
        return seen[0] == "200"

    try:
        until("an answer through the Service", answers, 8)
    except GaveUpError:
        slices = site.kubectl.get("endpointslices", f"--selector=kubernetes.io/service-name={NAME}")["items"]
        pods = [one for part in slices for one in part.get("endpoints") or []]
        fail(
            expected=f"an answer of http://{NAME}/readyz inside of the cluster",
            found=f"{seen[0]}; its selector finds {len(pods)} pods",
            help="`selector` against the labels of the pods, `targetPort` against the name of the container's port.",
        )


@exercise("3.2")
def the_ingress_leads_to_the_service(site: Trial) -> None:
    """A request from outside of the cluster comes through the Ingress to the service."""
    if not site.kubectl.get("ingress")["items"]:
        raise Skip("the tree has no Ingress, so a Gateway of yours would have to be known here")
    try:
        system.ready(site.cluster.entrance(), 15, host=site.host)
    except GaveUpError as error:
        fail(
            expected="an answer of `/readyz` through the Ingress",
            found=str(error),
            help="The class, the path, the backend's name and port. And the policy of 3.4 must let the controller in.",
        )


@exercise("3.3")
def another_setting_makes_new_pods(site: Trial) -> None:
    """Another value in the ConfigMap reaches the pods, by new ones, with nothing else done."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(site.track / system.LAB, Path(folder, system.LAB), ignore=shutil.ignore_patterns("terraform"))
        settings = Path(folder, system.LAB, "base/kustomization.yaml")
        text, changed = re.subn(r"\bLOG_LEVEL=\w+", "LOG_LEVEL=WARNING", settings.read_text(encoding="utf-8"))
        if not changed:
            raise Skip("no `LOG_LEVEL=…` stands in base/kustomization.yaml")
        settings.write_text(text, encoding="utf-8")
        site.apply(track=Path(folder))
    found = {site.inside(name, "import os; print(os.environ.get('LOG_LEVEL'))").strip() for name in site.names()}
    expect.that(
        found == {"WARNING"},
        expected="LOG_LEVEL is WARNING in every pod, as the ConfigMap says now",
        found=", ".join(sorted(found)),
        help="A pod reads its environment when it starts. The hash in the name of a generated ConfigMap makes another "
        "template out of another value, and so new pods.",
    )


@exercise("3.4")
def the_budget_lets_one_pod_go_at_a_time(site: Trial) -> None:
    """Of two evictions at once, the budget lets one pass and refuses the other."""
    site.available(2)
    first, second = site.names()[:2]
    help = "With `maxUnavailable: 1` a node can be emptied, pod by pod. Does its selector find the pods?"
    try:
        until("", lambda: bool(site.kubectl.get(f"pdb/{NAME}")["status"].get("disruptionsAllowed")), 10)
    except GaveUpError:
        status = site.kubectl.get(f"pdb/{NAME}")["status"]
        fail(
            expected="two pods are ready, so the budget lets one go",
            found=f"disruptionsAllowed 0, expectedPods {status.get('expectedPods')}",
            help=help,
        )
    one, other = site.evict(first), site.evict(second)
    expect.that(
        one == "" and "disruption budget" in other,
        expected="the first eviction passes, the second one is refused by the budget",
        found=f"first: {one or 'passed'}; second: {other or 'passed'}",
        help=help,
    )
    site.gone([first])
    site.available(2)


@exercise("3.4")
def a_stranger_does_not_get_in(site: Trial) -> None:
    """A pod whom no policy lets in is refused by the service, and the service gets nowhere but to the DNS."""
    api = "kubernetes.default.svc"
    site.visitor("stranger", admitted=False)
    try:
        if not site.policies_are_enforced():
            raise Skip("this cluster's network does not enforce network policies")
        try:
            until("", lambda: site.reaches("stranger", NAME, 80) != "in", 15)
        except GaveUpError:
            fail(
                expected="no connection of a stranger in the same namespace",
                found="it got in",
                help="`podSelector` of the policy must find the pods; what `from` has is who may come.",
            )
    finally:
        site.kubectl.run("delete", "pod", "stranger", "--wait=false")
    way_out = site.reaches(site.names()[0], api, 443)
    expect.that(
        way_out not in ("in", "gaierror"),
        expected="the service asks the DNS for the address of the API server, and gets no connection to it",
        found="it got a connection" if way_out == "in" else "no answer of the DNS",
        help="`policyTypes` has `Egress`, too, and `egress` names the two that may be asked.",
    )


@exercise("3.4")
def the_autoscaler_reads_the_load(site: Trial) -> None:
    """The HPA finds its Deployment, and computes a number of pods from the CPU that they use."""

    def seen() -> tuple[bool, str]:
        """Whether it computes by what it says now, and what it says."""
        found = site.kubectl.get(f"hpa/{NAME}")
        conditions = found["status"].get("conditions", ())
        told = "; ".join(f"{one['type']} {one['status']}: {one['message']}" for one in conditions)
        is_new = found["status"].get("observedGeneration", 0) >= found["metadata"]["generation"]
        return is_new and "ScalingActive True" in told, told

    with suppress(GaveUpError):
        until("", lambda: seen()[0] or "AbleToScale False" in seen()[1], 90)
    works, told = seen()
    expect.that(
        works,
        expected="the HPA is active",
        found=told or "no condition",
        help="`scaleTargetRef` names the Deployment; a share in percent is one of `requests.cpu`. And metrics-server "
        "must run: `kubectl top pods`.",
    )


@exercise("3.5")
def the_cluster_takes_every_object(site: Trial) -> None:
    """The API server takes each object of both overlays, without a warning (as a trial: nothing is changed)."""
    for overlay in ("kind", "eks"):
        with site.tree(overlay=overlay) as folder:
            site.kubectl.run("apply", "--dry-run=server", "--warnings-as-errors", "--kustomize", str(folder))


_ROLLS = """
import json, sys
from lab3_kubernetes.rollout import roll_out
done = roll_out(sys.argv[1], namespace=sys.argv[2], timeout=float(sys.argv[3]))
print(json.dumps({"outcome": done.outcome, "reason": done.reason}))
"""


def rolled_out(site: Trial, image: str, seconds: float) -> dict[str, str]:
    """What the learner's `roll_out` says, in a process of its own."""
    environment = {**os.environ, "KUBECONFIG": str(site.cluster.kubeconfig), "PYTHONPATH": str(site.track)}
    command = [sys.executable, "-c", _ROLLS, image, site.namespace, str(seconds)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=3 * seconds + 30, check=False
        )
    except subprocess.TimeoutExpired:
        fail(expected=f"`roll_out(…, timeout={seconds:g})` ends", found="it still runs, three times as long")
    if done.returncode:
        fail(expected="`roll_out(…)` returns a `Rollout`", found=done.stderr.strip()[-600:])
    told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return told


@exercise("3.6")
def a_bad_image_is_taken_back(site: Trial) -> None:
    """`roll_out` of an image that nobody has goes back, and no request is lost meanwhile."""
    with site.load("ingress", CLIENTS) as seen:
        told = rolled_out(site, f"{site.image.rpartition(':')[0]}:not-there", 15 * patience())
    expect.that(told["outcome"] == "rolled back", expected="`rolled back`", found=f"`{told['outcome']}`")
    expect.that(
        "Image" in told["reason"] or "ErrImage" in told["reason"],
        expected="the reason has what the pod says about its image",
        found=told["reason"] or "an empty reason",
    )
    expect.that(site.image_now() == site.image, expected=f"{site.image} is set again", found=site.image_now())
    lost_nothing(seen, "Ingress")


@exercise("3.6")
def a_good_image_is_rolled_out(site: Trial) -> None:
    """`roll_out` of a good image is `done`, with its own smoke test, whatever the network policy forbids."""
    good = another_name(site.image)
    told = rolled_out(site, good, 60 * patience())
    expect.that(
        told["outcome"] == "done",
        expected="`done`",
        found=f"`{told['outcome']}`: {told['reason']}",
        help="What did `smoke_test` ask, and by which way? The network policy lets in neither you nor the API server.",
    )
    expect.that(site.image_now() == good, expected=f"{good} is set", found=site.image_now())


def another_name(image: str) -> str:
    """The same image by its full name, so that there is something to roll out; as it is where it has a registry."""
    first, _, rest = image.partition("/")
    return image if rest and re.search("[.:]", first) else f"docker.io/{image}"


@exercise("3.8")
def the_cluster_takes_metrics_server(site: Trial) -> None:
    """The API server takes each object of `metrics.yaml` (as a trial: nothing is changed)."""
    path = site.track / system.LAB / "metrics.yaml"
    site.cluster.kubectl.run("apply", "--dry-run=server", "--filename", str(path))


def lost_nothing(seen: Seen, way: str) -> None:
    expect.that(seen.answered > ENOUGH, expected="requests that are answered", found=f"{seen.answered} were")
    expect.that(
        not seen.lost,
        expected=f"each request through the {way} is answered",
        found=f"{seen.losses} of {seen.answered + seen.losses} were lost: {seen.lost}",
        help="A new pod must be ready before an old one goes, and an old one must serve until all have forgotten it: "
        "`maxUnavailable: 0`, the readiness probe, `preStop`.",
    )


@dataclass(frozen=True)
class Run:
    """One run of the checks in a namespace. `todo` says where the TODO of an exercise stands."""

    todo: dict[str, str]
    exercise: str | None = None

    def results(self, site: Trial) -> Iterator[dict[str, Any]]:
        """The results, one by one. Where the tree does not run, there is nothing to ask."""
        checks = [one for one in CHECKS if self.exercise in (None, one.exercise)]
        begins = Live(self.exercise or "3.1", self._begins)
        why = "the service does not run on the cluster"
        if open_ones := sorted(TREE & {*self.todo}):
            why = f"the tree is applied as a whole, and {', '.join(open_ones)} is to do"
        elif checks:
            first = self._judge(begins, site)
            yield first
            if first["outcome"] == "passed":
                why = ""
        for one in checks:
            yield _result(one, "skipped", why) if why and one.exercise not in self.todo else self._judge(one, site)
        if self.exercise in (None, TERRAFORM):
            yield _result(Live(TERRAFORM, self._begins), "skipped", "a cluster says nothing about Terraform")

    @staticmethod
    def _begins(site: Trial) -> None:
        """The tree is taken by the cluster, and every pod becomes ready."""
        begin(site)

    def _judge(self, one: Live, site: Trial) -> dict[str, Any]:
        if one.exercise in self.todo:
            return _result(one, "todo", f"`TODO {one.exercise}` still stands in {self.todo[one.exercise]}")
        started = time.monotonic()
        outcome, message = "passed", ""
        try:
            one.check(site)
        except Skip as skip:
            outcome, message = "skipped", str(skip)
        except CheckFailed as failure:
            outcome, message = "failed", str(failure)
        except (KubectlError, GaveUpError, clusters.ClusterError) as error:
            outcome, message = "failed", f"expected: {one.title}\nfound: {error}"
        return _result(one, outcome, message, time.monotonic() - started)


def begin(site: Trial, seconds: int = 120) -> None:
    """Roll the tree out, and start a visitor who may ask it."""
    site.apply(seconds=seconds)
    site.visitor()


def _result(one: Live, outcome: str, message: str = "", seconds: float = 0.0) -> dict[str, Any]:
    return {
        "exercise": one.exercise,
        "check": one.name.strip("_"),
        "title": one.title,
        "outcome": outcome,
        "message": message,
        "seconds": round(seconds, 3),
    }


def todos(folder: Path) -> dict[str, str]:
    """The exercises whose TODO still stands in a tree, each with its place."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".yaml", ".py") and path.is_file():
            for number, line in open_todos(path.read_text(encoding="utf-8")).items():
                found.setdefault(number, f"{path.relative_to(folder.parent)}:{line}")
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m k8s.live", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--context", default="")
    parser.add_argument("--exercise", help="the checks of this one only")
    asked = parser.parse_args(arguments)
    folder = asked.folder.resolve()
    try:
        cluster = clusters.confirmed(asked.context)
        image = os.environ.get("IMAGE")
        if not image:
            image = system.build_image("solutions")
            cluster.load(image)
        with trial(cluster, image, folder.parent) as site:
            for result in Run(todos(folder), asked.exercise).results(site):
                print(json.dumps(result), flush=True)
    except (clusters.ClusterError, system.NoEngineError, KubectlError) as error:
        print(f"{error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
