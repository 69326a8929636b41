"""What lab 3 renders: a kustomization gets at nothing but the lab's own files, and at little memory."""

from __future__ import annotations

import pytest
from lab3_judges.rendering import Rendered, render

from labkit.checking.documents import Documents

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: api}\n"


def rendered(kustomization: str, **more: str) -> Rendered:
    texts = {"base/kustomization.yaml": kustomization, "base/service.yaml": SERVICE, **more}
    documents = Documents(
        {name: text.encode() for name, text in texts.items()}, {}, lambda file, line: f"{file}:{line}"
    )
    return render(texts, documents, "base")


def test_what_is_rendered_has_objects_with_their_places() -> None:
    found = rendered("resources: [service.yaml]\nnamePrefix: my-\n")
    assert found.problem is None and not found.warning
    assert found.one("Service", "my-api")["kind"].place == "line 2 of `kubectl kustomize base`"


@pytest.mark.parametrize(
    "line",
    [
        "resources: [https://example.com/base]",
        "resources: [github.com/example/base]",
        "resources: [/etc]",
        "resources: [../../solutions/lab3_kubernetes/base]",
        "components: [../..]",
        "bases: ['git@example.com:base.git']",
        "generators: [generator.yaml]",
        "transformers: ['https://example.com/t.yaml']",
        "helmCharts: [{name: chart, repo: 'https://example.com'}]",
        "crds: [/etc/passwd]",
        "configurations: [/etc/passwd]",
        "openapi: {path: /etc/passwd}",
        "configMapGenerator: [{name: all, files: [/etc/passwd]}]",
        "configMapGenerator: [{name: all, files: [secret=../../../etc/passwd]}]",
        "configMapGenerator: [{name: all, envs: [../../.env]}]",
        "secretGenerator: [{name: all, env: .env}]",
        "patches: [{path: /etc/passwd}]",
        "patchesStrategicMerge: [../patch.yaml]",
        "replacements: [{path: /etc/passwd}]",
    ],
)
def test_what_leads_out_of_the_lab_is_refused_before_anything_runs(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab3_judges.rendering._run", lambda *_: pytest.fail("it was run"))
    assert rendered(line).problem is not None


def test_an_error_of_kubectl_is_told_without_the_paths_of_this_machine() -> None:
    problem = rendered("resources: [service.yaml, service.yaml]").problem
    assert problem is not None
    assert "may not add resource with an already registered id" in problem.found
    assert "/tmp" not in problem.found and "kustomize-" not in problem.found


def test_a_patch_that_doubles_itself_ends() -> None:
    first = "      - {op: add, path: /metadata/annotations, value: {}}\n"
    copies = [f"      - {{op: copy, from: /metadata, path: /metadata/annotations/a{place}}}\n" for place in range(60)]
    patch = f"patches:\n  - target: {{kind: Service}}\n    patch: |-\n{first}{''.join(copies)}"
    assert rendered(f"resources: [service.yaml]\n{patch}").problem is not None
