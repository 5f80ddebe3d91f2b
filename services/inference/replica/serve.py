"""A replica's connections: a thread for each, which receives, infers and answers in turn.

The runtime leaves the interpreter's lock while it computes. Each connection has one request at a
time; who hangs up wants no answer, and what runs for them is cancelled.
"""

import logging
import os
import select
import socket
import threading
from functools import lru_cache
from urllib.parse import parse_qsl

import msgspec

from services.inference.engine.engine import Engine
from services.inference.engine.errors import Cancelled, Refused
from services.inference.engine.request import Cancel, Request
from services.inference.frames import (
    ANSWER,
    QUEUED,
    REQUEST,
    Question,
    Reply,
    decode_question,
    encode_reply,
)
from services.inference.plan import Plan

logger = logging.getLogger(__name__)

_encode_record = msgspec.msgpack.Encoder().encode
_NO_MEMORY = (
    "the request needs more memory than the replica may have; send fewer rows at a time, or deploy"
    " with more memory"
)
_FIRST_BYTES = 1 << 16
# Until the gateway hears that a request has not begun, and between looks whether it still waits.
QUEUED_SECONDS, _LOOK_SECONDS = 0.01, 0.05
_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class Server:
    """Serves `listener` with an engine that is warm."""

    def __init__(self, loaded: Engine, work: Plan, listener: socket.socket) -> None:
        self._engine = loaded
        self._at_once = threading.Semaphore(work.at_once)
        self._work = work
        self._listener = listener
        self._hangups = select.epoll()
        self._running: dict[int, Cancel] = {}
        self._gone: set[int] = set()  # connections whose other side has hung up

    def start(self) -> None:
        """RuntimeError or MemoryError if there is nothing left for a thread."""
        threading.Thread(target=self._watch, daemon=True).start()

    def run(self, control: socket.socket) -> None:
        """Until the other side of `control` is closed."""
        waiting = select.poll()
        waiting.register(self._listener, select.POLLIN)
        waiting.register(control, select.POLLIN | select.POLLRDHUP)
        while True:
            for descriptor, _ in waiting.poll():
                if descriptor == control.fileno():
                    return
                self._accept()

    def _accept(self) -> None:
        """Who can't be served may connect again."""
        connection, _ = self._listener.accept()
        try:
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        except (RuntimeError, MemoryError) as problem:
            logger.error("a connection is not served: %s", problem)
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        descriptor = connection.fileno()
        self._gone.discard(descriptor)
        self._hangups.register(descriptor, _GONE | select.EPOLLONESHOT)
        try:
            with connection:
                while (request := _receive(connection)) is not None:
                    cancel = self._running[descriptor] = Cancel()
                    if descriptor in self._gone:  # before it could be cancelled
                        cancel.cancel()
                    try:
                        self._await_turn(connection, cancel)
                        reply, body, record = self._answer(*request, cancel)
                    finally:
                        del self._running[descriptor]
                    _send(connection, reply, body, record)
        except (OSError, Cancelled):
            pass  # they have gone
        except Exception:
            logger.exception("a connection of this replica ends")

    def _await_turn(self, connection: socket.socket, cancel: Cancel) -> None:
        """As many run as may. Cancelled if nobody waits for it any more."""
        if self._at_once.acquire(timeout=QUEUED_SECONDS):
            return
        connection.sendall(QUEUED)
        while not self._at_once.acquire(timeout=_LOOK_SECONDS):
            if cancel.requested:
                raise Cancelled

    def _answer(
        self, question: Question, body: bytes, cancel: Cancel
    ) -> tuple[Reply, bytes, bytes]:
        try:
            answer = self._engine.infer(self._request(question, body), cancel)
        except Refused as refusal:
            return Reply(refusal.status, error=refusal.message), b"", b""
        except Cancelled:
            return Reply(499, error="whoever asked has gone"), b"", b""
        except MemoryError:
            return Reply(507, error=_NO_MEMORY), b"", b""
        except Exception as problem:
            logger.exception("an inference failed")
            return Reply(500, error=f"{type(problem).__name__}: {problem}"), b"", b""
        finally:
            self._at_once.release()
        return Reply(200, answer.content_type), answer.body, _encode_record(answer.record)

    def _request(self, question: Question, body: bytes) -> Request:
        dataset, exclude, separator = selection(question.query)
        return Request(
            content_type=question.content_type,
            accept=question.accept,
            format_arrow=question.format == "arrow",
            dataset=dataset,
            exclude=exclude,
            separator=separator,
            body=body,
            time_ms=question.time,
            pipeline_version=self._work.pipeline_version,
            partition=str(self._work.replica),
            random=question.random,
        )

    def _watch(self) -> None:
        """Cancels what runs for those who have hung up."""
        while True:
            for descriptor, _ in self._hangups.poll():
                self._gone.add(descriptor)
                if (cancel := self._running.get(descriptor)) is not None:
                    cancel.cancel()


@lru_cache(maxsize=64)
def selection(query: str) -> tuple[list[str], list[str], str | None]:
    """The columns that a query string asks for: included, excluded, and the separator."""
    pairs = parse_qsl(query, keep_blank_values=True)
    values = {
        name: [value for key, value in pairs if key == name]
        for name in ("dataset[]", "dataset.exclude[]", "dataset.separator")
    }
    separators = values["dataset.separator"]
    return (
        values["dataset[]"],
        values["dataset.exclude[]"],
        separators[-1] if separators else None,
    )


def _receive(connection: socket.socket) -> tuple[Question, bytes] | None:
    """None when they have hung up."""
    data = connection.recv(_FIRST_BYTES)  # nearly always all of it: there is one at a time
    if len(data) < REQUEST.size:
        return None
    head, body = REQUEST.unpack_from(data)
    if missing := REQUEST.size + head + body - len(data):
        rest = bytearray(missing)
        if connection.recv_into(rest, missing, socket.MSG_WAITALL) < missing:
            return None
        data += rest
    start = REQUEST.size + head
    return decode_question(memoryview(data)[REQUEST.size : start]), data[start:]


def _send(connection: socket.socket, reply: Reply, body: bytes, record: bytes) -> None:
    head = encode_reply(reply)
    lengths = ANSWER.pack(len(head), len(body), len(record))
    parts = [lengths + head, body, record] if len(body) + len(record) > 1 << 14 else None
    if parts is None:
        connection.sendall(b"".join((lengths, head, body, record)))
        return
    sent = connection.sendmsg(parts)
    rest = b"".join(parts) if sent < sum(map(len, parts)) else b""
    connection.sendall(rest[sent:])


def cpus() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0))
