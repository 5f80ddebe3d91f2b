"""The head of an inference request, as callers send it over and over: the same bytes, mostly.

Anything but the plain form (POST, HTTP/1.1, a length, nothing unusual) is left to the api, whose
server knows all of HTTP: tests/inference/test_same_http.py compares the two.
"""

import re
from urllib.parse import unquote

import msgspec

from libs.cache.bounded import BoundedCache
from services.inference.gateway.gateway import Call
from services.inference.gateway.http import PREFIX

MAX_HEAD_BYTES = 1 << 14
END = b"\r\n\r\n"
_START = b"POST " + PREFIX.encode()
_VERSION = b" HTTP/1.1"
_UNUSUAL = frozenset(
    (b"transfer-encoding", b"expect", b"content-encoding", b"upgrade", b"traceparent")
)
_OF_CALL = frozenset((b"content-type", b"authorization", b"accept", b"format"))
_ONCE = _OF_CALL | {b"content-length", b"host", b"connection"}
_TARGET = re.compile(rb"[!\"$-~]+")  # visible, and no fragment
_LINE = re.compile(rb"[!#-'*+.^-z|~0-9A-Z-]+:[\t -~\x80-\xff]*")  # RFC 9110, 5.1 and 5.5
_MAX_LINE_BYTES = 8000  # aiohttp takes 8190
_MAX_DIGITS = 12
_MAX_KNOWN_BYTES = 1 << 11
_known: BoundedCache[bytes, "Head"] = BoundedCache(4096)


class Head(msgspec.Struct, frozen=True, gc=False):
    """`length` is of the body; `stays` says whether the connection does."""

    call: Call
    length: int
    stays: bool


def begins(data: bytes) -> bool:
    """Whether it is the beginning of one, as far as can be seen."""
    return data.startswith(_START) or _START.startswith(data)


def parse(data: bytes) -> Head | None:
    """Without its empty line; None for what the api is to look at."""
    head = _known.get(data)
    if head is None and (head := _parsed(data)) is not None and len(data) <= _MAX_KNOWN_BYTES:
        _known[data] = head
    return head


def _parsed(data: bytes) -> Head | None:
    first, *lines = data.split(b"\r\n")
    if not (first.startswith(_START) and first.endswith(_VERSION)):
        return None
    target = first[len(_START) : -len(_VERSION)]
    if not _TARGET.fullmatch(target) or max(map(len, [first, *lines])) > _MAX_LINE_BYTES:
        return None
    values: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        if not _LINE.fullmatch(line) or name in _UNUSUAL or (name in values and name in _ONCE):
            return None
        values[name] = value.strip()
    length, connection = values.get(b"content-length", b""), values.get(b"connection", b"").lower()
    if not length.isdigit() or len(length) > _MAX_DIGITS or b"host" not in values:
        return None
    call = _call(target, values)
    if call is None or connection not in (b"", b"keep-alive", b"close"):
        return None
    return Head(call, int(length), connection != b"close")


def _call(target: bytes, values: dict[bytes, bytes]) -> Call | None:
    path, _, query = target.decode("latin-1").partition("?")
    deployment, slash, pipeline = path.partition("/")
    if not slash or "/" in pipeline or not deployment or not pipeline:
        return None
    texts = {name: values.get(name, b"").decode("latin-1") for name in _OF_CALL}
    return Call(
        authorization=texts[b"authorization"],
        deployment=unquote(deployment),
        pipeline=unquote(pipeline),
        query=query,
        content_type=texts[b"content-type"],
        accept=texts[b"accept"],
        format=texts[b"format"],
    )
