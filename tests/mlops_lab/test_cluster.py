"""The stand-in for the API of Kubernetes: what a change does, how a rollout is played, what HTTP says of it."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import websocket

from mlops_lab.cluster import objects, patches, plays
from mlops_lab.cluster.objects import NAME
from mlops_lab.cluster.stage import Conflict, Stage
from mlops_lab.services import running

TWO = {"containers": [{"name": "ml-api", "image": "a:1"}, {"name": "log", "image": "log:1"}]}


def stage(**more: Any) -> Stage:
    options = {"namespace": "ml", "image": "a:1", "replicas": 3, "labels": {"app": "ml-api"}, **more}
    return Stage(**options)


def with_image(one: Stage, image: str) -> dict[str, Any]:
    change = {"spec": {"template": {"spec": {"containers": [{"name": "ml-api", "image": image}]}}}}
    changed: dict[str, Any] = patches.strategic(one.deployment, change)
    return changed


def test_a_strategic_merge_finds_a_container_by_its_name_and_a_merge_patch_replaces_the_list() -> None:
    change = {"containers": [{"name": "ml-api", "image": "a:2"}]}
    assert patches.strategic(TWO, change)["containers"] == [{"name": "ml-api", "image": "a:2"}, TWO["containers"][1]]
    assert patches.merge(TWO, change) == change
    assert patches.merge({"a": 1, "b": 2}, {"a": None}) == patches.strategic({"a": 1, "b": 2}, {"a": None}) == {"b": 2}


def test_a_json_patch_that_tests_for_another_value_is_unfit() -> None:
    path = "/containers/0/image"
    operations = [{"op": "test", "path": path, "value": "a:1"}, {"op": "replace", "path": path, "value": "a:2"}]
    assert patches.operations(TWO, operations)["containers"][0]["image"] == "a:2"
    for wrong in ([{**operations[0], "value": "b"}], [{"op": "replace", "path": "/x/y", "value": 1}], {"a": 1}):
        with pytest.raises(patches.Unfit):
            patches.operations(TWO, wrong)


def test_a_status_stands_until_it_was_seen() -> None:
    one = stage()
    one.write(with_image(one, "a:2"))
    first = one.current()
    assert first["metadata"]["generation"] == 2 and first["status"]["observedGeneration"] == 1
    one.seen = False
    one.since -= 10
    one.go_on()
    assert one.at == 0, "nobody has looked"
    shown = []
    while not one.is_complete():
        shown.append(one.current()["status"].get("updatedReplicas"))
        one.since -= 10
        one.go_on()
    assert shown == [3, 1, 2, 3, 3]


@pytest.mark.parametrize("trouble", plays.TROUBLES)
def test_a_stuck_rollout_says_so_and_its_new_pod_says_why(trouble: str) -> None:
    one = stage(plays={"a:2": f"stuck-{trouble}"})
    one.write(with_image(one, "a:2"))
    for _ in range(5):
        one.current()
        one.since -= 10
        one.go_on()
    (progressing,) = [c for c in one.current()["status"]["conditions"] if c["type"] == "Progressing"]
    assert progressing["reason"] == plays.EXCEEDED and progressing["status"] == "False"
    pods = one.pods()
    assert len(pods) == 4 and plays.TROUBLES[trouble].reason in json.dumps(pods[-1])
    assert plays.TROUBLES[trouble].reason not in json.dumps(pods[:-1])


def test_a_sick_old_pod_and_one_of_another_deployment_are_not_the_new_ones() -> None:
    labels = {"app": "ml-api", "instance": "one"}
    one = stage(labels=labels, plays={"a:2": "waiting-crash"}, sick={"reason": "Sick", "message": "of another"})
    one.write(with_image(one, "a:2"))
    one.current()
    one.since -= 10
    one.go_on()
    pods = one.all_pods()
    sick = [pod for pod in pods if "Sick" in json.dumps(pod["status"])]
    assert [pod["metadata"]["labels"]["instance"] for pod in sick] == ["canary", "one"] and len(pods) == 5
    assert [pod["spec"]["containers"][0]["image"] for pod in sick] == ["a:2", "a:1"]


def test_the_containers_of_a_pod_are_those_of_the_template_and_one_of_them_has_the_trouble() -> None:
    one = stage(sidecars=[{"name": "log", "image": "log:1"}], plays={"a:2": "waiting-crash"})
    one.write(with_image(one, "a:2"))
    one.current()
    one.since -= 10
    one.go_on()
    log, api = one.pods()[-1]["status"]["containerStatuses"]
    assert (log["name"], log["ready"], api["name"], api["image"]) == ("log", True, NAME, "a:2")
    assert api["state"]["waiting"]["reason"] == "CrashLoopBackOff"


def test_what_another_one_rolled_out_may_be_over_at_the_next_look() -> None:
    one = stage(takeover={"image": "other:1", "at": 0, "done": True})
    one.write(with_image(one, "a:2"))
    one.current()
    one.since -= 10
    one.go_on()
    assert one.image == "other:1" and one.is_complete()


def test_a_replica_set_says_how_many_are_wanted_and_how_many_there_are() -> None:
    one = stage(missing=1, orphans=[(7, "earlier:1")])
    sets = {each["spec"]["template"]["spec"]["containers"][0]["image"]: each for each in one.replica_sets()}
    assert sets["a:1"]["spec"]["replicas"] == 3 and sets["a:1"]["status"]["replicas"] == 2
    owners = [each["metadata"]["ownerReferences"][0] for each in sets.values()]
    assert {owner["name"] for owner in owners} == {NAME} and len({owner["uid"] for owner in owners}) == 2


def test_what_another_one_changes_first_is_a_conflict() -> None:
    one = stage(meanwhile={"image": "other:1"})
    version = one.current()["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        one.check_version(version)
    assert one.image == "other:1"
    one.check_version(one.current()["metadata"]["resourceVersion"])


def test_an_unknown_play_is_refused() -> None:
    for name in ("", "fast", "stuck", "waiting-forever"):
        with pytest.raises(ValueError, match="no play"):
            plays.play(name, 3)


def test_it_speaks_http_and_lets_nobody_set_up_a_play_without_its_key(tmp_path: Path) -> None:
    def ask(path: str, **options: Any) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(urllib.request.Request(server.url + path, **options), timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    with running("kubernetes", tmp_path) as server:
        path = "/apis/apps/v1/namespaces/ml-api/deployments/ml-api"
        status, deployment = ask(path)
        assert status == 200 and deployment["kind"] == "Deployment"
        assert ask(path.removesuffix("ml-api") + "other")[0] == ask("/api/v1/nodes")[0] == 404
        assert ask(path, method="DELETE")[0] == 405
        body = json.dumps({"spec": {}, "metadata": {"resourceVersion": "1"}}).encode()
        kind = {"Content-Type": "application/merge-patch+json"}
        assert ask(path, method="PATCH", data=body, headers=kind)[0] == 409
        assert ask(path, method="PATCH", data=b"{", headers=kind)[0] == 400
        assert ask(path, method="PATCH", data=b"{}", headers={"Content-Type": "text/plain"})[0] == 415
        assert ask("/stage/ml-api")[0] == 403
        key = {"X-Key": (tmp_path / "key").read_text(encoding="utf-8")}
        assert ask("/stage/ml-api", headers=key)[1]["log"]
        proxy = "/api/v1/namespaces/ml-api/services/ml-api%3Ahttp/proxy/readyz"
        assert ask(proxy)[0] == 503, "the network policy of 3.4 does not let the API server in"
        slices = ask("/apis/discovery.k8s.io/v1/namespaces/ml-api/endpointslices")[1]["items"]
        assert {one["metadata"]["labels"]["kubernetes.io/service-name"] for one in slices} == {NAME, f"{NAME}-canary"}
        pods = "/api/v1/namespaces/ml-api/pods"
        first = ask(pods)[1]["items"][0]
        assert ask(f"{pods}/{first['metadata']['name']}") == (200, first) and ask(f"{pods}/none")[0] == 404
        for selector, taken in (("status.phase%3DRunning", True), ("status.phase!%3DRunning", False)):
            assert bool(ask(f"{pods}?fieldSelector={selector}")[1]["items"]) == taken
        assert ask(f"{pods}?fieldSelector=spec.image%3Da")[0] == 400


@pytest.mark.parametrize(
    ("trouble", "phase", "restarts"),
    [("crash", "Running", 5), ("pull", "Pending", 0), ("unschedulable", "Pending", None)],
)
def test_the_phase_of_a_pod_says_whether_it_has_run(trouble: str, phase: str, restarts: int | None) -> None:
    pod = objects.pod(stage().replica_sets()[0], 0, plays.TROUBLES[trouble])
    assert pod["status"]["phase"] == phase
    found = [status["restartCount"] for status in pod["status"].get("containerStatuses", []) if not status["ready"]]
    assert found == ([] if restarts is None else [restarts])


def test_a_port_is_forwarded_to_a_pod(tmp_path: Path) -> None:
    def ask(path: str, port: int = 8000, pod: str = "") -> bytes:
        address = (
            f"ws{server.url.removeprefix('http')}/api/v1/namespaces/ml-api/pods/{pod or first}/portforward?ports={port}"
        )
        connection = websocket.create_connection(address, subprotocols=["v4.channel.k8s.io"], timeout=60)
        with contextlib.closing(connection):
            for channel in (0, 1):
                assert connection.recv() == bytes([channel]) + port.to_bytes(2, "little")
            connection.send_binary(f"\0GET {path} HTTP/1.1\r\n\r\n".encode())
            answer = connection.recv()
            assert isinstance(answer, bytes)
            return answer

    with running("kubernetes", tmp_path) as server:
        with urllib.request.urlopen(f"{server.url}/api/v1/namespaces/ml-api/pods", timeout=60) as answer:
            first = json.load(answer)["items"][0]["metadata"]["name"]
        assert ask("/readyz").startswith(b"\0HTTP/1.1 200 OK\r\n")
        assert ask("/elsewhere").startswith(b"\0HTTP/1.1 404 ")
        assert ask("/readyz", port=80).startswith(b"\1error forwarding port 80")
        with pytest.raises(websocket.WebSocketBadStatusException):
            ask("/readyz", pod="another")


def test_a_service_leads_to_pods_that_are_ready_and_lists_the_one_that_ends() -> None:
    one = stage()
    one.write(with_image(one, "new:2"))
    while not one.is_complete():
        one.current()
        one.since -= 10
        one.go_on()
    endpoints = [each for part in one.endpoint_slices()[1:] for each in part["endpoints"] or []]
    ready = {one.image_of_pod(each["targetRef"]["name"]): each["conditions"]["ready"] for each in endpoints}
    assert ready == {one.first: False, "new:2": True}
    names = {part["metadata"]["name"] for part in one.endpoint_slices()}
    assert len(names) == 3, "each slice has a name of its own"
    assert all(part["endpoints"] is None for part in stage(reached=False).endpoint_slices()[1:])
