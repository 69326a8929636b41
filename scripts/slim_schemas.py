"""Make the schemas that lab 3 and the add-ons are checked with out of those of the package `kubernetes-validate`.

    python scripts/slim_schemas.py           write tests/labs/lab3_judges/schemas.json
    python scripts/slim_schemas.py --check   fail where the file is another one

The package's own take a second to load. Here are the kinds that occur, without words, for three versions, and what is
the same in all of them stands once. A shape is a letter (`s` text, `i` whole number, `n` number, `b` truth value, `q`
quantity, `x` whole number or text, `*` anything), `#Name` of an object, `[shape]` a list, `{"": shape}` a map.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "tests" / "labs" / "lab3_judges" / "schemas.json"
VERSIONS = ("1.35", "1.36", "1.37")
KINDS = {
    "apiregistration.k8s.io/v1 APIService": "apiservice-apiregistration-v1",
    "apps/v1 Deployment": "deployment-apps-v1",
    "apps/v1 StatefulSet": "statefulset-apps-v1",
    "autoscaling/v2 HorizontalPodAutoscaler": "horizontalpodautoscaler-autoscaling-v2",
    "batch/v1 CronJob": "cronjob-batch-v1",
    "batch/v1 Job": "job-batch-v1",
    "networking.k8s.io/v1 Ingress": "ingress-networking-v1",
    "networking.k8s.io/v1 NetworkPolicy": "networkpolicy-networking-v1",
    "policy/v1 PodDisruptionBudget": "poddisruptionbudget-policy-v1",
    "rbac.authorization.k8s.io/v1 ClusterRole": "clusterrole-rbac-v1",
    "rbac.authorization.k8s.io/v1 ClusterRoleBinding": "clusterrolebinding-rbac-v1",
    "rbac.authorization.k8s.io/v1 Role": "role-rbac-v1",
    "rbac.authorization.k8s.io/v1 RoleBinding": "rolebinding-rbac-v1",
    "v1 ConfigMap": "configmap-v1",
    "v1 Namespace": "namespace-v1",
    "v1 PersistentVolumeClaim": "persistentvolumeclaim-v1",
    "v1 Secret": "secret-v1",
    "v1 Service": "service-v1",
    "v1 ServiceAccount": "serviceaccount-v1",
}
LETTERS = {"string": "s", "integer": "i", "number": "n", "boolean": "b", "object": "*"}
# What kustomize and kubectl never see in a file: the server writes it.
SERVERS_OWN = {"status", "managedFields"}


class Slimmer:
    """The shapes of one version; `shapes` are those of the objects that were met, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.whole = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
        self.shapes: dict[str, dict[str, Any]] = {}

    def kind(self, file: str) -> dict[str, Any]:
        """The shape of a kind."""
        return self.fields(json.loads((self.folder / f"{file}.json").read_text(encoding="utf-8")))

    def fields(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The shape of an object: `p` are its fields, `r` those that must be there."""
        known = {name: self.shape(one) for name, one in schema["properties"].items() if name not in SERVERS_OWN}
        required = sorted(set(schema.get("required", [])) & set(known))
        return {"p": known, "r": required} if required else {"p": known}

    def shape(self, schema: dict[str, Any]) -> Any:
        """The shape of a value."""
        if "$ref" in schema:
            return self.named(schema["$ref"].rpartition("/")[2])
        kinds = schema.get("type", "object")
        kind = kinds if isinstance(kinds, str) else next(one for one in kinds if one != "null")
        if kind == "array":
            return [self.shape(schema["items"])]
        more = schema.get("additionalProperties")
        return {"": self.shape(more)} if kind == "object" and isinstance(more, dict) else LETTERS[kind]

    def named(self, name: str) -> str:
        """The shape of a definition."""
        short = name.rpartition(".")[2]
        if short in ("Quantity", "IntOrString"):
            return "q" if short == "Quantity" else "x"
        found = self.whole[name]
        if "properties" not in found:
            return str(self.shape(found)) if "type" in found else "*"
        if short not in self.shapes:
            self.shapes[short] = {}  # met, so that a definition within itself ends
            self.shapes[short] = self.fields(found)
        return f"#{short}"


def slim() -> dict[str, Any]:
    """The kinds, and the shapes of all versions: one that is the same in all of them once."""
    spec = find_spec("kubernetes_validate")
    assert spec is not None and spec.origin is not None
    below = Path(spec.origin).parent / "kubernetes-json-schema"
    found: dict[str, dict[str, Any]] = {}
    for version in VERSIONS:
        slimmer = Slimmer(below / f"v{version}.0-local-strict")
        kinds = {kind: slimmer.kind(file) for kind, file in KINDS.items()}
        found[version] = {**slimmer.shapes, **kinds}
    newest = found[VERSIONS[-1]]
    common = {name: shape for name, shape in newest.items() if all(one.get(name) == shape for one in found.values())}
    own = {
        version: {name: shape for name, shape in shapes.items() if name not in common}
        for version, shapes in found.items()
    }
    return {"common": common, "versions": own}


def main() -> int:
    """Write, or compare."""
    lines = []
    for part, shapes in slim().items():
        inner = [f"  {json.dumps(name)}: {json.dumps(shape, sort_keys=True)}" for name, shape in sorted(shapes.items())]
        lines.append(f"{json.dumps(part)}: {{\n" + ",\n".join(inner) + "\n}")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if sys.argv[1:] == ["--check"]:
        same = TARGET.read_text(encoding="utf-8") == text
        print(f"{TARGET.name} {'is' if same else 'is not'} what kubernetes-validate says")
        return 0 if same else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
