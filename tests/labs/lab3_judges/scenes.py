"""The scenes of a rollout, drawn anew for each run: names and tags are such that none can be typed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab3_judges.cluster import Control, Scene, play
from labkit.checking.doors import Door
from labkit.checks import LabHandle

if TYPE_CHECKING:
    import numpy as np

LONG = 360.0
"""A timeout that nothing here needs."""
SHORT = 60.0


class Scenes:
    """Groups of scenes; each group is played once, when the first check asks for one of its scenes."""

    def __init__(self, open_lab: Callable[[], LabHandle], rng: np.random.Generator) -> None:
        self._open = open_lab
        self._rng = rng
        self._played: dict[str, dict[str, Scene]] = {}
        self.smoked: list[tuple[str, bool]] = []
        self.word = ""

    def get(self, door: Door, name: str) -> Scene:
        """Return a scene that was played."""
        group = "slow" if name in ("waiting", "no way back") else "quick"
        if group not in self._played:
            scenes = self._slow() if group == "slow" else self._quick(door)
            self._played[group] = scenes
            try:
                play(self._open(), door, scenes.values())
            except BaseException:
                del self._played[group]
                raise
        return self._played[group][name]

    def _word(self) -> str:
        return "".join(self._rng.choice(list("abcdefghkmnprstuvwxyz"), 5))

    def _scene(self, kind: str = "fine", *, answer: int = 200, **options: Any) -> Scene:
        """A rollout of a new image, of which `kind` is what happens."""
        registry, old, new = f"registry.example/{self._word()}/ml-api", self._word(), self._word()
        image, before, first = f"{registry}:{new}", f"{registry}:{old}", f"{registry}:{self._word()}"
        script = {
            "image": before,
            "replicas": int(self._rng.integers(3, 6)),
            "labels": {"app.kubernetes.io/name": "ml-api", "app.kubernetes.io/instance": self._word()},
            "plays": {image: kind},
            "answers": {image: answer},
            "past": [(1, first)],
            "sidecars": [{"name": "log", "image": f"registry.example/log:{self._word()}"}],
        }
        named = {name: options.pop(name) for name in ("meanwhile", "takeover", "watch", "away") if name in options}
        return Scene(f"team-{self._word()}", {**script, **named}, image=image, options={"timeout": LONG, **options})

    def _quick(self, door: Door) -> dict[str, Scene]:
        control = Control(door)
        self.smoked.clear()

        def look(namespace: str) -> None:
            """The smoke test of a check: it looks at the cluster when it is called."""
            last = [line for line in control.ask("GET", namespace)["log"] if "what" in line][-1]
            self.smoked.append((str(namespace), bool(last["complete"])))

        def refuse(namespace: str) -> None:
            raise ValueError(f"the prices are wrong: {word}")

        word = self.word = self._word()
        foreign = "registry.example/other/ml-api:hotfix"
        return {
            "fine": self._scene(),
            "own smoke test": self._scene(smoke=look),
            "bad smoke test": self._scene(smoke=refuse),
            "bad answer": self._scene(answer=503),
            "crash": self._scene("stuck-crash"),
            "pull": self._scene("stuck-pull"),
            "unschedulable": self._scene("stuck-unschedulable"),
            "scaled meanwhile": self._scene(meanwhile={"replicas": 7}),
            "image meanwhile": self._scene(meanwhile={"image": foreign}),
            "image in the middle": self._scene(takeover={"image": foreign, "at": 2}),
            "image at the end": self._scene("stuck-crash", takeover={"image": foreign, "at": 3}),
            "breaks": self._scene(watch="breaks"),
            "ends": self._scene(watch="ends"),
            "expires": self._scene(watch="expires"),
            "away": self._scene(away=2),
            "history": self._history(),
        }

    def _slow(self) -> dict[str, Scene]:
        back = self._scene("stuck-crash", timeout=SHORT)
        back.script["plays"][back.script["image"]] = "waiting-unschedulable"
        return {"waiting": self._scene("waiting-unschedulable", timeout=SHORT), "no way back": back}

    def _history(self) -> Scene:
        scene = self._scene()
        numbers = sorted(int(number) for number in self._rng.choice(range(2, 8), 2, replace=False))
        scene.function, scene.image, scene.options = "history", "", {}
        scene.script["past"] = [(number, f"registry.example/ml-api:{self._word()}") for number in (*numbers, 9, 10, 11)]
        scene.script["strangers"] = [(8, "registry.example/canary:1"), (14, "registry.example/canary:2")]
        return scene
