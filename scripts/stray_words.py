"""Find words that do not belong into the repository: addresses of package indexes, paths of one machine, and the like.

Looks at every file that git tracks or would track. Run by `make lint`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Rule:
    """A pattern, why it may not stand there, and the files where it may (a pattern on the path)."""

    pattern: re.Pattern[str]
    why: str
    except_in: re.Pattern[str] = re.compile(r"(?!)")


# Each pattern is written so that it does not match its own source.
RULES = (
    Rule(
        re.compile(
            r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|registry[.]yarnpkg|deb[.]debian[.]org|archive[.]ubuntu[.]com"
            r"|proxy[.]golang[.]org|index[.]crates[.]io|repo1[.]maven|artifactor[y]|pkg[.]dev"
            r"|--(?:extra-|default-)?index(?:-url)?[ =]|--find-links[ =]|--trusted-host[ =]",
            re.IGNORECASE,
        ),
        "the address of a package index: which one is used is the user's own setting",
    ),
    Rule(
        re.compile(r"(?<![\w.~/$}-])/(?:wor[k]|hom[e]/[\w.-]+|User[s]/[\w.-]+|roo[t]|opt/wheel[s])/"),
        "a path of one machine",
        except_in=re.compile(r"(^|/)(Dockerfile|Containerfile)|\.ya?ml$"),  # paths inside a container
    ),
    Rule(
        re.compile(r"\bclaud[e]|anthropi[c]|chatgp[t]|copilo[t]|\bsub-?agen[t]|\bAI[ -]assistan[t]", re.IGNORECASE),
        "a word about how this was written: the repository speaks of the project alone",
    ),
    Rule(
        re.compile(r"\b(?:issue|ticket)s?[ ]#?\d+\b|\bshared/(?:DESIG[N]|STYL[E]|FACT[S])", re.IGNORECASE),
        "a reference to something that is not in the repository",
    ),
)
# What a cell printed may not depend on where it ran.
OUTPUT_RULES = (
    *RULES,
    Rule(re.compile(r"(?<![\w.])/(?:tm[p]|var|private|hom[e]|User[s])/"), "a path of one machine in a stored output"),
)


def main() -> int:
    """Print each finding as `path:line: why: text`; return 1 where there is one."""
    findings = [finding for path in files(ROOT) for finding in check_file(ROOT, path)]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def files(root: Path) -> list[str]:
    """Paths that git tracks or would track."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    return [path for path in subprocess.check_output(command).decode().split("\0") if path and (root / path).is_file()]


def check_file(root: Path, path: str) -> Iterator[str]:
    """The findings of one file; none in one that is not text."""
    try:
        text = (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    if path.endswith(".ipynb"):
        yield from check_text(path, "\n".join(output_lines(json.loads(text))), OUTPUT_RULES)
    yield from check_text(path, text, RULES)


def check_text(path: str, text: str, rules: tuple[Rule, ...] = RULES) -> Iterator[str]:
    """The findings of a text, line by line."""
    for rule in rules:
        if rule.except_in.search(path):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if match := rule.pattern.search(line):
                yield f"{path}:{number}: {rule.why}: {match.group()}"


def output_lines(notebook: dict[str, Any]) -> Iterator[str]:
    """What the cells of a notebook printed and showed, without pictures."""
    for cell in notebook.get("cells", []):
        for output in cell.get("outputs", []):
            shown = [output.get("text", ""), *output.get("traceback", [])]
            shown += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
            yield from ("".join(part) if isinstance(part, list) else str(part) for part in shown)


if __name__ == "__main__":
    sys.exit(main())
