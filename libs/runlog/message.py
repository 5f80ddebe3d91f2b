"""A chunk as a message: what it is in the headers, its lines in the body."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.runlog.chunks import Chunk

_CODEC = "zstd"


class _Headers(msgspec.Struct, rename=lambda name: "Rondo-" + name.title().replace("_", "-")):
    task: UUID
    codec: str
    first_line: int
    lines: int
    first_at: int
    last_at: int
    raw_bytes: int


def subject(workspace: int, run: UUID) -> str:
    """Where a run's chunks are published."""
    return f"log.{workspace}.{run}"


def of_subject(subject: str) -> tuple[int, UUID]:
    """Workspace and run. Rejected("invalid") if it is no run's subject."""
    try:
        _, workspace, run = subject.split(".")
        return int(workspace), UUID(run)
    except ValueError:
        raise Rejected(
            "invalid", f"log message: {subject!r} is not log.<workspace>.<run>"
        ) from None


def pack(chunk: Chunk, task: UUID) -> tuple[dict[str, str], bytes]:
    """Headers and body. The task is told for those who forget all runs of one."""
    headers = _Headers(
        task=task,
        codec=_CODEC,
        first_line=chunk.first_line,
        lines=chunk.lines,
        first_at=chunk.first_at,
        last_at=chunk.last_at,
        raw_bytes=chunk.raw_bytes,
    )
    return {name: str(value) for name, value in msgspec.to_builtins(headers).items()}, chunk.data


def unpack(headers: Mapping[str, str], body: bytes) -> tuple[Chunk, UUID]:
    """The chunk and its task. Rejected("invalid") names the header that is missing or wrong."""
    try:
        told = msgspec.convert(dict(headers), _Headers, strict=False)
    except msgspec.ValidationError as error:
        raise Rejected("invalid", f"log message: {error}; it can't be stored") from None
    if told.codec != _CODEC:
        raise Rejected("invalid", f"log message: Rondo-Codec {told.codec!r} is not {_CODEC}")
    chunk = Chunk(told.first_line, told.lines, told.first_at, told.last_at, told.raw_bytes, body)
    return chunk, told.task
