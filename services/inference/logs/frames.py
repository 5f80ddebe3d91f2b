"""The format of a write-ahead file: MARK, then a frame for each inference.

A frame is three little-endian uint32 (bytes of head, bytes of body, CRC-32 of both lengths and
both contents), then head and body: RecordHead and RecordBody (../record.py), as msgpack. What does
not check ends the file: it was being written when its writer, or the machine, stopped. Nothing
behind it is looked for, since a body is a caller's own and could hold what looks like a frame.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

MARK = b"rondolog1\n"
MAX_LENGTH = 1 << 30
SUFFIX = ".log"

_LENGTHS = struct.Struct("<II")
_CHECKSUM = struct.Struct("<I")
_HEADER_BYTES = _LENGTHS.size + _CHECKSUM.size


class Frame(NamedTuple):
    """A frame from `start` to `end`, and its contents."""

    start: int
    end: int
    head: memoryview
    body: memoryview


def header(head: bytes, body: bytes | memoryview) -> bytes:
    """What is written before them. Neither is longer than MAX_LENGTH."""
    lengths = _LENGTHS.pack(len(head), len(body))
    return lengths + _CHECKSUM.pack(crc32(body, crc32(head, crc32(lengths))))


def frames(data: memoryview, start: int = 0) -> Iterator[Frame]:
    """The whole frames in a file's content from `start` on, which is 0 or the end of a frame; so
    are the positions in them."""
    at = 0 if start else len(MARK)
    if not start and data[:at] != MARK:
        return
    while at + _HEADER_BYTES <= len(data):
        lengths = data[at : at + _LENGTHS.size]
        head_bytes, body_bytes = _LENGTHS.unpack(lengths)
        (checksum,) = _CHECKSUM.unpack_from(data, at + _LENGTHS.size)
        head = at + _HEADER_BYTES
        body, end = head + head_bytes, head + head_bytes + body_bytes
        if end > len(data) or crc32(data[head:end], crc32(lengths)) != checksum:
            return
        yield Frame(start + at, start + end, data[head:body], data[body:end])
        at = end
