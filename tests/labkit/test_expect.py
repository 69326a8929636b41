"""Expectations pass what is right and say in words what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labkit.checking import expect
from labkit.checking.expect import CheckFailed
from labkit.checking.faults import LearnerError

FRAME = pd.DataFrame({"a": [1, 2], "b": [3, 4]})


def test_right_values_come_back() -> None:
    assert expect.frame(FRAME, "it", columns=["a"], rows=2) is FRAME
    assert expect.number(np.float64(2.5), "it") == 2.5
    assert expect.text("x", "it") == "x"
    assert expect.pair([1, 2], "it") == (1, 2)
    assert expect.close(1.0000001, 1.0, "it") == 1.0000001
    assert expect.series(FRAME["a"], "it", length=2) is not None
    for value in ([1, 2], (1, 2), np.array([[1], [2]]), pd.Series([1, 2]), np.array([1, 2], dtype=object)):
        assert expect.array(value, "it", length=2).tolist() == [1.0, 2.0]
    expect.that(True, expected="x", found="y")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: expect.frame(None, "the table"), "the table is a pandas DataFrame"),
        (lambda: expect.frame(None, "the table"), "is the `return` missing"),
        (lambda: expect.frame(FRAME, "the table", columns=["a", "rmse"]), "not so for `rmse`"),
        (lambda: expect.frame(FRAME, "the table", rows=3), "2 rows"),
        (lambda: expect.series(FRAME, "the labels"), "a DataFrame of 2 rows"),
        (lambda: expect.array("abc", "the prices"), "array of numbers"),
        (lambda: expect.array(np.array(["a"]), "the prices"), "array of numbers"),
        (lambda: expect.array([1, np.nan], "the prices"), "1 of 2 are NaN"),
        (lambda: expect.array([[1, 2], [3, 4]], "the prices"), "one dimension"),
        (lambda: expect.array([1], "the prices", length=2), "1 values"),
        (lambda: expect.number("3", "the error"), "finite number"),
        (lambda: expect.number(float("nan"), "the error"), "finite number"),
        (lambda: expect.number(True, "the error"), "finite number"),
        (lambda: expect.pair((1, 2, 3), "the answer", names=("train", "test")), "(train, test)"),
        (lambda: expect.text(3, "the report"), "text"),
        (lambda: expect.handle(3, "the model", methods=["fit"]), "object with fit"),
        (lambda: expect.close(3.0, 2.0, "the error", help="look there"), "look there"),
        (lambda: expect.that([], expected="something", found=3), "found: 3 (int)"),
    ],
    ids=range(18),
)
def test_wrong_values_fail_with_words(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        call()
    assert said in str(caught.value)


def learner_error(name: str, *bases: str) -> LearnerError:
    return LearnerError({"type": name, "bases": [name, *bases], "message": "no"}, "`f(…)`")


def test_wanted_exceptions() -> None:
    with expect.raises("ValueError"):
        raise learner_error("UnicodeDecodeError", "ValueError")
    with pytest.raises(CheckFailed, match="no exception"), expect.raises("ValueError"):
        pass
    with pytest.raises(CheckFailed, match="KeyError: no"), expect.raises("ValueError", what="an empty side"):
        raise learner_error("KeyError")
