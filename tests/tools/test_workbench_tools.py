"""Each tool of the stack does one real thing. Here: notebooks, the terminal, the installed set as a whole."""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx

from mlops_lab.processes import serve

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def notebook(*outputs: str) -> dict[str, object]:
    """A notebook of one cell `print(1 + 1)` for each stored output."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "execution_count": 1,
            "metadata": {},
            "source": "print(1 + 1)",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": f"{text}\n"}],
        }
        for number, text in enumerate(outputs)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def test_nbval_compares_stored_outputs(tmp_path: Path) -> None:
    (tmp_path / "tour.ipynb").write_text(json.dumps(notebook("2", "3")))
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "-c", os.devnull, "tour.ipynb"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert "1 failed, 1 passed" in result.stdout, result.stdout + result.stderr


def test_jupyterlab_serves_its_page(tmp_path: Path) -> None:
    command = [str(BIN / "jupyter-lab"), "--no-browser", "--port", "{port}", "--ServerApp.token="]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    with serve(command, health="/api/status", cwd=tmp_path, timeout=60) as server:
        page = httpx.get(f"{server.url}/lab", trust_env=False)
    assert page.status_code == 200
    assert "JupyterLab" in page.text


def test_typer_and_rich_print_a_table() -> None:
    import typer
    from rich.console import Console
    from rich.table import Table
    from typer.testing import CliRunner

    app = typer.Typer()

    @app.command()
    def show(title: str) -> None:
        table = Table("lab", title=title)
        table.add_row("models")
        text = io.StringIO()
        Console(file=text, width=40).print(table)
        typer.echo(text.getvalue())

    result = CliRunner().invoke(app, ["Board"])
    assert result.exit_code == 0
    assert "Board" in result.output
    assert "models" in result.output


def test_watchfiles_sees_a_saved_file(tmp_path: Path) -> None:
    from watchfiles import watch

    saved = tmp_path / "house_price.py"
    timer = threading.Timer(0.3, saved.write_text, ["x = 1"])
    timer.start()
    changes = next(watch(tmp_path, rust_timeout=20_000, yield_on_timeout=True, step=20))
    timer.join()
    assert {Path(path).name for _, path in changes} == {saved.name}


def test_what_is_installed_fits_together() -> None:
    subprocess.run([BIN / "uv", "pip", "check", "--python", sys.executable], check=True)
