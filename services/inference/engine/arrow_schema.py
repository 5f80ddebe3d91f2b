"""What uploads say of models that can't say it themselves: schemas of Arrow, in base64."""

import base64
import binascii

import pyarrow as pa

from libs.domain.values import TensorSpec
from services.inference.engine.errors import BadModel

_DTYPES = {
    pa.float32(): "float",
    pa.float64(): "double",
    pa.float16(): "float16",
    pa.int64(): "int64",
    pa.int32(): "int32",
    pa.int16(): "int16",
    pa.int8(): "int8",
    pa.uint64(): "uint64",
    pa.uint32(): "uint32",
    pa.uint16(): "uint16",
    pa.uint8(): "uint8",
    pa.bool_(): "bool",
    pa.string(): "string",
    pa.large_string(): "string",
}
_LISTS = (pa.ListType, pa.LargeListType, pa.FixedSizeListType)


def specs(schema: str, field: str) -> list[TensorSpec]:
    """Its fields, each with a row axis and one more for each level of lists. BadModel names the
    `field` of the upload, and the type that can't be served."""
    try:
        read = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(schema, validate=True)))
    except (pa.ArrowException, binascii.Error, OSError, ValueError) as error:
        raise BadModel(f"{field}: no Arrow schema in base64: {error}") from error
    if not len(read):
        raise BadModel(f"{field}: it has no fields; name the columns")
    return [_spec(each, field) for each in read]


def _spec(column: pa.Field, field: str) -> TensorSpec:
    shape: list[int | None] = [None]
    kind = column.type
    while isinstance(kind, _LISTS):
        shape.append(kind.list_size if isinstance(kind, pa.FixedSizeListType) else None)
        kind = kind.value_type
    if kind not in _DTYPES:
        raise BadModel(f"{field}.{column.name}: {kind} can't be served; use numbers, text or lists")
    return TensorSpec(name=column.name, dtype=_DTYPES[kind], shape=shape)
