"""The scenes of a rollout, drawn anew for each run: names and tags are such that none can be typed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from lab3_judges.cluster import Control, Scene, play
from labkit.checking.doors import Door
from labkit.checks import LabHandle

if TYPE_CHECKING:
    import numpy as np

LONG = 360.0
"""A timeout that nothing here needs."""
SHORT = 60.0
AWAY = 7
"""So many calls fail while the API is away: more than someone who tries a few times would bear."""
SICK = {"reason": "CreateContainerConfigError", "message": 'secret "of-another" not found'}
LAGS = "back-off 2m40s restarting failed container"
FOREIGN = "registry.example/other/ml-api:hotfix"
GROUPS = {
    "fine": (
        "fine",
        "own smoke test",
        "bad smoke test",
        "bad once",
        "bad answer",
        "odd answer",
        "leads nowhere",
        "no pods",
    ),
    "stuck": ("crash", "pull", "unschedulable", "pods unseen"),
    "shared": (
        "scaled meanwhile",
        "image meanwhile",
        "image in the middle",
        "image at once",
        "image at the end",
        "image on the way back",
        "image during the smoke test",
    ),
    "interrupted": ("breaks", "ends", "expires", "away", "cut"),
    "history": ("history", "well", "one lags"),
    "slow": ("waiting", "no way back", "away for good"),
}
"""Scenes that are played at the same time."""


class Scenes:
    """Groups of scenes; each group is played once, when the first check asks for one of its scenes."""

    def __init__(self, open_lab: Callable[[], LabHandle], rng: np.random.Generator) -> None:
        self._open = open_lab
        self._rng = rng
        self._played: dict[str, dict[str, Scene]] = {}
        self.smoked: list[tuple[str, bool]] = []

    def get(self, door: Door, name: str) -> Scene:
        """Return a scene that was played."""
        group = next(group for group, names in GROUPS.items() if name in names)
        if group not in self._played:
            scenes = {one: make() for one, make in self._scenes(door).items() if one in GROUPS[group]}
            play(self._open(), door, scenes.values())
            self._played[group] = scenes
        return self._played[group][name]

    def _word(self) -> str:
        return "".join(self._rng.choice(list("abcdefghkmnprstuvwxyz"), 5))

    def _scene(self, kind: str = "fine", *, answer: int = 200, replicas: int | None = None, **options: Any) -> Scene:
        """A rollout of a new image, of which `kind` is what happens."""
        registry, old, new = f"registry.example/{self._word()}/ml-api", self._word(), self._word()
        image, before, first = f"{registry}:{new}", f"{registry}:{old}", f"{registry}:{self._word()}"
        script = {
            "image": before,
            "replicas": int(self._rng.integers(3, 6)) if replicas is None else replicas,
            "labels": {"app.kubernetes.io/name": "ml-api", "app.kubernetes.io/instance": self._word()},
            "plays": {image: kind},
            "answers": {image: answer},
            "past": [(1, first)],
            "sidecars": [{"name": "log", "image": f"registry.example/log:{self._word()}"}],
        }
        told = ("meanwhile", "takeover", "watch", "away", "cut", "reached", "sick", "lagging", "hidden")
        named = {name: options.pop(name) for name in told if name in options}
        return Scene(f"team-{self._word()}", {**script, **named}, image=image, options={"timeout": LONG, **options})

    def _scenes(self, door: Door) -> dict[str, Callable[[], Scene]]:
        control = Control(door)

        def look(namespace: str, /) -> None:  # the name of what it takes is its own business
            """The smoke test of a check: it looks at the cluster when it is called."""
            last = [line for line in control.ask("GET", namespace)["log"] if "what" in line][-1]
            self.smoked.append((str(namespace), bool(last["complete"])))

        failed: set[str] = set()

        def once(namespace: str, /) -> None:
            """A smoke test that is bad when it is called for the first time, and good after that."""
            if namespace not in failed:
                failed.add(namespace)
                raise ValueError("the prices were wrong once")

        def overtaken(namespace: str, /) -> None:
            """A smoke test that is bad, and someone else has mended it meanwhile."""
            control.ask("POST", namespace, {"image": FOREIGN, "done": True})
            raise ValueError("the prices are wrong")

        # Not an error of the network, and another kind each time: one that no code names, so none passes by chance.
        refusal = (str(self._rng.choice(["ArithmeticError", "BufferError", "EOFError"])), "the prices are wrong")
        scene = self._scene
        other = {"image": FOREIGN}
        return {
            "fine": scene,
            "own smoke test": partial(scene, smoke=look),
            "bad smoke test": partial(scene, smoke=refusal),
            "bad once": partial(scene, smoke=once),
            "bad answer": partial(scene, answer=503),
            "odd answer": partial(scene, answer=202),
            "leads nowhere": partial(scene, reached=False),
            "no pods": partial(scene, replicas=0, timeout=SHORT, smoke=lambda namespace: None),
            "crash": partial(scene, "stuck-crash", sick=SICK),
            "pull": partial(scene, "stuck-pull", sick=SICK),
            "unschedulable": partial(scene, "stuck-unschedulable", sick=SICK),
            "pods unseen": partial(scene, "stuck-crash", hidden=True),
            "scaled meanwhile": partial(scene, meanwhile={"replicas": 7, "times": 3}),
            "image meanwhile": partial(scene, meanwhile=other),
            "image in the middle": partial(scene, takeover={**other, "at": 2}),
            "image at once": partial(scene, takeover={**other, "at": 2, "done": True}),
            "image at the end": partial(scene, "stuck-crash", takeover={**other, "at": 3}),
            "image on the way back": partial(scene, "stuck-crash", takeover={**other, "at": 1, "writes": 1}),
            "image during the smoke test": partial(scene, smoke=overtaken),
            "breaks": partial(scene, watch="breaks"),
            "ends": partial(scene, watch="ends"),
            "expires": partial(scene, watch="expires"),
            "away": partial(scene, away=AWAY),
            "cut": partial(scene, cut=AWAY),
            "away for good": partial(scene, away=10**9, timeout=SHORT),
            "history": self._history,
            "well": partial(self._trouble, sick=SICK),
            "one lags": partial(self._trouble, lagging={"reason": "CrashLoopBackOff", "message": LAGS}),
            "waiting": self._waiting,
            "no way back": self._no_way_back,
        }

    def _trouble(self, **options: Any) -> Scene:
        scene = self._scene(**options)
        scene.function, scene.image, scene.options, scene.connected = "trouble_of", scene.script["image"], {}, True
        return scene

    def _waiting(self) -> Scene:
        scene = self._scene("waiting-unschedulable", timeout=SHORT)
        scene.script["plays"][scene.script["image"]] = "slow"  # longer than half of the timeout
        return scene

    def _no_way_back(self) -> Scene:
        scene = self._scene("stuck-crash", timeout=SHORT)
        scene.script["plays"][scene.script["image"]] = "waiting-unschedulable"
        return scene

    def _history(self) -> Scene:
        scene = self._scene()
        numbers = sorted(int(number) for number in self._rng.choice(range(2, 8), 2, replace=False))
        scene.function, scene.image, scene.options = "history", "", {}
        scene.script["past"] = [(number, f"registry.example/ml-api:{self._word()}") for number in (*numbers, 9, 10, 11)]
        scene.script["strangers"] = [(8, "registry.example/canary:1"), (14, "registry.example/canary:2")]
        scene.script["orphans"] = [(13, "registry.example/earlier:1")]
        scene.script["missing"] = 1
        return scene
