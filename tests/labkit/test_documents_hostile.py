"""Whatever a file holds, reading it ends soon: in values, or in a refusal that points at a place in it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest
import yaml
from tests.labkit import hostile_files
from tests.labkit.test_documents_hcl import TEXT as HCL
from tests.labkit.test_documents_toml import TEXT as TOML

from labkit.documents import yaml_file
from labkit.documents.nodes import Node, Refused
from labkit.documents.readers import get_ready, kind_of, read

TABLES = {"a.yaml": hostile_files.YAML, "a.tf": hostile_files.HCL, "a.toml": hostile_files.TOML}
GOOD = {"a.yaml": hostile_files.DEPLOYMENT, "a.tf": HCL, "a.toml": TOML}
SECONDS = 4.0
"""Of processor time. On an idle machine 0.4 were measured; what is quadratic takes minutes."""


@pytest.fixture(scope="module", autouse=True)
def _ready() -> None:
    get_ready(TABLES)


def result(file: str, text: str) -> list[Node] | Refused:
    """The documents, whose values are all taken, or the refusal; anything else that is raised fails the test."""
    try:
        nodes = read(file, text)
    except Refused as refused:
        return pointing(refused, text)
    for node in nodes:
        node.plain()
    return nodes


def pointing(refused: Refused, text: str) -> Refused:
    """The refusal, whose place must be one of the text."""
    lines = text.replace("\r\n", "\n").split("\n")
    assert 1 <= refused.line <= len(lines)
    assert 1 <= refused.column <= len(lines[refused.line - 1]) + 1
    return refused


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, table in TABLES.items() for name in table])
def test_what_is_made_to_cost_much_costs_little(file: str, name: str) -> None:
    started = time.process_time()
    result(file, TABLES[file][name])
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("name", hostile_files.YAML)
def test_also_where_libyaml_is_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_file, "loader", lambda: yaml.SafeLoader)
    started = time.process_time()
    result("a.yaml", hostile_files.YAML[name][: yaml_file.MAX_BYTES_SLOW])
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("file", GOOD)
def test_a_file_that_is_broken_at_random_is_read_or_refused(file: str, seed: int) -> None:
    for number in range(100):
        result(file, hostile_files.broken(GOOD[file], 1000 * seed + number))


def test_a_broken_yaml_is_read_or_refused_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_file, "loader", lambda: yaml.SafeLoader)
    for number in range(300):
        result("a.yaml", hostile_files.broken(hostile_files.DEPLOYMENT, number))


@pytest.fixture
def deep_stack() -> Iterator[None]:
    """Little is left of the stack, as deep inside pytest and a check."""
    before = sys.getrecursionlimit()
    depth, frame = 0, sys._getframe()
    while frame.f_back:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 650)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("deep_stack")
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.yaml", "[" * 50 + "]" * 50),
        ("a.tf", hostile_files.HCL["nested blocks"]),
        ("a.tf", f"a = {'{a=[' * 24}{']}' * 24}"),
        ("a.toml", f"[{'.'.join(['a'] * 49)}]\n{'.'.join(['b'] * 49)} = 1"),
        ("a.toml", f"a = {'[' * 49}{']' * 49}"),
    ],
)
def test_the_deepest_files_fit_on_the_stack(file: str, text: str) -> None:
    assert isinstance(result(file, text), list)


def test_files_are_known_by_their_names() -> None:
    assert [kind_of(name) for name in ("a/b.yaml", "b.yml", "c.tf", "d.tfvars", "e.hcl", "f.toml")] == [
        "YAML",
        "YAML",
        "HCL",
        "HCL",
        "HCL",
        "TOML",
    ]
    assert [kind_of(name) for name in ("Dockerfile", "a.py", "a.json", "yaml", "a.yaml.bak")] == [None] * 5
