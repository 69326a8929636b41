"""YAML: what it says, where it says it, and what is refused in words; read as kubectl reads it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.documents import yaml_file
from labkit.documents.nodes import Empty, Node, Refused
from labkit.documents.scalars import plain_scalar
from labkit.documents.yaml_file import read_yaml

TEXT = """\
# a comment
kind: Deployment
metadata:
  labels: {app: x, "on": y}
spec:
  containers:
    - name: api
      args: [--port, '8080', 8080]
    - name: side
      text: |
        one
        \ttwo
---
kind: Service
---
# nothing
"""

# Unquoted words, as `kubectl` gives them back in JSON.
TABLE = (
    "y|n|Y|N|yes|NO|on|Off|true|True|TRUE|tRue|false|null|Null|~||1|-1|+1|0|00|010|0o10|0O10|08|09|0x1F|0X1F|0b11|1_000"
    "|_1|1__0|1_|0_1|1e3|1E3|1e+3|1.5|1.|.5|-.5|+.5|.|1.5e3|1_0.5|1:30|22:22|190:20:30|8080:80|2024-01-01|2024-1-1"
    "|2024-01-01T00:00:00Z|12e03|0.0|-0|1e999|9223372036854775807|-9223372036854775808|9223372036854775808|0x|0b|0o|0xg"
    "|1.2.3|1e|e3|=|Infinity|NaN|inf|0b102|0x_1|0b1_0|-0x1F|-0b11|-010|-0o10|+0x1|1,000|0777|0.5.|1e3.5|.1e3|.e3|+|--"
)
WORDS = TABLE.split("|")


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _both_parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """libyaml, and PyYAML's own parser where that is not there."""
    monkeypatch.setattr(yaml_file, "loader", lambda: getattr(yaml, request.param))


def places(node: Node, path: str = "") -> dict[str, tuple[int, int]]:
    found = {path: (node.line, node.column)}
    children: list[tuple[str, Node]] = []
    if isinstance(node.value, dict):
        children = [(f"{path}.{key}", child) for key, child in node.value.items()]
    elif isinstance(node.value, list):
        children = [(f"{path}[{place}]", child) for place, child in enumerate(node.value)]
    for name, child in children:
        found |= places(child, name)
    return found


def test_documents_are_plain_values() -> None:
    first, second = [node.plain() for node in read_yaml(TEXT)]
    assert second == {"kind": "Service"}
    assert first == {
        "kind": "Deployment",
        "metadata": {"labels": {"app": "x", "on": True}},
        "spec": {
            "containers": [
                {"name": "api", "args": ["--port", "8080", 8080]},
                {"name": "side", "text": "one\n\ttwo\n"},
            ]
        },
    }


def test_every_value_has_the_place_of_its_key() -> None:
    first, second = read_yaml(TEXT)
    found = places(first)
    assert found[""] == (2, 1)
    assert found[".metadata"] == (3, 1)
    assert found[".metadata.labels.app"] == (4, 12)
    assert found[".metadata.labels.on"] == (4, 20)
    assert found[".spec.containers"] == (6, 3)
    assert found[".spec.containers[1]"] == (9, 7)
    assert found[".spec.containers[0].args[2]"] == (8, 30)
    assert found[".spec.containers[1].text"] == (10, 7)
    assert places(second) == {"": (14, 1), ".kind": (14, 1)}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_a_mark_at_the_beginning_do_not_matter(end: str) -> None:
    [node] = read_yaml(f"\ufeffa: 1{end}b: |{end}  x{end}")
    assert node.plain() == {"a": 1, "b": "x\n"}
    assert places(node)[".b"] == (2, 1)


def test_a_key_is_its_text() -> None:
    assert read_yaml("on: x\n8080: z\n'~': z\n? k\n: v\n")[0].plain() == {"on": "x", "8080": "z", "~": "z", "k": "v"}


def test_unquoted_words_are_what_kubectl_makes_of_them(tmp_path: Path) -> None:
    lines = "".join(f"  k{place}: {word}\n" for place, word in enumerate(WORDS))
    path = tmp_path / "thing.yaml"
    path.write_text(f"apiVersion: v1\nkind: Thing\nmetadata: {{name: x}}\nspec:\n{lines}")
    kubectl = Path(sys.executable).with_name("kubectl")
    command = [kubectl, "label", "--local", "-f", path, "-o", "json", "a=b"]
    spec = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["spec"]
    [mine] = read_yaml(path.read_text())
    found = mine.plain()["spec"]
    for place, word in enumerate(WORDS):
        ours, theirs = found[f"k{place}"], spec[f"k{place}"]
        same_kind = isinstance(ours, float | int) if isinstance(theirs, float | int) else type(ours) is type(theirs)
        assert same_kind and isinstance(ours, bool) == isinstance(theirs, bool), word
        assert ours == theirs or (isinstance(ours, float) and math.isclose(ours, theirs)), word


def test_words_without_end_and_without_number() -> None:
    assert plain_scalar("-.inf") == -math.inf
    assert math.isnan(plain_scalar(".nan"))  # type: ignore[arg-type]
    assert plain_scalar("1" * 5000) == "1" * 5000
    assert plain_scalar("0x" + "f" * 5000) == "0x" + "f" * 5000
    assert plain_scalar("٣") == "٣"  # a digit, and no number to anybody who reads YAML


@pytest.mark.parametrize(
    ("text", "line", "column", "why"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "the key `a` stands twice in one map, first in line 1"),
        ("a:\n  b: {c: 1, c: 2}\n", 2, 13, "the key `c` stands twice"),
        ('a: 1\n"a": 2\n', 2, 1, "stands twice"),
        ("a:\n\tb: 1\n", 2, 1, "a tab stands where spaces are wanted"),
        ("a:\n  b: 1\n\tc: 1\n", 3, 1, "a tab stands where spaces are wanted"),
        ("- a\n\t- b\n", 2, 1, "a tab stands where spaces are wanted"),
        ("a: &x 1\nb: 2\n", 1, 4, "the anchor `&x` is not taken"),
        ("a: &x {b: 1}\n", 1, 4, "the anchor `&x` is not taken"),
        ("a: 1\nb: *a\n", 2, 4, "the alias `*a` is not followed"),
        ("a:\n  <<: {b: 1}\n", 2, 3, "the merge key `<<` is not followed"),
        ("a: !!python/object/apply:os.system [x]\n", 1, 4, "the tag `!!python/object/apply:os.system` is not taken"),
        ("a: !Ref x\n", 1, 4, "the tag `!Ref` is not taken"),
        ("!!map {a: 1}\n", 1, 1, "the tag `!!map` is not taken"),
        ("a: !!binary aGk=\n", 1, 4, "the tag `!!binary` is not taken"),
        ("a: !!int x\n", 1, 4, "the tag `!!int` is not taken"),
        ("~: 1\n", 1, 1, "a key is missing before the `:`"),
        ("? [a]\n: 1\n", 1, 3, "a map or a list stands where a key is wanted"),
        ("a: {{ .Values.x }}\n", 1, 5, "a map or a list stands where a key is wanted"),
        ("a: \0\n", 1, 4, "a NUL character"),
        ("a: 1\nb: \x07\n", 2, 4, "the control character U+0007"),
        ("a: 1\rb: 2\n", 1, 5, "a carriage return without a line feed"),
        ("a: x\u2028y\n", 1, 5, "an invisible line separator"),
        ("a: \ufeff1\n", 1, 4, "an invisible byte-order mark"),
        ('a: "\\0"\n', 1, 4, "a NUL character stands in the text"),
        ('a: "\\e[31m"\n', 1, 4, "the control character U+001B stands in the text"),
        ("%YAML 1.1\n---\na: 1\n", 1, 1, "a line that begins with `%` is not read"),
        ("a:\n  b:1\n  c: 2\n", 2, 4, "no space stands after the `:`"),
        ("a: b: c\n", 1, 5, "a second `:` in one value"),
        ("a: 1\n  b: 2\n", 2, 4, "a key that is indented too far"),
        ("a:\n    b: 1\n  c: 2\n", 3, 3, "a line that does not belong to the map around it"),
        ("a:\n  - b\n  c: 1\n", 3, 3, "a line that does not belong to the list around it"),
        ('a: "foo\nb: 1\n', 1, 4, "a quote that is not closed"),
        (
            "a: [1, 2\nb: 1\n",
            2,
            2,
            "a `[` or a `{` that is not closed, or a comma that is missing; it begins in line 1",
        ),
        ("a: @x\n", 1, 4, "a value cannot begin with this sign"),
        ("a: *.example.com\n", 1, 5, "a value cannot begin with `*` or `&`"),
        ("a: - b\n", 1, 4, "a `-` where no list can begin"),
        ("a: 1\n...\nb: 2\n", 3, 1, "something stands behind the end of the document"),
        ("[" * 51 + "]" * 51, 1, 51, "more than 50 levels stand in one another"),
        ("- " * 60 + "a\n", 1, 101, "more than 50 levels stand in one another"),
        ("".join(f"{' ' * depth}a:\n" for depth in range(60)), 51, 51, "more than 50 levels stand in one another"),
    ],
)
def test_what_is_refused_is_said_with_its_place(text: str, line: int, column: int, why: str) -> None:
    with pytest.raises(Refused) as caught:
        read_yaml(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert why in caught.value.why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ("# only this\n", "nothing but comments"),
        ("---\n---\n", "nothing but comments"),
        ("~\n", "nothing but comments"),
    ],
)
def test_an_empty_file_is_said_to_be_empty(text: str, why: str) -> None:
    with pytest.raises(Empty, match=why):
        read_yaml(text)


def test_a_file_has_a_largest_size() -> None:
    most = yaml_file.MAX_BYTES if yaml_file.loader() is yaml.CSafeLoader else yaml_file.MAX_BYTES_SLOW
    assert read_yaml("a: " + "x" * (most - 3))
    with pytest.raises(Refused, match=f"at most {most:,} are read as YAML"):
        read_yaml("a: " + "한" * (most // 3))


@pytest.mark.parametrize("deep", [lambda text: text, lambda text: f"[{text}]"], ids=["map", "list"])
def test_fifty_levels_are_read(deep: Callable[[str], str]) -> None:
    [node] = read_yaml("{a: " * 49 + deep("1") + "}" * 49)
    value: Any = node.plain()
    for _ in range(49):
        value = value["a"]
    assert value in (1, [1])
