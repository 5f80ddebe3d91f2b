"""What a gateway and a replica say to each other over a unix socket, one request at a time.

A request is two lengths (head, body), then a `Question` as msgpack, then the body as the caller
sent it. The answer is three lengths, then a `Reply` as msgpack, the body for the caller, and the
RecordBody for the log, which the gateway passes on unread. Whoever wants no answer any more closes
the connection.

A replica receives a few requests more than it runs. One that waits for longer than a moment is said
to (QUEUED, before its answer): the gateway may give it to another replica instead.
"""

import struct

import msgspec

REQUEST = struct.Struct("<II")
ANSWER = struct.Struct("<III")
QUEUED = ANSWER.pack(0, 0, 0)  # no answer has an empty head


class Question(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Headers and the query string as they came; `format` is the header of that name. `time` is in
    ms since 1970, `random` in [0, 1)."""

    content_type: str
    accept: str
    format: str
    query: str
    time: int
    random: float


class Reply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`error` says why for any `status` but 200; then there is no body and no record."""

    status: int
    content_type: str = ""
    error: str = ""


encode_question = msgspec.msgpack.Encoder().encode
decode_question = msgspec.msgpack.Decoder(Question).decode
encode_reply = msgspec.msgpack.Encoder().encode
decode_reply = msgspec.msgpack.Decoder(Reply).decode
