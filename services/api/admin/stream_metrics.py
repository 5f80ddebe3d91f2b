"""Metrics that belong to no service: how full the streams are, and how much is parked.

The api shows them with its own.
"""

from libs.eventlog import dead_letters, streams
from libs.eventlog.nats_client import Nats
from libs.telemetry.registry import Reading, Source

STREAMS = (streams.EVENTS, streams.LOGS, streams.PARKED)
# Shown also where nothing of theirs is parked.
REACTIONS = (
    *("executor", "inference", "model-sweeper", "packager", "packager-models"),
    *("pipeline-logs", "shredder", "subscriptions"),
)


def readings(nats: Nats) -> Source:
    """For libs/telemetry/registry.py."""

    async def read() -> list[Reading]:
        states = {name: await streams.state(nats, name) for name in STREAMS}
        parked = await dead_letters.counts(nats)
        return [
            *(
                Reading("rondo_stream_messages", "Messages kept.", state.messages, {"stream": name})
                for name, state in states.items()
            ),
            *(
                Reading("rondo_stream_bytes", "Bytes on disk.", state.bytes, {"stream": name})
                for name, state in states.items()
            ),
            *(
                Reading("rondo_parked_events", "Events given up.", parked[name], {"reaction": name})
                for name in {*REACTIONS, *parked}
            ),
        ]

    return read
