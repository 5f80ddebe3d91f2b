"""The consumers of subscribers on NATS: made, paused and deleted here, never by themselves.

A consumer has one event on its way at a time, so that the order is kept when one is delivered
again. What it delivers, and to whom, is fixed here: see docs/adr/0009.
"""

from libs.domain.subscription import Subscription
from libs.eventlog.nats_client import ApiError, Nats
from libs.eventlog.streams import EVENTS

ACK_WAIT_SECONDS = 10  # after which an event that is not acknowledged is delivered again
_NOT_FOUND = 10014
_FOR_GOOD = "2999-01-01T00:00:00Z"


async def reconcile(nats: Nats, state: Subscription) -> None:
    """Makes the consumer what the subscription says. Once more does nothing."""
    if state.deleted:
        return await _delete(nats, str(state.id))
    await _create(nats, state)
    until = {"pause_until": _FOR_GOOD} if state.paused else {}
    await nats.api(f"CONSUMER.PAUSE.{EVENTS}.{state.id}", until)
    return None


async def _create(nats: Nats, state: Subscription) -> None:
    config = {
        "durable_name": str(state.id),
        "ack_policy": "explicit",
        "ack_wait": ACK_WAIT_SECONDS * 10**9,
        "max_ack_pending": 1,
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": state.after + 1,
        "filter_subjects": state.filter.subjects,
    }
    body = {"stream_name": EVENTS, "config": config}
    await nats.api(f"CONSUMER.CREATE.{EVENTS}.{state.id}", body)


async def _delete(nats: Nats, name: str) -> None:
    try:
        await nats.api(f"CONSUMER.DELETE.{EVENTS}.{name}")
    except ApiError as error:
        if error.code != _NOT_FOUND:
            raise
