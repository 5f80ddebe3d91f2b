"""What a replica and the worker of a step say to each other: a head as JSON, then arrays.

Numbers go as the bytes that numpy has, so they arrive to the last bit; text goes in the head. Needs
numpy alone, of any version.
"""

import json
import socket
import struct
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

PLAIN = "biuf"  # kinds of numpy's types that are their bytes
_LENGTH = struct.Struct("<I")
_TEXT = "O"
MAX_HEAD_BYTES = 256 << 20
_MAX_JOINED_BYTES = 1 << 16

Message = tuple[dict[str, Any], dict[str, Any]]


def send(connection: socket.socket, head: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """TypeError for an array of neither numbers nor text. Raises OSError."""
    described: list[list[Any]] = []
    parts: list[Any] = []
    for name, array in arrays.items():
        if array.dtype.kind in PLAIN:
            described.append([name, array.dtype.str, array.shape])
            parts.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        else:
            described.append([name, _TEXT, array.shape, array.reshape(-1).tolist()])
    text = json.dumps({**head, "arrays": described}).encode()
    parts = [_LENGTH.pack(len(text)), text, *parts]
    if sum(map(len, parts)) <= _MAX_JOINED_BYTES:
        parts = [b"".join(parts)]
    for each in parts:
        connection.sendall(each)


def receive(connection: socket.socket) -> Message | None:
    """None when the other side has gone. ValueError, TypeError or LookupError for what is no
    message. Raises OSError."""
    length = np.empty(_LENGTH.size, np.uint8)
    if not _fill(connection, length):
        return None
    (size,) = _LENGTH.unpack(length.tobytes())
    if size > MAX_HEAD_BYTES:
        raise ValueError(f"a head of {size} bytes")
    text = np.empty(size, np.uint8)
    if not _fill(connection, text):
        return None
    head = json.loads(text.tobytes())
    arrays = {}
    for name, kind, shape, *values in head.pop("arrays"):
        if kind == _TEXT:
            array = np.array([None, *values[0]], np.object_)[1:]  # else numpy makes text of texts
        else:
            dtype = np.dtype(kind)
            if dtype.kind not in PLAIN or any(size < 0 for size in shape):
                raise ValueError(f"{name}: {kind} {shape}")
            array = np.empty(prod(shape), dtype)
            if not _fill(connection, array.view(np.uint8)):
                return None
        arrays[name] = array.reshape(shape)
    return head, arrays


def _fill(connection: socket.socket, array: Any) -> bool:
    """Whether as many bytes came."""
    view = memoryview(array)
    while view:
        if not (count := connection.recv_into(view)):
            return False
        view = view[count:]
    return True
