"""Judges a Deployment (3.1), as it is written and as an overlay renders it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise

from lab3_judges.facts import ALIVE, DRAIN_S, MEMORY_MB, NAME, PORT, PORT_NAME, PRE_STOP_S, READY
from lab3_judges.objects import container_of, described_ports, judge_selects, port_of, selects, whole
from lab3_judges.quantities import quantity
from labkit.checks import CheckFailed, Located, expect, fail

MOST_PODS = 6  # of the HPA of the base
PREDICTS = ("/v1/", "/", "/docs", "/openapi.json")


def judge_pod(workload: Located) -> None:
    """What no schema says, and Kubernetes refuses: mounts of no volume, rules that stand twice, odd thresholds."""
    pod = workload["spec"]["template"]["spec"]
    volumes = [one["name"].value for one in pod.given("volumes") or ()]
    for container in containers_of(workload):
        for mount in container.given("volumeMounts") or ():
            expect.that(
                mount["name"].value in volumes,
                expected="each of `volumeMounts` names one of the pod's `volumes`",
                found=mount["name"],
                help="Kubernetes refuses the Deployment otherwise.",
                where=mount,
            )
        for kind in ("startupProbe", "livenessProbe"):
            threshold = container.get(kind, "successThreshold")
            expect.that(
                threshold is None or threshold.value == 1,
                expected=f"`successThreshold: 1` in the `{kind}`: Kubernetes refuses any other",
                found=f"{threshold}",
                where=threshold,
            )
    seen = []
    for rule in pod.get("topologySpreadConstraints") or ():
        key = (rule["topologyKey"].value, rule["whenUnsatisfiable"].value)
        expect.that(
            key not in seen,
            expected="each `topologyKey` once for each `whenUnsatisfiable`: Kubernetes refuses it otherwise",
            found=f"`{key[0]}` with `{key[1]}` twice",
            where=rule,
        )
        seen.append(key)


def judge_names(workload: Located) -> None:
    """Names, port, and the selector, which must be that of the pods."""
    name = workload["metadata"]["name"]
    expect.that(name.value == NAME, expected=f"the Deployment is named `{NAME}`", found=name, where=name)
    container = container_of(workload)
    ports = [one for one in container["ports"] if one["containerPort"].value == PORT]
    named = [one for one in ports if one.get("name") is not None and one["name"].value == PORT_NAME]
    expect.that(
        named,
        expected=f"the container's port {PORT} is named `{PORT_NAME}`",
        found=described_ports(container),
        help="The service listens on 8000. The name is what probes, Service and policy refer to.",
        where=container["ports"],
    )
    judge_selects(workload["spec"]["selector"], workload, "the selector of the Deployment")


def _whole(probe: Located, field: str, default: int) -> int:
    found = probe.get(field)
    return default if found is None else found.of(int)


def _asked(container: Located, kind: str, help: str) -> tuple[Located, str]:
    """A probe of the container and the path that it asks, on a port that the container has."""
    probe = container.get(kind)
    if probe is None:
        fail(expected=f"the container has a `{kind}`", found="there is none", help=help, where=container)
    asks = probe.get("httpGet")
    if asks is None:
        there = ", ".join(f"`{key}`" for key, _ in probe.items())
        fail(
            expected=f"the `{kind}` asks the service over HTTP: `httpGet`",
            found=f"it has {there}",
            help="A port that is open says nothing about the models, and a command starts a process at each probe.",
            where=probe,
        )
    port = asks["port"]
    expect.that(
        port_of(container, port) == PORT,
        expected=f"the `{kind}` asks a port that the container has: `{PORT_NAME}`",
        found=f"{port}; {described_ports(container)}",
        where=port,
    )
    scheme = asks.get("scheme")
    if scheme is not None:
        expect.that(scheme.value == "HTTP", expected=f"the `{kind}` speaks HTTP", found=scheme, where=scheme)
    path = asks.get("path")
    return probe, "/" if path is None else path.of(str)


def judge_startup(workload: Located) -> None:
    """The startup probe: a path that answers early, and patience."""
    help = (
        "Python and the libraries of the model take seconds to load, on a busy node many. Without a startup probe,"
        " liveness counts them as failures and restarts the container, again and again."
    )
    probe, path = _asked(container_of(workload), "startupProbe", help)
    expect.that(
        path == ALIVE,
        expected=f"the `startupProbe` asks `{ALIVE}`",
        found=f"it asks `{path}`",
        help="A startup probe that fails ends in a restart. A model that cannot be loaded cannot be loaded after one."
        if path == READY
        else "Which routes the service has, its `/openapi.json` tells.",
        where=probe["httpGet"],
    )
    patience = _whole(probe, "periodSeconds", 10) * _whole(probe, "failureThreshold", 3)
    patience += _whole(probe, "initialDelaySeconds", 0)
    expect.that(
        patience >= 30,
        expected="the `startupProbe` waits 30 s or more: `periodSeconds` x `failureThreshold`",
        found=f"it gives up after {patience} s",
        help="2 s from start to ready were measured on a free core. Of a tenth of a core it would take 20 s.",
        where=probe,
    )


def judge_liveness(workload: Located) -> None:
    """The liveness probe: `/livez`, and no hurry."""
    probe, path = _asked(
        container_of(workload), "livenessProbe", "A process that hangs is only restarted if somebody asks it."
    )
    if path == READY:
        help = "A model that cannot be loaded cannot be loaded after a restart either. Then all pods restart for ever."
    elif any(path == one or path.startswith("/v1/") for one in PREDICTS):
        help = "A slow or damaged model would have the container restarted. Ask what a restart can mend: the process."
    else:
        help = "Which routes the service has, its `/openapi.json` tells."
    expect.that(
        path == ALIVE,
        expected=f"the `livenessProbe` asks `{ALIVE}`",
        found=f"it asks `{path}`",
        help=help,
        where=probe["httpGet"],
    )
    expect.that(
        _whole(probe, "failureThreshold", 3) >= 3,
        expected="the `livenessProbe` restarts after 3 failures or more",
        found=f"`failureThreshold` is {_whole(probe, 'failureThreshold', 3)}",
        help="One slow answer on a busy node is no reason for a restart: it makes the others busier.",
        where=probe,
    )
    expect.that(
        _whole(probe, "timeoutSeconds", 1) >= 2,
        expected="the `livenessProbe` waits 2 s or more for an answer: `timeoutSeconds`",
        found=f"{_whole(probe, 'timeoutSeconds', 1)} s" + ("" if probe.get("timeoutSeconds") else ", the default"),
        help="A container that is throttled answers late. If that kills it, load alone takes the service down.",
        where=probe,
    )


def judge_readiness(workload: Located) -> None:
    """The readiness probe: `/readyz`, often enough."""
    probe, path = _asked(
        container_of(workload), "readinessProbe", "Without it, requests come as soon as the container runs."
    )
    same = "The process is alive long before its models are loaded: until then, callers would get 503."
    expect.that(
        path == READY,
        expected=f"the `readinessProbe` asks `{READY}`",
        found=f"it asks `{path}`",
        help=same if path == ALIVE else "Which routes the service has, its `/openapi.json` tells.",
        where=probe["httpGet"],
    )
    period = _whole(probe, "periodSeconds", 10)
    expect.that(
        period <= 10,
        expected="the `readinessProbe` asks every 10 s or more often",
        found=f"every {period} s",
        help="So long, requests go to a pod that cannot answer them.",
        where=probe,
    )


def resource_of(container: Located, kind: str, name: str) -> Located | None:
    """A request or a limit; a request that is not there is as high as the limit, if there is one."""
    found = container.get("resources", kind, name)
    return container.get("resources", "limits", name) if found is None else found


def _resource(container: Located, kind: str, name: str, why: str) -> Located:
    found = resource_of(container, kind, name)
    if found is None:
        near = container.nearest("resources", kind, name)
        fail(expected=f"the container has `resources.{kind}.{name}`", found="it is not there", help=why, where=near)
    return found


def judge_memory(workload: Located) -> None:
    """Request and limit of memory, beside what was measured."""
    container = container_of(workload)
    request = _resource(
        container, "requests", "memory", "Without it, the scheduler puts the pod on a node that is full."
    )
    limit = _resource(container, "limits", "memory", "Without it, one pod that grows takes its neighbours along.")
    asked, most = quantity(request) / 1e6, quantity(limit) / 1e6
    need = round(MEMORY_MB)  # as the texts have it
    measured = f"the service was measured at {need} MB (week 2)"
    expect.that(
        most >= math.floor(1.25 * need),
        expected=f"a memory limit of {math.floor(1.25 * need)} MB or more: {measured}, and a quarter is left over",
        found=f"`{limit.value}`, which is {most:,.0f} MB",
        help="Over the limit the kernel ends the process (OOMKilled), without a word in its log.",
        where=limit,
    )
    expect.that(
        most <= 2 * 2**30 / 1e6,
        expected="a memory limit of 2 GiB or less",
        found=f"`{limit.value}`, which is {most:,.0f} MB: {measured}",
        help="A limit far above the need limits nothing.",
        where=limit,
    )
    expect.that(
        need <= asked <= most,
        expected=f"a memory request from {need} MB to the limit: {measured}",
        found=f"`{request.value}`, which is {asked:,.0f} MB",
        help="The request is what the node keeps free. With less, nodes are filled twice, and pods are evicted.",
        where=request,
    )


def judge_cpu(workload: Located) -> None:
    """Request and limit of CPU, and as many threads as that allows."""
    container = container_of(workload)
    request = _resource(container, "requests", "cpu", "Without it there is nothing that the HPA could compute with.")
    asked, limit = quantity(request), container.get("resources", "limits", "cpu")
    expect.that(
        0 < asked <= 2, expected="a CPU request above 0, up to 2 cores", found=f"`{request.value}`", where=request
    )
    most = quantity(limit) if limit is not None else None
    if limit is not None and most is not None:
        expect.that(
            most >= max(0.5, asked),
            expected="a CPU limit of `500m` or more, and not below the request; or none",
            found=f"`{limit.value}`; the request is `{request.value}`",
            help="What is over the limit waits for the next tenth of a second. p99 is what shows it.",
            where=limit,
        )
    _judge_threads(container, asked, most)


def _judge_threads(container: Located, asked: float, most: float | None) -> None:
    variables = [one for one in container.given("env") or () if one["name"].value == "OMP_NUM_THREADS"]
    if not variables:
        fail(
            expected="the container's `env` sets OMP_NUM_THREADS",
            found="it does not",
            help="OpenMP counts the cores of the node, not those of the limit: 64 threads then wait for one core.",
            where=container.nearest("env"),
        )
    variable = variables[-1]  # of several, the last one counts
    source = variable.get("valueFrom", "resourceFieldRef", "resource")
    if source is not None:
        expect.that(
            source.value == "requests.cpu" or (source.value == "limits.cpu" and most is not None),
            expected="OMP_NUM_THREADS from a CPU limit or request that is there",
            found=f"`{source.value}`; the container has {'a' if most is not None else 'no'} CPU limit",
            help="Without a limit, `limits.cpu` is the number of all cores of the node.",
            where=source,
        )
        unit = variable.get("valueFrom", "resourceFieldRef", "divisor")
        cores = most if most is not None and source.value == "limits.cpu" else asked
        threads = math.ceil(cores / ((quantity(unit) if unit is not None else 0) or 1))
        text, place = f"{threads}: `{source.value}` in units of {unit.value if unit is not None else 1}", source
    else:
        place = variable["value"]
        text = place.of(str)
        threads = whole(text) or 0
        text = f"`{text}`"
    allowed = max(1, math.floor(most) if most is not None else math.ceil(asked))
    basis = f"the CPU limit is {most:g}" if most is not None else f"there is no CPU limit, and the request is {asked:g}"
    expect.that(
        1 <= threads <= allowed,
        expected=f"OMP_NUM_THREADS from 1 to {allowed}: {basis}",
        found=text,
        help="More threads than cores use up the time slice at once, and then all of them wait. p99 goes up tenfold.",
        where=place,
    )


def containers_of(workload: Located) -> Iterator[Located]:
    pod = workload["spec"]["template"]["spec"]
    for kind in ("containers", "initContainers"):
        yield from pod.get(kind) or ()


def judge_update(workload: Located) -> None:
    """The rolling update."""
    strategy = workload.get("spec", "strategy")
    kind = workload.get("spec", "strategy", "type")
    expect.that(
        kind is None or kind.value == "RollingUpdate",
        expected="the strategy `RollingUpdate`",
        found=kind,
        help="`Recreate` ends every pod before the first new one starts: nobody answers meanwhile.",
        where=kind,
    )
    away = workload.get("spec", "strategy", "rollingUpdate", "maxUnavailable")
    expect.that(
        away is not None and away.value in (0, "0", "0%"),
        expected="`maxUnavailable: 0`: no old pod goes before a new one is ready",
        found=f"{away}" if away is not None else "it is not there, and the default is 25 %",
        where=away or strategy or workload["spec"],
    )
    more = workload.get("spec", "strategy", "rollingUpdate", "maxSurge")
    expect.that(
        more is None or more.value not in (0, "0", "0%"),
        expected="`maxSurge` above 0",
        found=f"{more}: with both at 0 nothing could ever change",
        where=more,
    )


def judge_stop(workload: Located) -> None:
    """The way to the end: a pause, then the drain, within the grace period."""
    container, pod = container_of(workload), workload["spec"]["template"]["spec"]
    pause = _pause(container)
    grace = pod.get("terminationGracePeriodSeconds")
    seconds = 30 if grace is None else grace.of(int)
    expect.that(
        pause >= PRE_STOP_S,
        expected=f"a `preStop` that sleeps {PRE_STOP_S} s or more",
        found=f"it sleeps {pause:g} s",
        help="SIGTERM comes while proxies still send requests here: they need seconds to forget the pod.",
        where=container.nearest("lifecycle", "preStop"),
    )
    expect.that(
        seconds >= pause + DRAIN_S,
        expected=f"`terminationGracePeriodSeconds` of {pause + DRAIN_S:g} or more: the {pause:g} s of `preStop`, and"
        f" {DRAIN_S} s for the requests in flight",
        found=f"{seconds} s" + ("" if grace is not None else ", the default"),
        help="The clock runs from the start of `preStop`. When it is over, the process is killed at once.",
        where=grace or container.nearest("lifecycle", "preStop"),
    )


def _pause(container: Located) -> float:
    """How long `preStop` sleeps: by its own action, by the program `sleep`, or by Python's."""
    hook = container.get("lifecycle", "preStop")
    if hook is None:
        fail(
            expected=f"a `preStop` that sleeps {PRE_STOP_S} s or more",
            found="there is none",
            help="SIGTERM comes while proxies still send requests here: they need seconds to forget the pod.",
            where=container.nearest("lifecycle"),
        )
    seconds = hook.get("sleep", "seconds")
    if seconds is not None:
        return seconds.of(int)
    command = [str(one.value) for one in hook.get("exec", "command") or ()]
    if command and len(command[0].split()) > 1:
        raise CheckFailed(
            "a `preStop` that sleeps",
            f"a program of the name `{command[0]}`, which is nowhere: no shell takes it apart",
            help='A list for `command` is a program and its arguments: `[sleep, "5"]`, or `[sh, -c, "sleep 5"]`.',
            where=hook.place,
        )
    words = " ".join(command).split()
    for (program, argument), after in zip(pairwise(words), [*words[2:], ""], strict=True):
        plain = argument.strip("\"';").removesuffix("s")
        if program.rpartition("/")[2].strip("\"'") == "sleep" and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", plain):
            if after.strip("\"'") == "&":
                raise CheckFailed(
                    "a `preStop` that waits for its sleep",
                    "`&`: the sleep goes on in the background, and the hook is over at once",
                    where=hook.place,
                )
            return float(plain)
    if by_python := re.search(r"\bsleep\(([0-9]{1,6}(?:\.[0-9]{1,3})?)\)", " ".join(words)):
        return float(by_python[1])
    there = ", ".join(f"`{key}`" for key, _ in hook.items()) or "nothing"
    raise CheckFailed("a `preStop` that sleeps: `sleep: {seconds: 5}`, or a program that does", there, where=hook.place)


def judge_spread(workload: Located, key: str = "kubernetes.io/hostname", unit: str = "nodes") -> None:
    """Pods over nodes, or over zones, without getting in the way of an update."""
    pod = workload["spec"]["template"]["spec"]
    own = {name: value.value for name, value in workload["spec"]["template"]["metadata"]["labels"].items()}
    required = pod.get("affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in required or ():
        if term["topologyKey"].value == key and selects(term["labelSelector"], own):
            fail(
                expected=f"pods that spread over {unit} where they can",
                found=f"`required…`: never two pods on one of the {unit}",
                help="A rolling update starts one pod more than there are. With as many pods as nodes it waits for"
                " ever.",
                where=term,
            )
    for rule in pod.get("topologySpreadConstraints") or ():
        if rule["topologyKey"].value == key and "labelSelector" in rule:
            judge_selects(rule["labelSelector"], workload, "the `labelSelector` of `topologySpreadConstraints`")
            expect.that(
                rule["maxSkew"].of(int) < MOST_PODS,
                expected=f"a `maxSkew` below {MOST_PODS}, such as 1",
                found=rule["maxSkew"],
                help=f"It says how many pods more than elsewhere may stand on one of the {unit}. With {MOST_PODS} or"
                f" more, all {MOST_PODS} pods of the HPA may.",
                where=rule["maxSkew"],
            )
            return
    for term in pod.get("affinity", "podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution") or ():
        wish = term["podAffinityTerm"]
        if wish["topologyKey"].value == key and "labelSelector" in wish:
            judge_selects(wish["labelSelector"], workload, "the `labelSelector` of `podAntiAffinity`")
            return
    fail(
        expected=f"pods that spread over {unit}: `topologySpreadConstraints` with `topologyKey: {key}` and a"
        " `labelSelector`",
        found="none",
        help=f"The scheduler may put all pods on one of the {unit}. When that one goes, all are gone.",
        where=pod.nearest("topologySpreadConstraints"),
    )
