"""Judgements of 5.6: what a watch starts, and when, while things happen in the landing folder."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.checks import LabHandle, expect

MEMORY = "memory.json"
QUIET = 0.15
"""Seconds without a change after which a file is whole. What grows does so before each look: no clock decides."""
EVERY = 0.01


class Watch:
    """A watch in the worker, on a scripted folder."""

    def __init__(self, lab: LabHandle, steps: list[list[Any]], *, folder: str = "landing") -> None:
        self._lab = lab
        self._landing = lab.make("mlops_probes.flows:Landing", f"{lab.folder}/{folder}", steps)
        self.error = ""
        self.started: list[list[Any]] = []
        self.logged: list[str] = []
        self.took = 0.0
        self.overlapped = False

    def run(self, memory: str = MEMORY, quiet: float = QUIET, every: float = EVERY) -> Watch:
        """Watch until the script is done."""
        target = f"{self._lab._package}.flow:watch_landing"
        self.error = str(self._landing.run(target, f"{self._lab.folder}/{memory}", quiet, every))
        self.started = list(self._landing.attr("started"))
        self.logged = [str(one) for one in self._landing.attr("logged")]
        self.took = float(self._landing.attr("took"))
        self.overlapped = bool(self._landing.attr("overlapped"))
        return self

    def failing(self, month: str, kind: str) -> Watch:
        """Have the start of a month raise a builtin exception."""
        self._landing.fail_at(month, kind)
        return self

    def dying(self, month: str) -> Watch:
        """Have the start of a month end as if the process were."""
        self._landing.die_at(month)
        return self

    @property
    def months(self) -> list[str]:
        """What was started, in order."""
        return [str(one[0]) for one in self.started]


def _draw(rng: np.random.Generator, number: int) -> list[str]:
    places = rng.choice(60, number, replace=False)
    return [f"{2012 + place // 12}-{place % 12 + 1:02d}" for place in sorted(int(one) for one in places)]


def _content(rng: np.random.Generator) -> str:
    return f"id,price\n{rng.integers(10**9)},{rng.integers(10**6)}\n"


def _ended(watch: Watch) -> None:
    expect.that(
        watch.error == "",
        expected="the watch goes on until `stop()` says so",
        found=f"it ended with {watch.error}",
        help="A file may be taken away between two calls, and `start` may raise: neither ends the watch.",
    )


def _only(watch: Watch, months: list[str], what: str, help: str = "") -> None:
    _ended(watch)
    expect.that(
        watch.months == months,
        expected=f"{what}: " + (f"`start` is called for {', '.join(months)}, once each" if months else "no start"),
        found=", ".join(watch.months) or "no start",
        help=help,
    )


def judge_new(lab: LabHandle, rng: np.random.Generator) -> None:
    """Files that are there and files that come, parquet and CSV; other names are left alone."""
    *there, later = _draw(rng, 6)
    # Written neither in their order nor backwards: a folder may list them in either.
    written = [there[place] for place in (3, 1, 4, 0, 2)]
    steps = [["write", f"{month}.{'parquet' if month == there[1] else 'csv'}", _content(rng)] for month in written]
    steps += [
        ["write", "README.txt", "hello"], ["write", f"{later}.csv.part", "half"],
        ["write", f".{later}.csv.tmp", "half"],
        ["write", "2015-13.csv", "no month"], ["write", f"copy of {later}.csv", "x"], ["until", 5], ["looks", 3],
        ["write", f"{later}.csv", _content(rng)], ["until", 6], ["looks", 40],
    ]  # fmt: skip
    watch = Watch(lab, steps).run()
    expect.that(
        not watch.overlapped,
        expected="one month is started after the other: `start` has ended before it is called again",
        found="two were run at the same time",
        help="A month is held against the one before it: call `start` and wait, without a thread or a pool.",
    )
    _only(
        watch,
        [*there, later],
        "five files lie there, a sixth one comes, and there are files of other names",
        help="`storage.month_of(path)` is None for what is no file of a month. `sorted` gives them in their order.",
    )


def judge_growing(lab: LabHandle, rng: np.random.Generator) -> None:
    """A file that grows before each look waits; so does one that keeps its size and is written anew."""
    month, other = _draw(rng, 2)
    looks = 60
    steps: list[list[Any]] = [
        ["write", f"{other}.csv", _content(rng)],
        ["growing", f"{month}.csv", "1,2\n", looks],
        ["write", f"{month}.csv", whole := _content(rng)],
    ]
    steps += [["until", 2], ["looks", 3]]
    steps += [["growing", f"{month}.csv", "3,4\n", looks // 2], ["until", 3], ["looks", 3]]
    watch = Watch(lab, steps).run()
    _ended(watch)
    help = (
        "Who sends the file writes it bit by bit. Look twice: it is whole where size and time of change have been the "
        "same for `quiet` seconds."
    )
    first = [texts for name, texts in watch.started if name == month]
    expect.that(bool(first), expected="a file that has stopped growing starts its month", found="no start")
    expect.that(
        first[0] == [whole],
        expected="a file that is still written waits until it is whole",
        found=f"at the first start it had {len(''.join(first[0])):,} bytes",
        help=help,
    )
    expect.that(
        watch.months[0] == other,
        expected=f"the file of {other} is whole while that of {month} still grows, and is started first",
        found=f"the starts: {', '.join(watch.months)}",
        help="Each file has a time of its own since which it has not changed.",
    )
    corrected = [whole + "3,4\n" * (looks // 2)]
    expect.that(
        first[1:] == [corrected],
        expected="a corrected file that grows waits as well, and starts its month once, when it is whole",
        found=f"{len(first) - 1} starts of it"
        + (f"; at the first one it had {len(''.join(first[1])):,} of {len(corrected[0]):,} bytes" if first[1:] else ""),
        help="A file that was started before is looked at like a new one: since when is it as it is?",
    )


def judge_old_time(lab: LabHandle, rng: np.random.Generator) -> None:
    """A file that grows and keeps an old time of change is not whole."""
    (month,) = _draw(rng, 1)
    steps: list[list[Any]] = [["growing_with_an_old_time", f"{month}.csv", "1,2\n", 60]]
    steps += [["write", f"{month}.csv", whole := _content(rng)], ["until", 1], ["looks", 3]]
    watch = Watch(lab, steps).run()
    _only(watch, [month], "a file grows, and its time of change is one of years ago")
    expect.that(
        watch.started[0][1] == [whole],
        expected="it is started when neither its size nor its time of change has changed for `quiet` seconds",
        found=f"it was started at {len(''.join(watch.started[0][1]))} bytes",
        help="A copy may keep the time of its original (`cp -p`): what counts is for how long you have seen it so, by "
        "`time.monotonic()`, and the size counts as well.",
    )


def judge_stop(lab: LabHandle, rng: np.random.Generator) -> None:
    """Who is told to stop looks no more."""
    (month,) = _draw(rng, 1)
    Watch(lab, [["write", f"{month}.csv", _content(rng)]]).run()
    watch = Watch(lab, []).run(quiet=0.0)
    _only(watch, [], "a file lies there, and `stop()` says so before the first look", help="`while not stop():`")
    watch = Watch(lab, [["looks", 8]], folder="empty").run(every=0.02)
    _ended(watch)
    expect.that(
        watch.took >= 7 * 0.02,
        expected="eight looks into an empty folder, one each 0.02 s, take 0.14 s or more",
        found=f"{watch.took:.3f} s",
        help="`time.sleep(every)` belongs to the loop of the looks, and not to that of the files.",
    )


def judge_same_size(lab: LabHandle, rng: np.random.Generator) -> None:
    """A file whose size stays and whose content is still written is not whole."""
    (month,) = _draw(rng, 1)
    name = f"{month}.parquet"
    blocks = [["write", name, f"{number:06d}"] for number in range(40)]
    steps: list[list[Any]] = []
    for block in blocks:
        steps += [block, ["looks", 1]]
    steps += [["write", name, "whole!"], ["until", 1], ["looks", 3]]
    watch = Watch(lab, steps).run()
    _only(
        watch,
        [month],
        "a file of a fixed size is filled in, block by block",
        help="Some writers reserve the whole size first. The time of change (`st_mtime_ns`) tells that it goes on.",
    )
    expect.that(
        watch.started[0][1] == ["whole!"],
        expected="it is started when nothing has changed for `quiet` seconds",
        found=f"it was started at {watch.started[0][1]}",
        help="Compare the time of change as well as the size.",
    )


def judge_quiet(lab: LabHandle, rng: np.random.Generator) -> None:
    """`quiet` is what is waited for, and not one look."""
    (month,) = _draw(rng, 1)
    watch = Watch(lab, [["write", f"{month}.csv", _content(rng)], ["looks", 8]]).run(quiet=300.0)
    _only(watch, [], "eight looks at a file that must be quiet for 300 s", help="`time.monotonic()` at the last change")


def judge_once(lab: LabHandle, rng: np.random.Generator) -> None:
    """The same content again starts nothing; another content does; a restart changes nothing of this."""
    one, two = _draw(rng, 2)
    text = _content(rng)
    other = text[:-2] + str((int(text[-2]) + 5) % 10) + "\n"  # as many bytes as before
    steps: list[list[Any]] = [["write", f"{one}.csv", text], ["until", 1], ["touch", f"{one}.csv"], ["looks", 40]]
    steps += [["gone", f"{one}.csv"], ["looks", 2], ["write", f"{one}.csv", text], ["looks", 40]]
    steps += [["write", f"{two}.csv", text], ["until", 2], ["looks", 3]]
    watch = Watch(lab, steps).run()
    _only(
        watch,
        [one, two],
        "a file is touched, taken away and copied anew with the same content, and another month comes",
        help="What tells a file is its content: keep its sha256 by the file's name.",
    )
    watch = Watch(lab, [["looks", 40]]).run()
    _only(
        watch,
        [],
        "the watch is started again, and the files lie there as before",
        help="What was started is kept in `memory`, a file: a set in memory is gone with the process.",
    )
    watch = Watch(lab, [["write", f"{one}.csv", other], ["until", 1], ["looks", 40]]).run()
    _only(
        watch,
        [one],
        "a corrected file comes, under the same name and with as many bytes",
        help="A month may come again with other rows. Keep the content that was started, not the name alone.",
    )
    watch = Watch(lab, [["write", f"{one}.csv", text], ["until", 1], ["looks", 3]]).run()
    _only(
        watch,
        [one],
        "after the corrected file the first one comes again",
        help="What counts is the content of the last file of this name, and not whether it was ever seen.",
    )
    watch = Watch(lab, [["write", f"{two}.parquet", text], ["until", 1], ["looks", 40]]).run()
    _only(
        watch,
        [two],
        f"`{two}.csv` was started, and the same content comes as `{two}.parquet`",
        help="Keep the content by the name of the file, its ending included.",
    )


def judge_failing(lab: LabHandle, rng: np.random.Generator) -> None:
    """A month that fails does not end the watch, and is not tried again and again."""
    one, two, three, four = _draw(rng, 4)
    steps = [["write", f"{month}.csv", _content(rng)] for month in (one, two, three)]
    steps += [["until", 3], ["write", f"{four}.csv", _content(rng)], ["until", 4], ["looks", 40]]
    kinds = {one: "ValueError", two: "FileNotFoundError", three: str(rng.choice(["RuntimeError", "TypeError"]))}
    watch = Watch(lab, steps)
    for month, kind in kinds.items():
        watch.failing(month, kind)
    watch.run()
    _only(
        watch,
        [one, two, three, four],
        f"`start` raises {', '.join(kinds.values())} for the first three months",
        help="Whatever `start` raises, also a FileNotFoundError, is noted as tried: `try: start(month)` has an "
        "`except Exception` of its own.",
    )
    silent = [month for month in kinds if not any(month in line for line in watch.logged)]
    expect.that(
        not silent,
        expected="what `start` raised is logged, for each of the months",
        found=f"nothing of {', '.join(silent)} (its {kinds[silent[0]]})" if silent else "",
        help="`logger.exception(…)`: else nobody knows that a month is missing.",
    )
    watch = Watch(lab, [["looks", 40]]).run()
    _only(
        watch,
        [],
        "after a restart the refused files lie there as before",
        help="A file that `start` has raised for is noted in `memory` like any other.",
    )


def judge_killed(lab: LabHandle, rng: np.random.Generator) -> None:
    """A process that dies in `start` has not done the month."""
    (month,) = _draw(rng, 1)
    watch = Watch(lab, [["write", f"{month}.csv", _content(rng)], ["until", 2], ["looks", 3]]).dying(month).run()
    expect.that(
        watch.error == "KeyboardInterrupt",
        expected="Ctrl-C in `start` ends the watch",
        found=watch.error or "it goes on",
        help="`except Exception` lets KeyboardInterrupt through; a bare `except` does not.",
    )
    watch = Watch(lab, [["until", 1], ["looks", 3]]).run()
    _only(
        watch,
        [month],
        "the process died in the middle of `start`, and is started again",
        help="Note a file as done after `start`, not before. Twice does no harm, since a month can be run twice; never "
        "does.",
    )


def judge_killed_in_the_second(lab: LabHandle, rng: np.random.Generator) -> None:
    """What was done before, in the same look, is done."""
    one, two = _draw(rng, 2)
    steps = [["write", f"{month}.csv", _content(rng)] for month in (one, two)]
    Watch(lab, [*steps, ["until", 3], ["looks", 3]]).dying(two).run()
    watch = Watch(lab, [["until", 1], ["looks", 40]]).run()
    _only(
        watch,
        [two],
        f"{one} was started and had ended, and the process died in the `start` of {two}, in the same look",
        help="Write `memory` after each `start`: what was written down after the look is not written where it dies.",
    )


def judge_vanishing(lab: LabHandle, rng: np.random.Generator) -> None:
    """A file that goes away while the watch looks is no reason to end."""
    one, two = _draw(rng, 2)
    script: list[list[Any]] = [["write", f"{one}.csv", _content(rng)], ["looks", 3], ["vanish", f"{one}.csv"]]
    steps = [
        *script,
        ["looks", 3],
        ["gone", f"{one}.csv"],
        ["write", f"{two}.csv", _content(rng)],
        ["until", 1],
        ["looks", 3],
    ]
    watch = Watch(lab, steps).run()
    _only(watch, [two], "the first file is taken away between the listing of the folder and the look at it")
    steps = [["write", f"{one}.csv", _content(rng)], ["vanish", f"{one}.csv", True], ["looks", 3]]
    watch = Watch(lab, [*steps, ["gone", f"{one}.csv"], ["looks", 3]], folder="read").run("read.json", quiet=0.0)
    _ended(watch)
