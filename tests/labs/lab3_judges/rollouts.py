"""Judges 3.6 by what the stand-in saw, and by what `roll_out` and `history` told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab3_judges.cluster import PACE, Scene, image_of
from lab3_judges.scenes import FOREIGN, LAGS, SHORT, SICK, Scenes
from labkit.checking.doors import Door
from labkit.checks import expect, fail

GOOD = (("set image", True), ("wait", True), ("smoke test", True))
NOT_READY = (("set image", True), ("wait", False), ("go back", True))
NOT_GOOD = (("set image", True), ("wait", True), ("smoke test", False), ("go back", True))
REVISION = "deployment.kubernetes.io/revision"
AT_ONCE = 6.0
"""Real seconds; a whole timeout of `LONG` takes twice as long."""

TOO_EARLY = {
    0: (
        "all numbers were still those of the old generation",
        "For a moment the status tells of the time before the change. Compare `status.observedGeneration` with "
        "`metadata.generation` first.",
    ),
    3: (
        "all pods were new, and one of the old ones had not ended",
        "`status.replicas` counts pods of every template. It is over when it equals `status.updatedReplicas`.",
    ),
    4: (
        "all pods were new, and one was not available yet",
        "A pod that is ready counts as available only after `minReadySeconds`: `status.availableReplicas`.",
    ),
}
NOT_ALL = (
    "not all pods were of the new image",
    "With `maxUnavailable: 0` enough pods are available all the time: the old ones. `status.updatedReplicas` counts "
    "the new ones.",
)


def judge_done(scenes: Scenes, door: Door) -> None:
    """A rollout that goes well."""
    scene = scenes.get(door, "fine")
    rollout = _outcome(scene, "done", "All pods are new and serve, and the smoke test is good.")
    _serves(scene, scene.image)
    _steps(rollout, GOOD)


def judge_nothing_else_changes(scenes: Scenes, door: Door) -> None:
    """The spec at the end is that of the beginning, with another image."""
    scene = scenes.get(door, "fine")
    scene.rollout()
    names = {
        when: [one["name"] for one in deployment["spec"]["template"]["spec"]["containers"]]
        for when, deployment in (("before", scene.before), ("after", scene.after))
    }
    expect.that(
        sorted(names["after"]) == sorted(names["before"]),
        expected=f"the containers {' and '.join(names['before'])}, as before",
        found=f"only {' and '.join(names['after'])}",
        help="A merge patch replaces a whole list. A strategic merge patch, which the client sends for a dict, finds "
        "the container by its `name`.",
    )
    first, last = _without_image(scene.before), _without_image(scene.after)
    different = [key for key in {*first, *last} if first.get(key) != last.get(key)]
    expect.that(
        not different,
        expected="nothing but the image of `ml-api` changes in the Deployment",
        found=f"changed: {', '.join(sorted(different))}",
        help="Send only the image, or the whole object as you read it.",
    )


def judge_complete_first(scenes: Scenes, door: Door) -> None:
    """When the smoke test begins, the rollout is over."""
    scene = scenes.get(door, "fine")
    _outcome(scene, "done", "All pods are new and serve. `Available` is no reason to give up: it comes back.")
    asked = _asked(scene)
    if not asked["complete"]:
        what, help = TOO_EARLY.get(asked["frame"], NOT_ALL)
        fail(expected="the smoke test begins when the rollout is complete", found=what, help=help)
    _outcome(
        scenes.get(door, "no pods"),
        "done",
        "A Deployment of no pods, `replicas: 0`, is rolled out at once. A number that is zero is None.",
    )


def judge_through_the_service(scenes: Scenes, door: Door) -> None:
    """The default smoke test asks a pod to which the Service leads for `/readyz`."""
    scene = scenes.get(door, "fine")
    scene.rollout()
    asked = _asked(scene)
    expect.that(
        asked["path"] == "/readyz" and asked["status"] == 200,
        expected="`/readyz` is asked, and answers 200",
        found=f"{asked['path']} was asked, and the answer was {asked['status']}",
    )
    expect.that(
        asked["by"] == scene.image,
        expected="a pod of the new image is asked",
        found=f"{asked['pod']} was asked, which runs {asked['by']}",
        help="A Service's slices have the label `kubernetes.io/service-name`. They also list pods that are on their "
        "way out, with `conditions.ready` false.",
    )
    scene = scenes.get(door, "leads nowhere")
    rollout = _outcome(
        scene,
        "rolled back",
        "All pods are ready, and the Service leads to none of them: there is a typing error in its selector. "
        "Only one who asks where the Service leads sees it.",
    )
    _steps(rollout, NOT_GOOD)


def judge_own_smoke_test(scenes: Scenes, door: Door) -> None:
    """What is given as `smoke` is called once, with the namespace, when the rollout is over."""
    scene = scenes.get(door, "own smoke test")
    _outcome(scene, "done", "The smoke test that was given is good.")
    called = [name for name, _ in scenes.smoked]
    expect.that(
        called == [scene.namespace],
        expected=f"`smoke` is called once, with {scene.namespace!r}",
        found=f"it was called {len(called)} times{f', with {called[0]!r}' if called else ''}",
        help="`smoke` takes the place of the default one; do not call both.",
    )
    expect.that(
        all(complete for _, complete in scenes.smoked) and "asked" not in scene.calls(),
        expected="it is called alone, when the rollout is complete",
        found="it was called too early, or the default smoke test ran as well",
    )


def judge_bad_smoke_test(scenes: Scenes, door: Door) -> None:
    """Whatever a smoke test raises, the old image is set again."""
    catch = "A smoke test fails by raising anything: catch `Exception`, and go back."
    for name, word, help in (
        ("bad answer", "503", catch),
        ("odd answer", "202", "202 is no error, and is not 200 either: a service that is ready says 200."),
        ("bad smoke test", "the prices are wrong", catch),
        ("bad once", "wrong once", "A smoke test that fails once has failed: it is called once."),
    ):
        scene = scenes.get(door, name)
        rollout = _outcome(scene, "rolled back", help)
        _serves(scene, scene.script["image"])
        _steps(rollout, NOT_GOOD)
        expect.that(
            word in rollout["reason"],
            expected=f"`reason` has what the smoke test raised ({word} …)",
            found=str(rollout["reason"])[:200] or "an empty reason",
            help="Whoever reads the log of a pipeline at night has only these words.",
        )


def judge_stuck(scenes: Scenes, door: Door) -> None:
    """Where the controller gives up, so does the rollout, and at once."""
    for name in ("crash", "pull", "unschedulable"):
        scene = scenes.get(door, name)
        rollout = _outcome(
            scene,
            "rolled back",
            "The condition `Progressing` has the reason `ProgressDeadlineExceeded`: it will not become ready. Before "
            "`observedGeneration` has caught up, that is said of the image before, also on the way back.",
        )
        _serves(scene, scene.script["image"])
        _steps(rollout, NOT_READY)
        seen = [line["at"] for line in scene.log if line.get("frame") == 3 and line["image"] == scene.image]
        back = scene.writes()[-1]["at"]
        expect.that(
            bool(seen) and back - seen[0] < AT_ONCE,
            expected="it goes back as soon as `Progressing` says `ProgressDeadlineExceeded`",
            found="it went on waiting until its own timeout",
            help="Look at the conditions, too: `Available` stays true, since the old pods serve on.",
        )
    scene = scenes.get(door, "pods unseen")
    help = "The API answers 503 to whoever asks for the pods. Without their reason there is a way back all the same."
    expect.that(
        "raised" not in scene.told,
        expected="the previous image is set again, also where nobody can ask the pods what is wrong",
        found=f"it raised {scene.told.get('raised')}: {str(scene.told.get('message'))[:200]}",
        help=help,
    )
    _steps(_outcome(scene, "rolled back", help), NOT_READY)
    _serves(scene, scene.script["image"])


def judge_reason(scenes: Scenes, door: Door) -> None:
    """The reason is what the pods say."""
    for name, word, more in (
        ("crash", "CrashLoopBackOff", "back-off 5m0s"),
        ("pull", "ImagePullBackOff", "Back-off pulling image"),
        ("unschedulable", "Unschedulable", "Insufficient memory"),
    ):
        rollout = scenes.get(door, name).rollout()
        expect.that(
            SICK["reason"] not in str(rollout["reason"]),
            expected="`reason` has what the new pods of this Deployment say",
            found=str(rollout["reason"])[:200],
            help="An old pod may be sick, too. And a pod of another Deployment may have the same image, and one of the "
            "same labels: ask with the whole selector.",
        )
        expect.that(
            word in str(rollout["reason"]) and more in str(rollout["reason"]),
            expected=f"`reason` has {word}, and the sentence beside it ({more} …)",
            found=str(rollout["reason"])[:200] or "an empty reason",
            help="A container says it in `status.containerStatuses[].state.waiting`. A pod without a node has no "
            "such list: it says it in its condition `PodScheduled`. Take the new pods, and look at each of their "
            "containers: the one that comes first may be a sidecar that runs.",
        )
    found = scenes.get(door, "well").answer()
    expect.that(found == "", expected='`trouble_of` returns "" where all pods are well', found=expect.shown(found))
    lags = scenes.get(door, "one lags").answer()
    expect.that(
        isinstance(lags, str) and LAGS in lags,
        expected=f"what the last of the new pods says (CrashLoopBackOff: {LAGS}), where the others are well",
        found=expect.shown(lags),
        help="One of them is enough to hold up a rollout: look at each pod with this image until one says something.",
    )


def judge_timeout(scenes: Scenes, door: Door) -> None:
    """Where nobody says that it is stuck, the timeout ends the wait."""
    scene = scenes.get(door, "waiting")
    scene.rollout()
    times = [line["at"] for line in scene.writes()]
    if len(times) > 1:
        waited = (times[1] - times[0]) * PACE
        expect.that(
            waited > 0.9 * SHORT,
            expected=f"it waits for {SHORT:g} seconds before it goes back",
            found=f"it went back after {waited:.0f} seconds",
            help="`timeout` is in seconds. A slow start is no failure: a model takes its time to load.",
        )
    rollout = _outcome(
        scene, "rolled back", f"After {SHORT:g} seconds it was not complete. The way back has as long again."
    )
    _serves(scene, scene.script["image"])
    _steps(rollout, NOT_READY)
    expect.that(
        "Unschedulable" in str(rollout["reason"]),
        expected="`reason` has what the pods say (Unschedulable …), also where the timeout ended the wait",
        found=str(rollout["reason"])[:200],
        help="The controller has not given up yet, and the pods say already what is wrong.",
    )
    # What comes of it, nobody can say who reaches no API; but it ends.
    told = scenes.get(door, "away for good").told
    expect.that(
        "answer" in told or "raised" in told,
        expected=f"it ends after {SHORT:g} seconds, and as long for the way back, also where the API stays away",
        found="it still runs, long after its `timeout`",
        help="Look at the clock before each question, and not only after a good answer.",
    )


def judge_no_way_back(scenes: Scenes, door: Door) -> None:
    """Going back is a rollout, too, and may be stuck."""
    scene = scenes.get(door, "no way back")
    rollout = _outcome(
        scene,
        "stuck",
        "Going back is a rollout like any other: wait for it, and say so where it does not end. Somebody has to come.",
    )
    _steps(rollout, (("set image", True), ("wait", False), ("go back", False)))


def judge_conflict(scenes: Scenes, door: Door) -> None:
    """A change of something else is no reason to stop."""
    scene = scenes.get(door, "scaled meanwhile")
    _outcome(scene, "done", "409 says: read it again. The image is still the old one, so it can be set.")
    _serves(scene, scene.image)
    replicas = scene.after["spec"]["replicas"]
    expect.that(
        replicas == scene.script["meanwhile"]["replicas"],
        expected=f"{scene.script['meanwhile']['replicas']} replicas, as the autoscaler set them meanwhile",
        found=f"{replicas} replicas: what it did was overwritten",
        help="Send the `resourceVersion` of what you read. Then the API refuses what is out of date.",
    )


def judge_superseded(scenes: Scenes, door: Door) -> None:
    """What someone else sets is left alone, whenever that is."""
    for name, when in (
        ("image meanwhile", "between the read and the change"),
        ("image in the middle", "while the rollout is waited for"),
        ("image at once", "between two looks, so that their rollout is over at the second one"),
        ("image at the end", "just before it is set back"),
        ("image on the way back", "while the way back is waited for"),
        ("image during the smoke test", "while a smoke test runs that is bad in the end"),
    ):
        scene = scenes.get(door, name)
        expect.that(
            scene.image_now() == FOREIGN,
            expected=f"an image that someone else sets {when} stays",
            found=f"it was overwritten: {scene.image_now()} is set now",
            help="Read, decide, and send the `resourceVersion` that you read with the change, also on the way back. "
            "Where the API answers 409, read and decide again.",
        )
        _outcome(scene, "superseded", f"Someone else set another image {when}: their rollout is not yours.")


def judge_interrupted(scenes: Scenes, door: Door) -> None:
    """Neither a watch that ends nor an API that is away ends the wait."""
    for name, what in (
        ("away", "the API server answers 500, 502, 503 or 504 for a moment"),
        ("cut", "a connection is cut in the middle of the answer"),
        ("ends", "a watch ends after each event"),
        ("breaks", "a watch breaks off in the middle of an answer"),
        ("expires", "a watch says that its version is too old (410)"),
    ):
        scene = scenes.get(door, name)
        help = "The rollout goes on, whoever looks. Ask again, from the state of now, until the time is over."
        answer = scene.told
        if "raised" in answer:
            fail(
                expected=f"it goes on where {what}",
                found=f"it raised {answer['raised']}: {str(answer.get('message'))[:200]}",
                help=help,
            )
        found = scene.rollout()["outcome"]
        expect.that(found == "done", expected=f"`done`, also where {what}", found=f"`{found}`", help=help)
        expect.that(
            _asked(scene)["complete"],
            expected=f"it waits on where {what}",
            found="the smoke test began before the rollout was complete",
            help="The end of a watch is not the end of the rollout. " + help,
        )


def judge_history(scenes: Scenes, door: Door) -> None:
    """All revisions of this Deployment, the newest first."""
    scene = scenes.get(door, "history")
    answer = scene.answer()
    rows = answer if isinstance(answer, list) else []
    names = ("number", "image", "pods")
    if not rows or any(not isinstance(row, dict) or any(name not in row for name in names) for row in rows):
        fail(expected="`history(…)` returns a list of `Revision`", found=expect.shown(answer))
    current = (12, scene.script["image"], scene.script["replicas"] - scene.script["missing"])
    past = [(number, image, 0) for number, image in scene.script["past"]]
    wanted = sorted([*past, current], reverse=True)
    found = [(row["number"], row["image"], row["pods"]) for row in rows]
    known = {image for _, image, _ in wanted}
    strange = [image for _, image, _ in found if image not in known]
    expect.that(
        not strange,
        expected="only revisions of `ml-api`",
        found=f"also those of another Deployment: {', '.join(map(str, strange))}",
        help="Another Deployment may have the same labels, and an earlier one the same name. Whose a ReplicaSet is, "
        "its `ownerReferences` say, by `uid`.",
    )
    numbers = [number for number, _, _ in found]
    expect.that(
        numbers == [number for number, _, _ in wanted],
        expected=f"the revisions {', '.join(str(number) for number, _, _ in wanted)}, in this order, as whole numbers",
        found=", ".join(map(repr, numbers)),
        help="The annotation is text, and as text 9 comes after 10. When a revision was made says nothing of its "
        "number: who goes back makes an old one the newest.",
    )
    for one, other in zip(found, wanted, strict=True):
        expect.that(
            one == other,
            expected=f"revision {other[0]}: {other[1]}, {other[2]} pods",
            found=f"{one[1]}, {one[2]} pods",
            help="How many there are stands in `status`. Where a number is zero, the API leaves it out, and the client "
            "says None.",
        )


def _outcome(scene: Scene, wanted: str, help: str) -> dict[str, Any]:
    rollout = scene.rollout()
    expect.that(
        rollout["outcome"] == wanted,
        expected=f"the outcome `{wanted}`",
        found=f"`{rollout['outcome']}`; {rollout['reason']}".rstrip("; "),
        help=help,
    )
    for name, image in (("image", scene.image), ("previous", scene.script["image"])):
        expect.that(
            rollout[name] == image,
            expected=f"`{name}` is {image}, also where the outcome is `{wanted}`",
            found=expect.shown(rollout[name]),
        )
    expect.that(
        wanted == "done" or bool(str(rollout["reason"] or "").strip()),
        expected=f"`reason` says why, where the outcome is `{wanted}`",
        found="an empty reason",
        help="Whoever reads the log of a pipeline at night has only these words.",
    )
    return rollout


def _serves(scene: Scene, image: str) -> None:
    """Expect that an image is set and that its rollout was waited for."""
    what = "the new image" if image == scene.image else "the previous image"
    expect.that(scene.image_now() == image, expected=f"{what} is set at the end", found=f"{scene.image_now()} is set")
    looks = [line for line in scene.log if line.get("what") in ("read", "event", "asked")]
    expect.that(
        bool(looks) and looks[-1]["complete"] and looks[-1]["image"] == image,
        expected=f"it waits until {what} serves on all pods",
        found="it returned before that",
        help="Going back is a rollout, too: wait for it like for the way there.",
    )


def _steps(rollout: dict[str, Any], wanted: Sequence[tuple[str, bool]]) -> None:
    steps = rollout["steps"] if isinstance(rollout["steps"], list) else []
    found = [(step.get("name"), step.get("ok")) for step in steps if isinstance(step, dict)]
    if [name for name, _ in found[-2:]] == ["go back", "wait"]:  # the way back may be told as the way there
        found[-2:] = [("go back", found[-2][1] and found[-1][1])]
    expect.that(
        found == list(wanted),
        expected=f"the steps {_words(wanted)}",
        found=_words(found) or "no steps",
        help="Each thing that was done is a `Step`, in this order, also where it failed.",
    )


def _words(steps: Sequence[tuple[Any, Any]]) -> str:
    return ", ".join(f"{name} ({'ok' if ok else 'failed'})" for name, ok in steps)


def _asked(scene: Scene) -> dict[str, Any]:
    """The first request to a pod."""
    asked = [line for line in scene.log if line.get("what") == "asked"]
    if not asked and "proxied" in scene.calls():
        fail(
            expected="the smoke test reaches a pod",
            found="it asked through the API server's proxy, and the connection was refused",
            help="The network policy of 3.4 lets in the ingress controller and Prometheus. The API server is neither. "
            "`portforward` of `kubernetes.stream` goes by way of the pod's node, which no policy forbids.",
        )
    if not asked:
        fail(
            expected="the smoke test asks a pod to which the Service `ml-api` leads, through a forwarded port",
            found=f"no pod was asked; what was: {', '.join(dict.fromkeys(scene.calls()))}",
            help="`portforward` of `kubernetes.stream`, with `connect_get_namespaced_pod_portforward` of CoreV1Api. "
            "That pods are ready proves less: a Service whose selector is wrong leads to none of them. And a Service "
            "may have several slices: a pod that is ready may stand in any of them.",
        )
    return asked[0]


def _without_image(deployment: dict[str, Any]) -> dict[str, Any]:
    spec = deployment["spec"]
    image = image_of(deployment)
    pod = spec["template"]["spec"]
    containers = sorted(
        ({**one, "image": "" if one["image"] == image else one["image"]} for one in pod["containers"]),
        key=lambda one: str(one["name"]),
    )
    rest = {key: value for key, value in spec.items() if key != "template"}
    about = {key: value for key, value in spec["template"]["metadata"].items() if value}
    notes = {key: value for key, value in (deployment["metadata"].get("annotations") or {}).items() if key != REVISION}
    return {
        **rest,
        "containers": containers,
        "metadata of the pods": about,
        "labels of the Deployment": deployment["metadata"].get("labels") or {},
        "annotations of the Deployment": notes,
        **{k: v for k, v in pod.items() if k != "containers"},
    }
