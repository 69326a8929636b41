"""A tour of DVC with the data of the course, in a folder that is removed at the end: `make elective-dvc`.

    python -m weeks.week4_tracking.dvc_tour DVC     DVC: the program, in an environment of its own

Each command is printed before it is run. In between, the functions of exercise 4.8 say what the run was trained on.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from mlops_lab.datasets import load_house_sales

QUIET = {"DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
PERSON = ("-c", "user.name=tour", "-c", "user.email=tour@example.invalid")


def tour(dvc: str, folder: Path) -> None:
    """Walk through it in an empty folder. Raises CalledProcessError where a command fails."""
    import mlflow

    from lab4_tracking.data_versions import DataMismatch, data_of_run, link_run
    from lab4_tracking.lineage import fingerprint

    repository, remote = folder / "repository", folder / "remote"
    repository.mkdir()

    def run(*command: str) -> None:
        print(f"\n$ {' '.join('dvc' if part == dvc else part for part in command if part not in PERSON)}", flush=True)
        subprocess.run(command, cwd=repository, env={**os.environ, **QUIET}, check=True)

    def keep(table: pd.DataFrame, words: str) -> None:
        table.to_parquet(repository / "train.parquet", index=False)
        run(dvc, "add", "--quiet", "train.parquet")
        run("git", "add", "train.parquet.dvc", ".gitignore")
        run("git", *PERSON, "commit", "--quiet", "--message", words)
        run(dvc, "push", "--quiet")

    def say(words: str) -> None:
        print(f"\n# {words}", flush=True)

    sales = load_house_sales()
    first, second = sales[sales["date"] < "2014-09-01"], sales[sales["date"] < "2014-10-01"]

    say("A repository, and a remote: here a folder, at work a bucket.")
    run("git", "init", "--quiet", "--initial-branch", "main")
    run(dvc, "init", "--quiet")
    run(dvc, "remote", "add", "--default", "store", str(remote))

    say("The first version of the data. Git gets the pointer, the remote gets the data.")
    keep(first, "data until August")
    print((repository / "train.parquet.dvc").read_text(encoding="utf-8"), end="")

    say("A run that was trained on it, and its link (exercise 4.8).")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("tour")
    with mlflow.start_run() as logged:
        mlflow.set_tags(fingerprint(first))
    link_run(logged.info.run_id, repository / "train.parquet.dvc")
    tags = mlflow.get_run(logged.info.run_id).data.tags
    print({name: tags[name] for name in sorted(tags) if name.startswith("dvc.")})

    say("A month later there is more data. What has changed?")
    keep(second, "data until September")
    run(dvc, "diff", "HEAD~1", "HEAD")
    try:
        link_run(logged.info.run_id, repository / "train.parquet.dvc")
    except DataMismatch as error:
        print(f"the run and today's data: {error}")
    else:
        raise AssertionError("a run was linked to data that it has not seen")

    say("The data of the run comes back from the remote, by its tags alone …")
    table = data_of_run(logged.info.run_id, remote)
    print(f"{len(table):,} rows until {table['date'].max():%Y-%m-%d}")

    say("… and the folder goes back by git and DVC.")
    run("git", "checkout", "--quiet", "HEAD~1")
    run(dvc, "checkout", "--quiet")
    there = pd.read_parquet(repository / "train.parquet")
    link_run(logged.info.run_id, repository / "train.parquet.dvc")
    print(f"{len(there):,} rows; the run and the data agree again")


def main() -> int:
    """Run the tour in a temporary folder."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory(prefix="dvc-tour-") as folder:
        tour(sys.argv[1], Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
