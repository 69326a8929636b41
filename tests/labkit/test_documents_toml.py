"""TOML: plain values, the places of keys, and what is refused in words."""

from __future__ import annotations

import pytest

from labkit.documents.nodes import Empty, Node, Refused
from labkit.documents.toml_file import read_toml

TEXT = '''\
# c
title = "x"
a.b.c = 1
"q.d" . e = 2

[server]  # s
ports = [
  1,
]
inline = { x = 1, y.z = 2 }
text = """
[not.a.table]
x = 1
"""

[[job]]
name = "a"
[job.opts]
k = 2024-01-01
  [[job.step]]
  run = "x"
  [[job.step]]
  run = "y"

[[job]]
  [[job.step]]
  run = "z"
[ "quoted key" . 'lit' ]
"esc\\u0041" = 1.5
'''


def lines(node: Node, path: str = "") -> dict[str, int]:
    found = {path: node.line} if path else {}
    children: list[tuple[str, Node]] = []
    if isinstance(node.value, dict):
        children = [(f"{path}/{key}", child) for key, child in node.value.items()]
    elif isinstance(node.value, list):
        children = [(f"{path}/{place}", child) for place, child in enumerate(node.value)]
    for name, child in children:
        found |= lines(child, name)
    return found


def test_every_key_has_its_line() -> None:
    assert lines(read_toml(TEXT)) == {
        "/title": 2,
        "/a": 3,
        "/a/b": 3,
        "/a/b/c": 3,
        "/q.d": 4,
        "/q.d/e": 4,
        "/server": 6,
        "/server/ports": 7,
        "/server/ports/0": 7,
        "/server/inline": 10,
        "/server/inline/x": 10,
        "/server/inline/y": 10,
        "/server/inline/y/z": 10,
        "/server/text": 11,
        "/job": 16,
        "/job/0": 16,
        "/job/0/name": 17,
        "/job/0/opts": 18,
        "/job/0/opts/k": 19,
        "/job/0/step": 20,
        "/job/0/step/0": 20,
        "/job/0/step/0/run": 21,
        "/job/0/step/1": 22,
        "/job/0/step/1/run": 23,
        "/job/1": 25,
        "/job/1/step": 26,
        "/job/1/step/0": 26,
        "/job/1/step/0/run": 27,
        "/quoted key": 28,
        "/quoted key/lit": 28,
        "/quoted key/lit/escA": 29,
    }


def test_values_are_plain_and_times_are_text() -> None:
    table = read_toml(TEXT).plain()
    assert table["server"] == {"ports": [1], "inline": {"x": 1, "y": {"z": 2}}, "text": "[not.a.table]\nx = 1\n"}
    assert table["job"][0]["opts"] == {"k": "2024-01-01"}
    assert table["quoted key"]["lit"] == {"escA": 1.5}


def test_columns_count_from_the_beginning_of_the_line() -> None:
    table = read_toml('[[a]]\n  b = """\nx""" # c\n  d = 1\n').value
    assert isinstance(table, dict) and isinstance(table["a"].value, list)
    inner = table["a"].value[0].value
    assert isinstance(inner, dict)
    assert [(node.line, node.column) for node in inner.values()] == [(2, 3), (4, 3)]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("a = 1\na = 2\n", 2, "cannot overwrite a value"),
        ("[a]\n[a]\n", 2, "cannot declare ('a',) twice"),
        ("a = \n", 1, "invalid value"),
        ("a = 'x\n", 1, "expected"),
        ("a = [1,\n", 1, "invalid value"),
        ("a: 1\n", 1, "expected '=' after a key"),
        ('a = "\\ud800"\n', 1, "not a Unicode scalar value"),
        ('a = 1\nb = "\\u0000"\n', 2, "a NUL character stands in the text"),
        ("a = 1\nb = \x01\n", 2, "the control character U+0001"),
        (f"a = 1\nb = {'9' * 5000}\n", 2, "a word or a number that is too long"),
        (f"a = 1\nb = {'9' * 30}\n", 2, "a number of more than 64 bits"),
        ("a = " + "[" * 60, 1, "more than 50 levels"),
        ("a = " + "{b = " * 60, 1, "more than 50 levels"),
        ("a" + ".a" * 30_000 + " = 1\n", 1, "more than 50 levels"),
        ("[a" + ' . "a"' * 60 + "]\n", 1, "more than 50 levels"),
        (f"x = '{'x' * 65_536}'\n", 1, "at most 65,536 are read as TOML"),
    ],
)
def test_what_is_refused_is_said_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(Refused) as caught:
        read_toml(text)
    assert why in caught.value.why
    assert caught.value.line == line


@pytest.mark.parametrize(("text", "why"), [("", "is empty"), ("# x\n", "nothing but comments")])
def test_an_empty_file_is_said_to_be_empty(text: str, why: str) -> None:
    with pytest.raises(Empty, match=why):
        read_toml(text)
