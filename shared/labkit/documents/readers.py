"""Which file is read by which reader. A reader is imported when a file wants it: that of HCL takes 200 ms."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from labkit.documents.nodes import Node

_KINDS = {".yaml": "YAML", ".yml": "YAML", ".tf": "HCL", ".tfvars": "HCL", ".hcl": "HCL", ".toml": "TOML"}


def kind_of(file: str) -> str | None:
    """`YAML`, `HCL` or `TOML` by the end of a file's name; None for what has no reader."""
    return _KINDS.get(PurePosixPath(file).suffix)


def read(file: str, text: str) -> list[Node]:
    """The documents of a file; only YAML can have several. Raises `Refused` and nothing else, whatever is in it."""
    kind = kind_of(file)
    if kind == "YAML":
        from labkit.documents.yaml_file import read_yaml

        return read_yaml(text)
    if kind == "HCL":
        from labkit.documents.hcl_file import read_hcl

        return [read_hcl(text)]
    if kind == "TOML":
        from labkit.documents.toml_file import read_toml

        return [read_toml(text)]
    raise ValueError(f"`{file}` is neither YAML nor HCL nor TOML")


def get_ready(files: Iterable[str]) -> None:
    """Import the readers of these files, so that no child of this process has to."""
    kinds = {kind_of(file) for file in files}
    if "YAML" in kinds:
        import labkit.documents.yaml_file
    if "HCL" in kinds:
        from labkit.documents import hcl_file

        hcl_file.get_ready()
    if "TOML" in kinds:
        import labkit.documents.toml_file  # noqa: F401
