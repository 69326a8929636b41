"""How a rollout goes: a list of statuses, one after the other.

Each status is served at least once and stands for at least `STEP` seconds, or as long as it says. So nobody who looks
can miss one, however slow the machine is, and for one who does not look, nothing goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

STEP = 0.025
"""Seconds that a status stands at least."""
SLOW = 1.4
"""Seconds that the longest status of `slow` stands."""

DONE = "NewReplicaSetAvailable"
UPDATED = "ReplicaSetUpdated"
EXCEEDED = "ProgressDeadlineExceeded"


@dataclass(frozen=True)
class Frame:
    """One status of a Deployment.

    Args:
        updated: pods of the new template.
        total: pods of all templates.
        available: pods that serve.
        ready: pods whose probe is good; as many as are available, unless it is said. Only after `minReadySeconds`
            does a ready pod count as available.
        stands: seconds that it stands at least.
        reason: of the condition `Progressing`.
        observed: whether the controller has seen the newest generation; if not, all of it tells of the old one.
    """

    updated: int
    total: int
    available: int
    reason: str = UPDATED
    observed: bool = True
    ready: int | None = None
    stands: float = STEP


@dataclass(frozen=True)
class Trouble:
    """Why the new pods do not become ready: as a pod's status says it.

    Args:
        reason: `CrashLoopBackOff`, `ImagePullBackOff` or `Unschedulable`.
        message: the sentence beside it.
    """

    reason: str
    message: str


@dataclass(frozen=True)
class Play:
    """A whole rollout of one image.

    Args:
        frames: its statuses; the last one stays.
        trouble: what the new pods say, if anything.
    """

    frames: tuple[Frame, ...]
    trouble: Trouble | None = None


def before(replicas: int) -> Frame:
    """What is seen in the first moment: the old status, which looks complete."""
    return Frame(replicas, replicas, replicas, DONE, observed=False)


def fine(replicas: int) -> Play:
    """All goes well, one pod after the other, and each number is reached at a time of its own."""
    if replicas == 0:
        return Play((before(0), Frame(0, 0, 0, DONE)))
    return Play(
        (
            before(replicas),
            Frame(1, replicas + 1, replicas),
            Frame(replicas - 1, replicas + 1, replicas),
            Frame(replicas, replicas + 1, replicas),  # an old one still ends
            Frame(replicas, replicas, replicas - 1, ready=replicas),  # a new one is ready, and not available yet
            Frame(replicas, replicas, replicas, DONE),
        )
    )


def back(replicas: int) -> Play:
    """An image that is known takes fewer steps."""
    return Play((before(replicas), Frame(replicas, replicas + 1, replicas), Frame(replicas, replicas, replicas, DONE)))


def slow(replicas: int) -> Play:
    """Way back that takes its time."""
    first, middle, last = back(replicas).frames
    return Play((first, replace(middle, stands=SLOW), last))


def stuck(replicas: int, trouble: Trouble) -> Play:
    """The first new pod never serves, and after a while the controller says so."""
    first = Frame(1, replicas + 1, replicas)
    failed = Frame(1, replicas + 1, replicas, EXCEEDED)
    return Play((before(replicas), first, first, failed), trouble)


def waiting(replicas: int, trouble: Trouble) -> Play:
    """The first new pod never serves, and nobody says so."""
    return Play((before(replicas), Frame(1, replicas + 1, replicas)), trouble)


TROUBLES = {
    "crash": Trouble(
        "CrashLoopBackOff", "back-off 5m0s restarting failed container=ml-api pod=ml-api-{hash}-0_{namespace}"
    ),
    "pull": Trouble("ImagePullBackOff", 'Back-off pulling image "{image}"'),
    "unschedulable": Trouble("Unschedulable", "0/3 nodes are available: 3 Insufficient memory."),
}


def play(kind: str, replicas: int) -> Play:
    """Return a play by its name: `fine`, `back`, `slow`, or with a trouble behind a dash: `stuck-crash`."""
    how, _, what = kind.partition("-")
    if kind in ("fine", "back", "slow"):
        return {"fine": fine, "back": back, "slow": slow}[kind](replicas)
    if what not in TROUBLES or how not in ("stuck", "waiting"):
        raise ValueError(f"no play `{kind}`")
    return (stuck if how == "stuck" else waiting)(replicas, TROUBLES[what])
