"""What a change does to an object: the three kinds of PATCH that clients send."""

from __future__ import annotations

import copy
from typing import Any

Json = Any

BY_NAME = ("containers", "initContainers", "env", "volumes")
"""Lists whose items a strategic merge finds by their `name`."""


class Unfit(ValueError):
    """A change that cannot be made."""


def strategic(target: Json, patch: Json, key: str = "") -> Json:
    """Return `target` with a strategic merge patch: maps are merged, and so are lists whose items have names."""
    if isinstance(patch, dict) and isinstance(target, dict):
        merged = dict(target)
        for name, value in patch.items():
            if value is None:
                merged.pop(name, None)
            else:
                merged[name] = strategic(target.get(name), value, name)
        return merged
    if key in BY_NAME and isinstance(patch, list) and isinstance(target, list):
        items = {item["name"]: item for item in target}
        for item in patch:
            if not isinstance(item, dict) or "name" not in item:
                raise Unfit(f"an item of `{key}` has no `name`")
            items[item["name"]] = strategic(items.get(item["name"], {}), item)
        return list(items.values())
    return copy.deepcopy(patch)


def merge(target: Json, patch: Json) -> Json:
    """Return `target` with a JSON merge patch (RFC 7386): maps are merged, a list replaces a list."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def operations(target: Json, patch: Json) -> Json:
    """Return `target` with a JSON patch (RFC 6902) of `add`, `replace`, `remove` and `test`."""
    result = copy.deepcopy(target)
    if not isinstance(patch, list):
        raise Unfit("a JSON patch is a list of operations")
    for one in patch:
        try:
            _operate(result, one)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Unfit(f"{one}: {error}") from None
    return result


def _operate(result: Json, one: Json) -> None:
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in one["path"].split("/")[1:]]
    for part in parents:
        result = result[int(part)] if isinstance(result, list) else result[part]
    place: Any = last
    if isinstance(result, list):
        place = len(result) if last == "-" else int(last)
    operation = one["op"]
    if operation == "test":
        if result[place] != one["value"]:
            raise Unfit(f"{one['path']} is {result[place]!r}, and not {one['value']!r}")
    elif operation == "remove":
        del result[place]
    elif operation == "add" and isinstance(result, list):
        result.insert(place, one["value"])
    elif operation in ("add", "replace"):
        if operation == "replace" and not isinstance(result, list) and place not in result:
            raise Unfit(f"{one['path']} is not there")
        result[place] = one["value"]
    else:
        raise Unfit(f"the operation `{operation}` is not known here")
