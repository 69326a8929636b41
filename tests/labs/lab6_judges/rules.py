"""Judgements of 6.2 by replay: what rings, and what is recorded, in stories that are drawn anew for each run."""

from __future__ import annotations

import numpy as np

from lab6_judges.queries import FILE, rule
from lab6_judges.replays import firing, replay
from lab6_judges.stories import SUBJECTS, Story
from labkit.checks import Documents, expect, fail


def judge(documents: Documents, text: str, rng: np.random.Generator, subject: str) -> None:
    """Play the stories of a subject to the rules, and compare what comes out with what should."""
    documents.yaml(FILE)  # what cannot be read is no business of promtool
    stories: list[Story] = SUBJECTS[subject](rng)
    answers = replay(text, [story.ask() for story in stories])
    for story in stories:
        for query, minute, wanted, what in story.values:
            found = answers.value(story.play, query, minute)
            if found is None or not np.isclose(found, wanted, rtol=1e-4, atol=1e-9):
                percent = found is not None and wanted and np.isclose(found, 100 * wanted, rtol=1e-3)
                fail(
                    expected=f"{what} is {expect.figure(wanted)} after {minute} minutes. The story: {story.told}",
                    found="no value" if found is None else expect.figure(found),
                    help="A share lies between 0 and 1. Grafana and `humanizePercentage` make percent of it."
                    if percent
                    else story.help,
                )
        for alert, minute, rings in [(*one, True) for one in story.rings] + [(*one, False) for one in story.silent]:
            found = answers.value(story.play, firing(alert), minute)
            if (found is not None) != rings:
                fail(
                    expected=f"`{alert}` {'rings' if rings else 'does not ring'} after {minute} minutes. The story: "
                    f"{story.told}",
                    found="it rings" if found is not None else "it does not ring",
                    help=story.help,
                    where=rule(documents, alert).at["expr"],
                )
