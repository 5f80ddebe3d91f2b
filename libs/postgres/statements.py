"""Statements by their names, from `queries/<module>.sql` beside the module that runs them.

A file looks like this; the line below a name says what the statement is for:

    -- name: find_run
    -- A run by its id, whether or not it has begun.
    SELECT state FROM run WHERE id = $1

    -- part: columns
    -- What statements of this file have in common; they say {columns} where it belongs.
    id, email, enabled

The rule: whatever reads or writes rows of a service's tables stands in such a file. So it is found
by its name, and tests/postgres/test_plans.py finds and EXPLAINs all of them on filled tables. What
makes, drops or locks tables and what asks the server about itself stay in Python.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

_HEADING = re.compile(r"^-- (name|part): (\w+)\n((?:--.*\n)*)", re.MULTILINE)
_PLACE = re.compile(r"\{(\w+)\}")


def load(module: str) -> Mapping[str, str]:
    """The statements of a module, given by its `__name__`. Raises ValueError where a file is no
    such file, and FileNotFoundError without one."""
    package, _, name = module.rpartition(".")
    return parse((files(package) / "queries" / f"{name}.sql").read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, str]:
    """Raises ValueError for a name that is taken or has no line of purpose, and for a part that
    there is not."""
    _, *pieces = _HEADING.split(text)
    found: dict[str, dict[str, str]] = {"name": {}, "part": {}}
    for kind, name, purpose, body in zip(*(pieces[at::4] for at in range(4)), strict=True):
        if not purpose:
            raise ValueError(f"{name}: say in the line below its name what it is for")
        if name in found["name"] or name in found["part"]:
            raise ValueError(f"{name}: the name is taken")
        found[kind][name] = _without_remarks(body)
    return {name: _whole(name, body, found["part"]) for name, body in found["name"].items()}


def _without_remarks(body: str) -> str:
    """Without comments behind it: they are about what follows."""
    lines = body.strip().splitlines()
    while lines and (not lines[-1] or lines[-1].startswith("--")):
        lines.pop()
    return "\n".join(lines)


def _whole(name: str, body: str, parts: Mapping[str, str]) -> str:
    def part(place: re.Match[str]) -> str:
        if place[1] not in parts:
            raise ValueError(f"{name}: there is no part {place[1]}")
        return parts[place[1]]

    return _PLACE.sub(part, body)
