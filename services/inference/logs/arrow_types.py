"""Types of logged columns: those that every reader understands, and what two have in common.

Kept are the types that Parquet gives back as they were and that readers of pyarrow 14 know. The
others (views, dictionaries, run ends, seconds) become the nearest of these; unions and the like
have none.
"""

import orjson
import pyarrow as pa
from pyarrow import types

_MAX_DEPTH = 16
_UNITS = ("s", "ms", "us", "ns")
_KEPT = (
    *(types.is_null, types.is_boolean, types.is_integer, types.is_floating, types.is_date32),
    *(types.is_string, types.is_large_string, types.is_binary, types.is_large_binary),
    *(types.is_fixed_size_binary, types.is_decimal128, types.is_decimal256, types.is_duration),
)
_TEXTS = (types.is_string, types.is_large_string)
_BYTES = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)


class NoSuchType(Exception):
    """Values of this type can't be logged."""


def plain(array: pa.Array) -> pa.Array:
    """The same values in a type that is kept. Raises NoSuchType."""
    if isinstance(array.type, pa.BaseExtensionType):
        return plain(array.storage)
    target = plain_type(array.type)
    if target == array.type:
        return array
    if _has_views(array.type):  # a cast of pyarrow 26 leaves the lists in them empty
        return pa.array(array.to_pylist(), target)
    return array.cast(target)


def plain_type(kind: pa.DataType, depth: int = 0) -> pa.DataType:
    """The nearest type that is kept. Raises NoSuchType."""
    if depth > _MAX_DEPTH:
        raise NoSuchType(f"lists within lists, more than {_MAX_DEPTH}")
    if any(kept(kind) for kept in _KEPT):
        return kind
    if (nearest := _nearest(kind)) is not None:
        return nearest
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return plain_type(kind.value_type, depth + 1)
    if _is_list(kind):
        return _like(kind, _plain_field(kind.value_field, depth))
    if types.is_struct(kind) and kind.num_fields:
        return pa.struct([_plain_field(field, depth) for field in kind])
    if types.is_map(kind):
        return pa.map_(plain_type(kind.key_type, depth + 1), _plain_field(kind.item_field, depth))
    raise NoSuchType(str(kind))


def common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """A type that holds the values of both; text, as `texts` makes it, if there is no other."""
    try:
        return _common(one, other)
    except NoSuchType:
        return pa.string()


def converted(array: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    """In a type that `common` gave."""
    if array.type == target:
        return array
    if target == pa.string() and not types.is_null(array.type):
        return pa.chunked_array([texts(array.to_pylist())], pa.string())
    try:
        return array.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.chunked_array([pa.array(array.to_pylist(), target)], target)


def texts(values: list[object]) -> pa.Array:
    """Texts as they are, anything else as JSON; null stays null."""
    return pa.array([_text(value) for value in values], pa.string())


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or types.is_null(other):
        return one
    if types.is_null(one):
        return other
    if _is_number(one) and _is_number(other):
        return _common_number(one, other)
    if _is_list(one) and _is_list(other):
        return _common_list(one, other)
    if types.is_struct(one) and types.is_struct(other):
        return _common_struct(one, other)
    if types.is_timestamp(one) and types.is_timestamp(other) and one.tz == other.tz:
        return pa.timestamp(max(one.unit, other.unit, key=_UNITS.index), one.tz)
    for kinds, largest in ((_TEXTS, pa.large_string()), (_BYTES, pa.large_binary())):
        if all(any(kind(each) for kind in kinds) for each in (one, other)):
            return largest
    raise NoSuchType(f"both {one} and {other}")


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _nearest(kind: pa.DataType) -> pa.DataType | None:
    if types.is_date64(kind):
        return pa.date32()
    if types.is_time(kind):
        return pa.time32("ms") if types.is_time32(kind) else kind
    if types.is_timestamp(kind):
        return pa.timestamp("ms", kind.tz) if kind.unit == "s" else kind
    if types.is_string_view(kind):
        return pa.string()
    if types.is_binary_view(kind):
        return pa.binary()
    if types.is_decimal(kind):  # of 32 or 64 bits
        return pa.decimal128(kind.precision, kind.scale)
    return None


def _plain_field(field: pa.Field, depth: int) -> pa.Field:
    if isinstance(field.type, pa.BaseExtensionType):
        raise NoSuchType(str(field.type))
    return pa.field(field.name, plain_type(field.type, depth + 1), field.nullable)


def _is_number(kind: pa.DataType) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind))


def _is_list(kind: pa.DataType) -> bool:
    views = types.is_list_view(kind) or types.is_large_list_view(kind)
    return bool(
        types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind) or views
    )


def _has_views(kind: pa.DataType) -> bool:
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        return True
    return any(_has_views(kind.field(at).type) for at in range(kind.num_fields))


def _like(kind: pa.DataType, values: pa.Field) -> pa.DataType:
    if types.is_fixed_size_list(kind) and kind.list_size:
        return pa.list_(values, kind.list_size)
    if types.is_large_list(kind) or types.is_large_list_view(kind):
        return pa.large_list(values)
    return pa.list_(values)


def _common_number(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    wider = max(one, other, key=lambda kind: kind.bit_width)
    if types.is_floating(one) and types.is_floating(other):
        return wider
    if types.is_integer(one) and types.is_integer(other):
        if types.is_signed_integer(one) == types.is_signed_integer(other):
            return wider
        return pa.float64() if pa.uint64() in (one, other) else pa.int64()
    return pa.float64()


def _common_list(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    values = _common_field(one.value_field, other.value_field)
    if pa.types.is_fixed_size_list(one) and pa.types.is_fixed_size_list(other):
        if one.list_size == other.list_size:
            return pa.list_(values, one.list_size)
    elif types.is_large_list(one) or types.is_large_list(other):
        return pa.large_list(values)
    return pa.list_(values)


def _common_struct(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    fields = {field.name: field for field in one}
    for field in other:
        first = fields.get(field.name)
        fields[field.name] = _common_field(first, field) if first else field
    return pa.struct([pa.field(field.name, field.type) for field in fields.values()])


def _common_field(one: pa.Field, other: pa.Field) -> pa.Field:
    return pa.field(one.name, _common(one.type, other.type), one.nullable or other.nullable)
