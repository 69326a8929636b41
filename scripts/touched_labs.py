"""Name the labs that a change touches: `python scripts/touched_labs.py --repo HEAD_FOLDER --before SHA --after SHA`.

Prints one line a lab, `1 lab1_models`, for those that this checkout has. Refuses a commit that holds a link or a
submodule below labs/: it would lead to files that are not in the submission. The folder that is compared is somebody
else's and is only looked at: git compares two commits in it, no file of it is read.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB_PATH = re.compile(r"labs/(?P<name>lab(?P<number>[1-9][0-9]*)_[a-z]+)/.")
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def main(arguments: list[str] | None = None) -> int:
    """Print the touched labs; return the exit status."""
    parser = argparse.ArgumentParser(description="Name the labs that a change touches.")
    parser.add_argument("--repo", type=Path, required=True, help="a checkout that has both commits")
    parser.add_argument("--before", required=True, help="the commit that the change is held against")
    parser.add_argument("--after", required=True, help="the commit with the change")
    options = parser.parse_args(arguments)
    known = {folder.name for folder in (ROOT / "labs").iterdir() if folder.is_dir()}
    try:
        refuse_links(options.repo, options.after)
        paths = changed_paths(options.repo, options.before, options.after)
    except (ValueError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for number, name in touched(paths, known):
        print(number, name)
    return 0


def changed_paths(repo: Path, before: str, after: str) -> list[str]:
    """Paths that differ since the two commits parted.

    A push of a new branch has no `before` (zeros), and after a forced push it is gone: then the change is held against
    the commit of this checkout, and every path counts where that does not do either.
    Raises ValueError where a commit is not given in full (an option, a branch name).
    """
    if not COMMIT.fullmatch(after) or not COMMIT.fullmatch(before):
        raise ValueError("`--before` and `--after` take full commit ids")
    for commit in (before, *git(ROOT, "rev-parse", "HEAD")):
        if commit != after and has_commit(repo, commit):
            return git(repo, "diff", "-z", "--name-only", "--no-renames", "--no-ext-diff", f"{commit}...{after}")
    return git(repo, "ls-tree", "-r", "-z", "--name-only", after)


def refuse_links(repo: Path, commit: str) -> None:
    """Raise ValueError where a commit has anything but plain files below labs/."""
    if not COMMIT.fullmatch(commit):
        raise ValueError("`--after` takes a full commit id")
    for entry in git(repo, "ls-tree", "-r", "-z", "--full-tree", commit, "labs"):
        about, _, path = entry.partition("\t")
        if not about.startswith("100"):
            kind = "a link" if about.startswith("120000") else "a submodule"
            raise ValueError(f"{path!r} is {kind}; a submission consists of plain files")


def has_commit(repo: Path, commit: str) -> bool:
    """Whether the repository has this commit."""
    command = ["git", "-C", str(repo), "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def git(repo: Path, *arguments: str) -> list[str]:
    """The paths or lines that a git command prints."""
    done = subprocess.run(["git", "-C", str(repo), *arguments], check=True, stdout=subprocess.PIPE)
    end = "\0" if "-z" in arguments else "\n"
    return [part for part in done.stdout.decode("utf-8", "replace").split(end) if part]


def touched(paths: Iterable[str], known: set[str]) -> list[tuple[int, str]]:
    """Number and folder name of each known lab that a path lies in, in order, once."""
    found = (LAB_PATH.match(path) for path in paths)
    return sorted({(int(match["number"]), match["name"]) for match in found if match and match["name"] in known})


if __name__ == "__main__":
    sys.exit(main())
