"""What Postgres does for a statement, as it says itself, and what of that is too much."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from libs.postgres.pool import Connection

Mode = Literal["force_custom_plan", "force_generic_plan"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True)
class Plan:
    """`text` is for people; `nodes` are what ran, the outermost first."""

    text: str
    nodes: list[Mapping[str, Any]]

    def problems(self, sizes: Mapping[str, int], most: int) -> list[str]:
        """Tables of more than `most` rows, by `sizes`, that are read whole, and whatever else reads
        or sorts more rows than that."""
        return [problem for node in self.nodes if (problem := _problem(node, sizes, most))]


def _problem(node: Mapping[str, Any], sizes: Mapping[str, int], most: int) -> str | None:
    kind, table = str(node["Node Type"]), str(node.get("Relation Name", ""))
    if kind == "Seq Scan" and sizes[table] > most:
        return f"Seq Scan of {table}"
    if kind == "Sort" and node["Actual Rows"] > most:
        return f"a sort of {node['Actual Rows']} rows"
    if table and (read := _read(node)) > most:
        return f"{read} rows of {table} are read"
    return None


def _read(node: Mapping[str, Any]) -> int:
    """Rows that a scan has looked at, those too that it then left out; in all of its loops."""
    left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + left_out) * node["Actual Loops"])


async def prepare(connection: Connection, name: str, query: str, mode: Mode) -> None:
    """From now on, and until the next of these, plans are made in `mode`."""
    await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE {name} AS {query}")


async def explain(connection: Connection, name: str, args: tuple[object, ...]) -> Plan:
    """Runs what was prepared; what that wrote is undone, in the transaction of the caller."""
    given = f"({', '.join(map(_literal, args))})" if args else ""
    asked = f"EXECUTE {name}{given}"
    await connection.execute("SAVEPOINT before")
    [[told]] = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {asked}")
    text = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {asked}"))
    await connection.execute("ROLLBACK TO before; RELEASE before")
    return Plan(f"{asked}\n{text}", list(_nodes(json.loads(told)[0]["Plan"])))


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return str(value)
        case bytes():
            return rf"'\x{value.hex()}'"
        case str() | UUID() | date() | datetime() | timedelta():
            return f"'{value}'"
        case list():
            return f"'{{{','.join(map(_element, value))}}}'"
    raise TypeError(f"{value!r}: write it as SQL here")


def _element(value: object) -> str:
    if isinstance(value, bytes):
        return rf'"\\x{value.hex()}"'
    return "NULL" if value is None else f'"{value}"'
