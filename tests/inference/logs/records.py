"""Heads and bodies of inferences, and what lies in a folder of write-ahead files."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import msgspec
import orjson

from services.inference.logs.frames import SUFFIX, frames
from services.inference.record import RecordBody, RecordHead

WORKSPACE = 7
PIPELINE = UUID("11111111-1111-4111-8111-111111111111")
VERSION = UUID("22222222-2222-4222-8222-222222222222")
AT = 1_700_000_000_000  # ms


def head(
    id: UUID | None = None,
    time: int = AT,
    pipeline: UUID = PIPELINE,
    run: UUID | None = None,
    caller: str = "ann",
) -> RecordHead:
    return RecordHead(id or uuid4(), time, WORKSPACE, pipeline, VERSION, caller, run, "replica-1")


def numbered(number: int) -> UUID:
    return uuid5(PIPELINE, str(number))


def json_body(values: list[list[float]], **more: list[object]) -> bytes:
    """Of a model that doubles the first number of each row."""
    outputs = {
        "out.variable": [[value[0] * 2] for value in values],
        "anomaly.count": [0] * len(values),
    }
    return msgspec.msgpack.encode(
        RecordBody(
            rows=len(values),
            format="json",
            inputs=orjson.dumps([{"tensor": value} for value in values]),
            outputs=orjson.dumps(outputs | more),
            types={"out.variable": "float", "anomaly.count": "uint32"},
            last_model='{"model_name":"m","model_sha":"abc"}',
            elapsed=[1000, 2000],
        )
    )


def written(folder: Path) -> Iterator[tuple[RecordHead, RecordBody]]:
    """In the order of their files' names, and in these in the order of their writing."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        data = memoryview(path.read_bytes())
        for one in frames(data):
            yield (
                msgspec.msgpack.decode(one.head, type=RecordHead),
                msgspec.msgpack.decode(one.body, type=RecordBody),
            )
