"""Files that are made to cost time, memory or the stack, and a good one to break at random."""

from __future__ import annotations

import random

from labkit.documents.hcl_scan import MAX_TOKENS

DEPLOYMENT = """\
# What runs.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: house-price
  labels: {app: house-price, tier: "api"}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: api
          image: registry.example/house-price:1.0
          args: ["--port", '8080', 0x1F]
          readinessProbe:
            httpGet: {path: /health, port: 8080}
            periodSeconds: 1e1
          env:
            - name: TEXT
              value: |
                one
                  two
---
kind: Service
spec: {ports: [{port: 80}]}
"""

_Y, _H, _T = 128 * 1024 - 64, 64 * 1024 - 64, 64 * 1024 - 64
_M = MAX_TOKENS - 20

# Each is within the limit of bytes, and takes the longest, or would, without the other limits.
YAML = {
    "a long list": f"[{'1,' * (_Y // 2)}]",
    "many maps": f"[{'{},' * (_Y // 3)}]",
    "empty items": "-\n" * (_Y // 2),
    "many keys": "".join(f"k{place}: 1\n" for place in range(_Y // 12)),
    "many documents": "--- a\n" * (_Y // 6),
    "open brackets": "[" * _Y,
    "open braces": "{a: " * (_Y // 4),
    "dashes": "- " * (_Y // 2),
    "question marks": "? " * (_Y // 2),
    "an endless staircase": "".join(f"{' ' * depth}a:\n" for depth in range(450)),
    "tag directives": "%TAG !a! x\n" * (_Y // 11) + "--- a",
    "a billion laughs": "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50)),
    "an alias of itself": "a: &a [*a]\n",
    "blank lines in a text": "a: |\n" + "\n" * _Y,
    "an open quote": 'a: "' + "x\n " * (_Y // 3),
    "colons": ":" * _Y,
    "a long number": f"a: {'9' * _Y}",
    "a long hexadecimal number": f"a: 0x{'f' * (_Y - 3)}",
    "a long word": "x" * _Y,
    "tabs": "a:" + "\t" * _Y,
}
HCL = {
    "a here-document of blank lines": "a = <<E\n" + "\n" * (_H - 20) + "E\n",
    "an open here-document": "a = <<E\n" + "\n" * (_H - 20),
    "a long list": f"a = [{'1,' * (_M // 2)}]",
    "many arguments": "".join(f"a{place} = b\n" for place in range(_M // 4)),
    "many blocks": "b {}\n" * (_M // 4),
    "a long sum": f"a = {'1+' * (_M // 2)}1",
    "too long a sum": f"a = {'1+' * 30_000}1",
    "a long choice": f"a = {'a?b:' * (_M // 4)}1",
    "open brackets": f"a = {'(' * (_H - 8)}",
    "templates in templates": 'a = "' + "${" * 30_000,
    "many templates": f'a = "{"${a}" * (_M // 3)}"',
    "escaped templates": f'a = "{"$${" * 20_000}"',
    "open remarks": "/*" * (_H // 2),
    "many labels": f"a {'b ' * _M}{{}}",
    "an endless path": f"a = a{'.a' * (_M // 2)}",
    "blank lines": "a = 1\n" + "\n" * (_H - 10),
    "a long number": f"a = {'9' * (_H - 8)}",
    "nested blocks": 'a "b" "c" "d" {\n' * 49 + "}\n" * 49,
}
TOML = {
    "a dotted key": f"a{'.a' * (_T // 2 - 4)} = 1",
    "a dotted table": f"[a{'.a' * (_T // 2 - 4)}]",
    "open brackets": f"a = {'[' * (_T - 8)}",
    "open braces": f"a = {'{a=' * (_T // 3 - 4)}",
    "many tables": "".join(f"[t{place}]\n" for place in range(_T // 9)),
    "arrays of tables": "[[a]]\n[[a.b]]\n" * (_T // 14),
    "deep tables": "".join(f"[{'.'.join(['a'] * 49)}.k{place}]\n" for place in range(600)),
    "a long list": f"a = [{'1,' * (_T // 2 - 8)}]",
    "a long number": f"a = {'9' * (_T - 8)}",
    "a long hexadecimal number": f"a = 0x{'f' * (_T - 8)}",
    "an open text": 'a = """' + "x\n" * (_T // 2 - 8),
    "quotes": '"' * _T,
    "closing brackets": "]" * _T,
}

_SIGNS = " \t\n\r:-[]{}#&*!|>'\"%@`,?=<~$\\./()019aey_\x01"
_PIECES = [*_SIGNS, "<<: ", "---\n", "&a ", "*a", "!!str ", "? ", ": ", "- " * 60, "{{ x }}", "\\0", "~", "9" * 50]


def broken(text: str, seed: int) -> str:
    """`text` with a few bytes changed, left out, doubled or put elsewhere; always the same for one seed."""
    rng = random.Random(seed)
    data = text.encode()
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(data))
        end = at + rng.choice([0, 1, 1, 3, 20])
        piece = rng.choice(
            [b"", rng.choice(_PIECES).encode(), bytes([rng.randrange(256)]), data[at:end] * 2, data[-at : -at + 20]]
        )
        data = data[:at] + piece + data[end:]
    return data.decode(errors="replace")


# Each fails the checks of the exercise in `toy_files` that is written in this file.
REFUSED: dict[str, list[str]] = {
    "base/deployment.yaml": [
        *YAML.values(),
        "kind: a\nkind: b\n",
        "kind: Deployment\nspec:\n\treplicas: 2\n",
        "kind: &a Deployment\nspec: *a\n",
        "<<: {kind: Deployment}\n",
        "kind: !!python/object/apply:os.system ['touch /tmp/x']\n",
        "kind: !!python/name:os.system\n",
        "~: 1\n",
        "? [a]\n: 1\n",
        "kind: \x1b[31mDeployment\n",
        'kind: "\\0"\n',
        "x" * 200_000,
        "",
        "# nothing\n",
        "kind: Deployment\nspec: 1\n",
        "kind: Deployment\nspec: {replicas: 2, template: {spec: {containers: {a: 1}}}}\n",
        "kind: Deployment\nspec: {replicas: .inf, template: {spec: {containers: [[], {}]}}}\n",
        "kind: Deployment\nspec: {replicas: true, template: {spec: {containers: [{image: 'a\\nwhere: b:1'}]}}}\n",
        "kind: [Deployment]\n",
        "[]\n",
        "--- 1\n--- kind\n",
    ],
    "main.tf": [
        *HCL.values(),
        "a = 1\na = 2\n",
        "a = \x01\n",
        'provider "aws" {}\n',
        'provider = "aws"\n',
        'provider "aws" {\n  region = "${var.region}"\n}\nvariable "region" {\n  default = [1]\n}\n',
        "",
    ],
    "config.toml": [
        *TOML.values(),
        "a = 1\na = 2\n",
        "server = 1\n",
        "[[server]]\nport = 8080\n",
        "[server]\nport = nan\n",
        "[server]\nport = 2024-01-01\n",
        "",
    ],
}
