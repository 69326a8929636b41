"""Values that know their lines: what a check can ask them, and how they fail in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labkit.checking import expect
from labkit.checking.documents import Documents, Stream
from labkit.checking.expect import CheckFailed, fail
from labkit.checking.faults import LearnerFault
from labkit.checking.located import Located
from labkit.checking.verdict import describe, describe_refusal, with_caret
from labkit.documents.nodes import Refused

FILES = {
    "base/deployment.yaml": """\
kind: Deployment
metadata: {name: api}
spec:
  replicas: "2"
  paused: "true"
  template:
    spec:
      containers:
        - name: api
          ports: [80, 81]
        - name: side
          command: null
---
kind: Service
metadata: {name: api}
---
kind: Service
metadata: {name: other}
spec: 1
""",
    "main.tf": """\
region = var.region
resource "a" "one" {
  size = 2
  inner {
    deep = [1, 2]
  }
}
resource "a" "two" {
  size = 3
  size_of = "x"
}
resource "a" "two" {
}
""",
    "a.toml": "[server]\nport = 80\nratio = 2.0\n",
    "broken.yaml": "kind: x\n\tname: y\n",
}


@pytest.fixture
def documents() -> Documents:
    texts = {name: text.encode() for name, text in FILES.items()}
    return Documents(
        texts, {"gone.yaml": "labs/lab/gone.yaml is missing"}, lambda file, line: f"labs/lab/{file}:{line}"
    )


@pytest.fixture
def deployment(documents: Documents) -> Located:
    return documents.yaml("base/deployment.yaml").one(kind="Deployment")


def message(call: Callable[[], Any]) -> str:
    """What the learner reads of a check that ends in this call."""
    with pytest.raises((CheckFailed, LearnerFault)) as caught:
        call()
    outcome, text = describe(caught.value, lambda file, line: f"{file}:{line}")
    assert outcome == "failed"
    return text


def test_a_value_has_its_place(deployment: Located) -> None:
    replicas = deployment["spec"]["replicas"]
    assert (replicas.value, replicas.line, replicas.column) == ("2", 4, 3)
    assert replicas.place == "labs/lab/base/deployment.yaml:4"
    assert replicas.name == "`spec.replicas`"
    assert deployment.name == "`base/deployment.yaml`"
    assert deployment["metadata"].value == {"name": "api"}
    assert str(replicas) == "the text `2`"
    assert repr(deployment["spec"]) == "<labs/lab/base/deployment.yaml:3: a map of 3 keys>"


def test_a_path_leads_to_a_value_or_to_none(deployment: Located) -> None:
    path = ("spec", "template", "spec", "containers")
    ports = deployment.get(*path, 0, "ports")
    assert ports is not None and ports.value == [80, 81] and ports.line == 10
    assert ports.name == "`spec.template.spec.containers[0].ports`"
    last = deployment.get(*path, -1)
    assert last is not None and last.name == "`spec.template.spec.containers[1]`"
    for missing in ((*path, 2), (*path, "0"), ("spec", 0), ("spec", "replicas", "x"), ("nothing", "at", "all")):
        assert deployment.get(*missing) is None
    null = deployment.get(*path, 1, "command")
    assert null is not None and null.value is None and bool(null)


def test_the_parent_of_what_is_missing_can_be_named(deployment: Located) -> None:
    assert deployment.nearest("spec", "strategy", "type").place == "labs/lab/base/deployment.yaml:3"
    assert deployment.nearest("nothing").line == 1
    assert deployment.nearest("spec", "template").line == 6


def test_maps_and_lists_are_gone_through(deployment: Located) -> None:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    assert [one["name"].value for one in containers] == ["api", "side"]
    assert [one.line for one in containers] == [9, 11]
    assert [(key, one.line) for key, one in containers[1].items()] == [("name", 11), ("command", 12)]
    assert len(containers) == 2 and len(containers[0]) == 2
    assert "name" in containers[0] and "image" not in containers[0] and "x" not in deployment["kind"]


def test_kinds_are_asked_for(documents: Documents, deployment: Located) -> None:
    server = documents.toml("a.toml")["server"]
    assert server["port"].of(int) == 80 and server["port"].of(float) == 80
    assert server["ratio"].of(int) == 2 and isinstance(server["ratio"].of(int), int)
    assert deployment["kind"].of(str) == "Deployment"
    assert deployment["metadata"].of(dict) == {"name": "api"}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda d: d["spec"]["strategy"],
            "expected: `spec` has `strategy`\nfound: the keys `replicas`, `paused`, `template`\nwhere: {}:3",
        ),
        (lambda d: d["kind"]["x"], "expected: `kind` is a map\nfound: the text `Deployment`\nwhere: {}:1"),
        (lambda d: d["kind"][0], "expected: `kind` is a list\nfound: the text `Deployment`\nwhere: {}:1"),
        (
            lambda d: d["spec"]["template"]["spec"]["containers"][2],
            "expected: `spec.template.spec.containers` has 3 or more items\nfound: 2\nwhere: {}:8",
        ),
        (lambda d: list(d["spec"]), "expected: `spec` is a list\nfound: a map of 3 keys\nwhere: {}:3"),
        (lambda d: list(d["kind"].items()), "expected: `kind` is a map\nfound: the text `Deployment`\nwhere: {}:1"),
        (lambda d: len(d["kind"]), "expected: `kind` is a list\nfound: the text `Deployment`\nwhere: {}:1"),
        (
            lambda d: d["spec"]["replicas"].of(int),
            "expected: `spec.replicas` is a whole number\nfound: the text `2`\n"
            "help: a number in quotes is a text\nwhere: {}:4",
        ),
        (
            lambda d: d["spec"]["paused"].of(bool),
            "expected: `spec.paused` is `true` or `false`\nfound: the text `true`\n"
            "help: a truth value in quotes is a text\nwhere: {}:5",
        ),
        (
            lambda d: d["spec"]["template"]["spec"]["containers"][0]["ports"][1].of(str),
            "expected: `spec.template.spec.containers[0].ports[1]` is a text\nfound: the number 81\n"
            "help: put it in quotes: without them it is no text\nwhere: {}:10",
        ),
        (
            lambda d: d["spec"]["template"]["spec"]["containers"][1]["command"].of(list),
            "expected: `spec.template.spec.containers[1].command` is a list\nfound: no value\nwhere: {}:12",
        ),
    ],
    ids=range(11),
)
def test_what_is_not_there_fails_in_words(deployment: Located, call: Callable[[Located], Any], said: str) -> None:
    assert message(lambda: call(deployment)) == said.format("labs/lab/base/deployment.yaml")


def test_a_truth_value_is_no_number(documents: Documents) -> None:
    yaml = Documents({"a.yaml": b"a: yes\nb: 1\nc: 1.5\n"}, {}, lambda file, line: f"{file}:{line}").yaml("a.yaml")[0]
    assert "found: true" in message(lambda: yaml["a"].of(int))
    assert "found: true" in message(lambda: yaml["a"].of(float))
    assert "found: the number 1" in message(lambda: yaml["b"].of(bool))
    assert "found: the number 1.5" in message(lambda: yaml["c"].of(int))


def test_one_document_is_chosen(documents: Documents) -> None:
    stream = documents.yaml("base/deployment.yaml")
    assert len(stream) == 3 and [one.line for one in stream] == [1, 14, 17]
    assert [one["metadata"]["name"].value for one in stream.all(kind="Service")] == ["api", "other"]
    assert stream.one(kind="Service", spec=1).line == 17
    assert isinstance(stream[1:], Stream) and stream[1:][0].line == 14
    assert message(lambda: stream.one(kind="Service")) == (
        "expected: one document in `base/deployment.yaml` with `kind: Service`\n"
        "found: 2: they begin in the lines 14, 17\nwhere: labs/lab/base/deployment.yaml:17"
    )
    assert message(lambda: stream.one(kind="Ingress", spec=True)) == (
        "expected: one document in `base/deployment.yaml` with `kind: Ingress` and `spec: True`\n"
        "found: line 1 has `kind`, the text `Deployment` and `spec`, a map of 3 keys; "
        "line 14 has `kind`, the text `Service`; line 17 has `kind`, the text `Service` and `spec`, the number 1\n"
        "where: labs/lab/base/deployment.yaml:1"
    )
    assert "expected: 4 or more documents" in message(lambda: stream[3])


def test_a_document_that_is_no_map_is_no_match() -> None:
    stream = Documents({"a.yaml": b"- 1\n---\nx\n"}, {}, lambda file, line: f"{file}:{line}").yaml("a.yaml")
    assert "line 1 has no `kind`; line 3 has no `kind`" in message(lambda: stream.one(kind="Service"))
    assert "found: 2: they begin in the lines 1, 3" in message(lambda: stream.one())


def test_blocks_are_chosen_by_their_words(documents: Documents) -> None:
    body = documents.hcl("main.tf")
    assert body["region"].value == "${var.region}" and body["region"].is_expression
    assert [block.line for block in body.blocks("resource", "a")] == [2, 8, 12]
    one = body.block("resource", "a", "one")
    assert one["size"].value == 2 and not one["size"].is_expression
    deep = one.block("inner")["deep"][1]
    assert (deep.line, deep.name) == (5, "`resource.a.one.inner.deep[1]`")
    assert body["resource"][0]["a"]["one"]["size"].line == 3
    assert message(lambda: body.block("resource", "a", "two")) == (
        "expected: one block `resource a two` in `main.tf`\nfound: 2, in the lines 8, 12\nwhere: labs/lab/main.tf:12"
    )
    assert message(lambda: body.block("resource", "b")) == (
        "expected: one block `resource b` in `main.tf`\n"
        "found: none; there is `resource.a.one`, `resource.a.two`, `resource.a.two`\nwhere: labs/lab/main.tf:1"
    )
    assert "found: none\nwhere: labs/lab/main.tf:2" in message(lambda: one.block("outer"))
    assert one["size"].blocks("x") == []


def test_where_is_the_line_of_the_value(deployment: Located) -> None:
    replicas = deployment["spec"]["replicas"]
    where = "\nwhere: labs/lab/base/deployment.yaml:4"
    said = message(lambda: expect.that(replicas.value == 3, expected="3", found=replicas, where=replicas))
    assert said == f"expected: 3\nfound: the text `2`{where}"
    said = message(lambda: fail(expected="3", found="2", help="count", where=replicas))
    assert said == f"expected: 3\nfound: 2\nhelp: count{where}"
    assert str(CheckFailed("3", "2", where="a:1")) == "expected: 3\nfound: 2\nwhere: a:1"
    expect.that(True, expected="3", found=replicas, where=replicas)


def test_a_file_that_cannot_be_read_fails_with_a_caret(documents: Documents) -> None:
    said = message(lambda: documents.yaml("broken.yaml"))
    assert said == documents.problem("broken.yaml")
    assert said == (
        "expected: `broken.yaml` can be read as YAML\n"
        "found: line 2, column 1: a tab stands where spaces are wanted\n"
        "help: indent with spaces only; YAML takes no tabs\n"
        "    name: y\n    ^\n"
        "where: labs/lab/broken.yaml:2"
    )
    assert "gone.yaml is missing" in message(lambda: documents.yaml("gone.yaml"))


def test_a_wrong_question_is_the_fault_of_the_check(documents: Documents) -> None:
    with pytest.raises(ValueError, match=r"`main\.tf` is not YAML"):
        documents.yaml("main.tf")
    with pytest.raises(KeyError):
        documents.yaml("undeclared.yaml")


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        ("  a: b: c", 7, "\n    a: b: c\n        ^"),
        ("a:\tb", 4, "\n    a: b\n       ^"),
        ("a", 2, "\n    a\n     ^"),
        ("a", 9, "\n    a"),
        ("   ", 1, ""),
        ("\x1b[31ma: 1", 1, "\n    a: 1\n    ^"),
        ("x" * 5000 + "?" + "y" * 5000, 5001, "\n    …" + "x" * 79 + "?" + "y" * 40 + "\n" + " " * 84 + "^"),
    ],
)
def test_a_caret_stands_below_its_column(line: str, column: int, shown: str) -> None:
    found = with_caret(line, column)
    if len(line) > 1000:
        code, caret = found.strip("\n").split("\n")
        assert code[caret.index("^")] == "?" and len(code) < 200
    else:
        assert found == shown


def test_a_refusal_beyond_the_file_has_no_line_to_show() -> None:
    said = describe_refusal("a.yaml", "", Refused("the file is empty"), lambda file, line: f"{file}:{line}")
    assert said == "expected: `a.yaml` can be read as YAML\nfound: line 1, column 1: the file is empty\nwhere: a.yaml:1"
