"""What a check of a rollout sets up in the learner's process: several calls at once, in a time that runs faster.

Imported before workers are forked. The client of Kubernetes imports its parts and builds its models at their first use,
which takes two seconds, and here it does so once for all workers.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from kubernetes import client
from kubernetes.config import kube_config

for _model in (
    client.V1Deployment,
    client.V1DeploymentList,
    client.V1ReplicaSetList,
    client.V1PodList,
    client.V1EndpointSliceList,
):
    _model.model_rebuild(force=True)
_METHODS: tuple[Callable[..., object], ...] = (
    client.AppsV1Api.read_namespaced_deployment,
    client.AppsV1Api.patch_namespaced_deployment,
    client.AppsV1Api.replace_namespaced_deployment,
    client.AppsV1Api.list_namespaced_deployment,
    client.AppsV1Api.list_namespaced_replica_set,
    client.CoreV1Api.list_namespaced_pod,
    client.CoreV1Api.read_namespaced_pod,
    client.CoreV1Api.connect_get_namespaced_pod_portforward,
    client.DiscoveryV1Api.list_namespaced_endpoint_slice,
)
for _method in _METHODS:
    with contextlib.suppress(ValueError):  # arguments are missing, and that is seen by what was to be built
        _method()
_REAL: list[Any] = []


def together(module: str, calls: list[dict[str, Any]], pace: float, seconds: float) -> list[dict[str, Any]]:
    """Make several calls of a module's functions, each in a thread of its own; wait for them at most `seconds`.

    Args:
        module: the learner's module.
        calls: for each `function` and `kwargs`, and whether it is `connected`: what `connect()` returns comes first. A
            `smoke` of `(error, message)` is a smoke test that raises this built-in error.
        pace: `time.sleep` takes so many times less, and the clocks of `time` run so many times faster.
        seconds: the real time that all of them may take.

    Returns:
        For each call one of: `answer`, the value or the attributes of what it returned; `raised` and `message`;
        or nothing, where it has not ended.
    """
    # It was read when the client was imported, before this process was told where its cluster is.
    kube_config.KUBE_CONFIG_DEFAULT_LOCATION = os.environ["KUBECONFIG"]
    # The clocks first: whoever keeps one when the module is imported keeps one of these.
    real = _speed_up(pace)
    importlib.import_module(module)
    told: list[dict[str, Any]] = [{} for _ in calls]
    threads = [
        threading.Thread(target=_call, args=(module, call, one), daemon=True)
        for call, one in zip(calls, told, strict=True)
    ]
    for thread in threads:
        thread.start()
    end = real() + seconds
    for thread in threads:
        thread.join(max(end - real(), 0.01))
    return [dict(one) for one in told]


def _call(module: str, call: dict[str, Any], told: dict[str, Any]) -> None:
    try:
        lab = importlib.import_module(module)
        apis = lab.connect() if call["connected"] else ()
        given = dict(call["kwargs"])
        if isinstance(given.get("smoke"), (list, tuple)):
            given["smoke"] = _refusing(*given["smoke"])
        told["answer"] = plain(getattr(lab, call["function"])(*apis, **given))
    except BaseException as error:
        told |= {"raised": type(error).__name__, "message": str(error)[:500]}


def _refusing(error: str, message: str) -> Callable[[str], None]:
    def refuse(namespace: str) -> None:
        raise getattr(builtins, error)(message)

    return refuse


def plain(value: Any) -> Any:
    """Return an object as a dict of its attributes, and so what is in it."""
    if isinstance(value, (list, tuple)):
        fields = getattr(value, "_fields", None)
        items = [plain(one) for one in value]
        return dict(zip(fields, items, strict=True)) if fields else items
    if value is None or isinstance(value, (str, int, float, bool, dict)):
        return value
    names = getattr(value, "__dataclass_fields__", None) or vars(value)
    return {name: plain(getattr(value, name, None)) for name in names}


def _speed_up(pace: float) -> Any:
    """Let the clocks of `time` run faster, once; return the real one."""
    if _REAL:
        return _REAL[0]
    sleep, monotonic = time.sleep, time.monotonic
    for name in ("monotonic", "monotonic_ns", "time", "time_ns", "perf_counter", "perf_counter_ns"):
        clock = getattr(time, name)
        setattr(time, name, _faster(clock, clock(), pace))
    time.sleep = lambda seconds: sleep(float(seconds) / pace)
    _REAL.append(monotonic)
    return monotonic


def _faster(clock: Any, begun: Any, pace: float) -> Any:
    kind = type(begun)  # nanoseconds are whole numbers
    return lambda: begun + kind((clock() - begun) * pace)
