"""What the service tells a process that it has forked, and what that answers.

An Order goes to the spare, with descriptors: of the new process' control socket, for a replica of
the socket that it listens on, and of the files. All else goes over the control socket, each message
as its length and msgpack.
"""

import socket
import struct
from typing import Literal
from uuid import UUID

import msgspec

from libs.domain.values import DeployedModel, TensorSpec

MAX_ORDER_BYTES = 1 << 12
MAX_ANSWER_BYTES = 1 << 18
MAX_REASON_LENGTH = 4000  # characters
MAX_FILES = 200  # descriptors that go along: the kernel takes 253
_LENGTH = struct.Struct("<I")


Kind = Literal["replica", "probe"]


class Order(msgspec.Struct, frozen=True):
    """What to fork, and what ps(1) is to show of it. `uid` is whom it becomes (none: it stays who
    it is), `memory` the bytes that it may have (none: no bound). The last descriptors are the
    channels of so many `steps`."""

    kind: Kind
    name: str
    uid: int | None
    memory: int | None
    steps: int = 0


class StepOrder(msgspec.Struct, frozen=True):
    """What the guard of a step is to start: the interpreter of the folder `environment`, for a file
    that is unpacked into the folder `home` if it is an `archive`. `uid` and `memory` as above."""

    name: str
    environment: str
    home: str
    uid: int | None
    memory: int | None
    archive: bool
    threads: int


class Spawned(msgspec.Struct, frozen=True):
    """The spare's answer. Its first one has no pid and says that it is ready; `about` says for
    people how far what it forks is kept apart."""

    pid: int = 0
    error: str = ""
    about: list[str] = []
    own_uids: bool = False


class Plan(msgspec.Struct, frozen=True):
    """What a replica serves. The files of `models` come in their order, one for each version, and
    so do the channels of those that run in an environment. So many requests run `at_once`; further
    ones have been received by then."""

    replica: UUID
    pipeline_version: str
    steps: list[dict[str, object]]
    models: list[DeployedModel]
    cpus: float
    at_once: int


class Upload(msgspec.Struct, frozen=True):
    """What a probe looks at: the one file, and what its uploader said of it."""

    framework: str
    input_schema: str = ""
    output_schema: str = ""


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """The replica answers from now on; the models took `seconds`."""

    seconds: float


class Probed(msgspec.Struct, frozen=True, tag=True):
    """What the upload is."""

    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    trees: bool
    seconds: float
    warnings: list[str] = []


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """It can't be served, however often it is tried; `reason` is for people."""

    reason: str


encode = msgspec.msgpack.encode
_decode_outcome = msgspec.msgpack.Decoder(Loaded | Probed | Refusal).decode


def refusal(reason: str) -> Refusal:
    """With as much of the reason as people read."""
    return Refusal(reason[:MAX_REASON_LENGTH])


def outcome(answer: bytes) -> Loaded | Probed | Refusal | None:
    """Of an answer, of which nothing is believed: it comes from a process with somebody's code in
    it. None if there is none."""
    if not answer:
        return None
    try:
        read = _decode_outcome(answer)
    except msgspec.DecodeError:
        return Refusal("its process gave an answer that can't be read")
    return refusal(read.reason) if isinstance(read, Refusal) else read


def send(channel: socket.socket, message: msgspec.Struct) -> None:
    """Raises OSError."""
    body = encode(message)
    channel.sendall(_LENGTH.pack(len(body)) + body)


def receive(channel: socket.socket) -> bytes:
    """One message; empty when the other side has closed. Raises OSError."""
    head = _exactly(channel, _LENGTH.size)
    return _exactly(channel, _LENGTH.unpack(head)[0]) if head else b""


def frame(message: msgspec.Struct) -> bytes:
    """As `send` sends it."""
    body = encode(message)
    return _LENGTH.pack(len(body)) + body


def unframe(data: bytes) -> bytes | None:
    """The message that `data` begins with, None while some of it is missing. ValueError if it is
    longer than MAX_ANSWER_BYTES."""
    if len(data) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(data)
    if length > MAX_ANSWER_BYTES:
        raise ValueError(f"an answer of {length} bytes")
    end = _LENGTH.size + length
    return data[_LENGTH.size : end] if len(data) >= end else None


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = channel.recv(size, socket.MSG_WAITALL) if size else b""
    return data if len(data) == size else b""
