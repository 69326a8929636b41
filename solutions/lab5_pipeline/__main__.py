"""The pipeline as a command: `python -m lab5_pipeline run 2015-03`. Given, no exercise."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def land(landing: Path) -> None:
    """Write the data of the course into the landing folder, a file for each month."""
    from mlops_lab.datasets import load_house_sales
    from mlops_lab.files import write_atomically

    sales = load_house_sales()
    for month, rows in sales.groupby(sales["date"].dt.strftime("%Y-%m")):
        write_atomically(landing / f"{month}.parquet", rows.reset_index(drop=True).to_parquet())
        print(f"{len(rows):6,} sales of {month}")


def main() -> int:
    """Run one of the commands; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab5_pipeline", description="The month's pipeline.")
    parser.add_argument("--landing", type=Path, default=Path("artifacts/landing"), help="where files arrive")
    parser.add_argument("--warehouse", type=Path, default=Path("artifacts/warehouse"), help="where tables are kept")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("land", help="write the data of the course into the landing folder, month by month")
    commands.add_parser("run", help="run one month").add_argument("month", help="2015-03")
    span = commands.add_parser("backfill", help="run all months of a span")
    span.add_argument("first")
    span.add_argument("last")
    commands.add_parser("deploy", help="serve the deployment that runs each month")
    commands.add_parser("watch", help="run each month whose file arrives")
    arguments = parser.parse_args()
    if arguments.command == "land":
        land(arguments.landing)
        return 0

    from lab5_pipeline import flow
    from lab5_pipeline.contract import ContractError
    from lab5_pipeline.storage import MonthRefused

    folders = {"landing": arguments.landing, "warehouse": arguments.warehouse}
    try:
        if arguments.command == "run":
            print(flow.monthly(arguments.month, **folders))
        elif arguments.command == "backfill":
            print(flow.backfill(arguments.first, arguments.last, **folders))
        elif arguments.command == "deploy":
            flow.deploy(**folders)
        else:
            memory = arguments.warehouse / "watched.json"
            flow.watch_landing(arguments.landing, lambda month: flow.monthly(month, **folders), memory=memory)
    except (MonthRefused, ContractError) as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
