"""`lab run`: a program on the files of one lab, with the other labs finished, as the checks see them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from labkit.commands.common import UsageFault, open_catalog, say
from labkit.course.catalog import Catalog
from labkit.course.lab import Lab
from labkit.tools import own_path


def run(which: str, command: Sequence[str], *, track: str) -> NoReturn:
    """Become `command`, which imports this lab from `track` (labs or solutions) and every other one from solutions."""
    catalog = open_catalog()
    lab = catalog.lab(which)
    if track not in ("labs", "solutions"):
        raise UsageFault(f"`{track}` is no track here: use `labs` or `solutions`.")
    path = own_path()
    program = shutil.which(command[0], path=path)
    if program is None:
        raise UsageFault(f"there is no program `{command[0]}`.")
    folders = [str(import_folder(catalog, lab, track)), os.environ.get("PYTHONPATH", "")]
    servers = addresses_of_servers(catalog.root, lab)
    environment = {**servers, **os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, folders))}
    sys.stdout.flush()
    os.execve(program, list(command), environment)


def addresses_of_servers(root: Path, lab: Lab) -> dict[str, str]:
    """Return what a program of this lab is told of the servers that `lab up` starts, at their usual ports.

    Says on stderr which of them nobody has started. What stands in the environment already is left as it is.
    """
    from labkit.course.services import service
    from labkit.learner.ports import HOST, port_is_free

    told: dict[str, str] = {}
    for name in lab.servers:
        declared = service(root, name)
        missing = [key for key in declared.client if key not in os.environ]
        told |= {key: declared.client[key].replace("{url}", f"http://{HOST}:{declared.port}") for key in missing}
        if missing and port_is_free(declared.port):
            say(f"{declared.title} does not run: start it with `lab up {lab.number}` in another terminal.")
    return told


def import_folder(catalog: Catalog, lab: Lab, track: str) -> Path:
    """Return a folder to import all labs from: this one is the track's, the others are the reference.

    It holds links below `.lab/`, made where they are missing or lead elsewhere.
    """
    if track == "solutions":
        return catalog.root / "solutions"
    folder = catalog.root / ".lab" / "imports" / lab.package
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted((catalog.root / "solutions").glob("lab*_*")):
        wanted = catalog.root / (track if source.name == lab.package else "solutions") / source.name
        link = folder / source.name
        if not link.is_symlink() or link.readlink() != wanted:
            link.unlink(missing_ok=True)
            link.symlink_to(wanted)
    return folder
