"""The streams and what each promises. Every service creates them, which is idempotent."""

from collections.abc import Iterable

import msgspec

from libs.eventlog.nats_client import ApiError, Message, Nats

EVENTS, LOGS, LEASE, PARKED = "EVENTS", "LOGS", "LEASE", "PARKED"
STATUS, HELD = "STATUS", "HELD"

_NAME_IN_USE = 10058
_NOT_FOUND = 10037
_GIB = 1024**3

_STREAMS: dict[str, dict[str, object]] = {
    # The truth: nothing is ever taken out, and a full log refuses rather than forgets.
    EVENTS: {
        "subjects": ["event.>"],
        "discard": "new",
        "deny_delete": True,
        "allow_atomic": True,
    },
    # Output on its way to Postgres: a slow reader makes the writers wait.
    LOGS: {"subjects": ["log.>"], "discard": "new", "max_bytes": 4 * _GIB},
    # Who is alive: one message a holder, gone when it is not renewed. Not in memory, since a
    # restarted server would know nothing of the stream any more.
    LEASE: {
        "subjects": ["lease.>"],
        "discard": "old",
        "max_msgs_per_subject": 1,
        "allow_msg_ttl": True,
    },
    # Events that a reaction gave up on, for a person to look at.
    PARKED: {"subjects": ["parked.>"], "discard": "old", "max_msgs_per_subject": 1},
    # What each copy of each service says of itself (libs/telemetry/status.py).
    STATUS: {
        "subjects": ["status.>"],
        "discard": "old",
        "max_msgs_per_subject": 1,
        "allow_msg_ttl": True,
    },
    # While a message is in it, the platform does nothing by itself (hold.py).
    HELD: {"subjects": ["held"], "discard": "old", "max_msgs": 1},
}


class _Got(msgspec.Struct):
    class Stored(msgspec.Struct):
        subject: str
        hdrs: bytes = b""  # both are base64
        data: bytes = b""

    message: Stored


async def create(nats: Nats, replicas: int = 1, names: Iterable[str] = _STREAMS) -> None:
    """Creates streams, or brings their settings up to date. Raises ApiError, Unavailable."""
    for name in names:
        config = {
            "name": name,
            "storage": "file",
            "retention": "limits",
            "num_replicas": replicas,
            "allow_direct": True,
            **_STREAMS[name],
        }
        try:
            await nats.api(f"STREAM.CREATE.{name}", config)
        except ApiError as error:
            if error.code != _NAME_IN_USE:  # it exists with other settings: bring it up to date
                raise
            await nats.api(f"STREAM.UPDATE.{name}", config)


class State(msgspec.Struct):
    """`last_seq` is the sequence of the newest message, 0 when there never was one."""

    last_seq: int = 0
    messages: int = 0
    bytes: int = 0


class _Info(msgspec.Struct):
    state: State


async def state(nats: Nats, stream: str) -> State:
    """How full a stream is, as its leader knows it. Raises ApiError, Unavailable."""
    body = await nats.api(f"STREAM.INFO.{stream}")
    return msgspec.json.decode(body, type=_Info).state


async def last_seq(nats: Nats, stream: str) -> int:
    """The sequence of the newest message, 0 when there never was one."""
    return (await state(nats, stream)).last_seq


async def purge_through(nats: Nats, stream: str, seq: int) -> None:
    """Removes all messages up to and with `seq`."""
    await nats.api(f"STREAM.PURGE.{stream}", {"seq": seq + 1})


async def last_message(nats: Nats, stream: str, subject: str) -> Message | None:
    """The newest on a subject, as the stream's leader knows it; None if there is none (any more).

    Raises Unavailable.
    """
    try:
        body = await nats.api(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})
    except ApiError as error:
        if error.code == _NOT_FOUND:
            return None
        raise
    stored = msgspec.json.decode(body, type=_Got).message
    return Message(stored.subject, stored.hdrs, stored.data)
