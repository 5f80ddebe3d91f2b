"""Tables of different columns as one: missing values are null, types widen (arrow_types.py)."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from services.inference.logs.arrow_types import common, converted

MAX_COLUMNS = 1000  # of one table that is made of many

_ORDER = ("time", "in.", "out.", "out_", "anomaly.", "metadata.", "request.")
_MAX_GROUPS = 16

Types = dict[str, pa.DataType]


def merged(tables: Sequence[pa.Table]) -> pa.Table:
    """Their rows one after the other, the columns in the order that users know."""
    kinds: Types = {}
    for table in tables:
        for name, kind in _types(table).items():
            kinds[name] = common(kinds[name], kind) if name in kinds else kind
    names = sorted(kinds, key=_rank)
    schema = pa.schema([(name, kinds[name]) for name in names])
    return pa.concat_tables([_as(table, schema) for table in tables])


def groups(tables: Iterable[pa.Table]) -> list[list[pa.Table]]:
    """Tables together that can be merged without a change of types; if there are very many such
    groups, the last has the rest."""
    all_groups: list[tuple[Types, list[pa.Table]]] = []
    for table in tables:
        kinds = _types(table)
        for types, group in all_groups:
            if _agree(types, kinds):
                types.update((name, kind) for name, kind in kinds.items() if kind != pa.null())
                group.append(table)
                break
        else:
            if len(all_groups) == _MAX_GROUPS:
                all_groups[-1][1].append(table)
            else:
                all_groups.append((kinds, [table]))
    return [group for _, group in all_groups]


def _agree(types: Types, new: Types) -> bool:
    shared = types.keys() & new.keys()
    if 2 * len(shared) < len(new) or len(types) + len(new) - len(shared) > MAX_COLUMNS:
        return False
    return all(types[name] == new[name] or pa.null() in (types[name], new[name]) for name in shared)


def _types(table: pa.Table) -> Types:
    return dict(zip(table.column_names, table.schema.types, strict=True))


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    if table.schema == schema:
        return table
    there = set(table.column_names)
    columns = [
        converted(table[field.name], field.type)
        if field.name in there
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema)


def _rank(name: str) -> int:
    return next((at for at, part in enumerate(_ORDER) if name.startswith(part)), len(_ORDER))
