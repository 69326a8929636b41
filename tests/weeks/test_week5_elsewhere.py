"""The flow of week 5 in other tools: those are not installed here, so their code is only read."""

import ast
import re
from pathlib import Path

import yaml

GUIDE = (Path(__file__).resolve().parents[2] / "weeks/week5_pipeline/README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def test_the_python_of_other_tools_can_be_read() -> None:
    found = blocks("py")
    assert len(found) == 4
    for code in found:
        ast.parse(code)
        assert len(code.splitlines()) < 40


def test_the_workflow_of_argo_names_steps_that_there_are() -> None:
    (workflow,) = [yaml.safe_load(text) for text in blocks("yaml")]
    spec = workflow["spec"]["workflowSpec"]
    templates = {template["name"]: template for template in spec["templates"]}
    assert spec["entrypoint"] in templates
    seen: set[str] = set()
    for task in templates[spec["entrypoint"]]["dag"]["tasks"]:
        assert task["template"] in templates
        assert set(task.get("depends", "").split()) <= seen
        seen.add(task["name"])
