"""Looking at deliveries, and what is done by hand: a ping, and dead letters sent or thrown away."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from libs.domain.errors import Rejected
from libs.domain.subscription import Subscription
from libs.eventlog.envelope import Recorded
from libs.vault.vault import Shredded
from services.api.events.cloudevent import CloudEvent
from services.api.http.request_context import RequestContext
from services.api.subscriptions import endpoint
from services.api.subscriptions import schemas as wire
from services.api.subscriptions.commands import owned
from services.api.subscriptions.delivery_store import DeadLetter, Letter, Lines
from services.api.subscriptions.sender import Outcome

_encode = msgspec.json.Encoder().encode


async def deliveries(context: RequestContext, body: wire.ListLetters) -> wire.DeliveryList:
    """The last attempts, the newest first."""
    found = await owned(context, body.id)
    ledger = context.subscriptions.ledger
    return wire.DeliveryList(await ledger.deliveries(found.id, body.limit))


async def dead_letters(context: RequestContext, body: wire.ListLetters) -> wire.DeadLetterList:
    """In the order of their events."""
    found = await owned(context, body.id)
    ledger = context.subscriptions.ledger
    return wire.DeadLetterList(await ledger.dead_letters(found.id, body.limit))


async def discard(context: RequestContext, body: wire.LetterById) -> None:
    found = await owned(context, body.id)
    if not await context.subscriptions.ledger.discard(found.id, body.sequence):
        raise _missing(body.sequence)


async def retry(context: RequestContext, body: wire.LetterById) -> wire.Tried:
    """Once, now and whatever else is on its way. What is taken is no dead letter any more."""
    found = await owned(context, body.id)
    ledger = context.subscriptions.ledger
    dead = await ledger.dead_letter(found.id, body.sequence)
    if dead is None:
        raise _missing(body.sequence)
    event = await _event(context, found, dead)
    letter = Letter(
        subscription=found.id, seq=event.seq, event=dead.event, type=dead.type, at=datetime.now(UTC)
    )
    outcome = await _send(context, found, event.id, _encode(CloudEvent.of(event)))
    await ledger.write(Lines(attempts=[(letter, dead.attempts + 1, outcome)]))
    if outcome.delivered:
        await ledger.discard(found.id, event.seq)
    return _tried(outcome)


async def ping(context: RequestContext, body: wire.SubscriptionById) -> wire.Tried:
    """An event that is in no log, to try the receiver with."""
    found = await owned(context, body.id)
    if found.kind != "webhook":
        raise Rejected("invalid", "id: only webhooks can be tried; ask NATS for the next event")
    id = str(uuid4())
    return _tried(await _send(context, found, id, _encode(_ping(found, id))))


def _ping(found: Subscription, id: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": id,
        "type": "Ping",
        "source": "/rondo/api",
        "subject": f"subscription/{found.id}",
        "time": datetime.now(UTC),
        "datacontenttype": "application/json",
        "workspaceid": found.workspace,
        "data": {"type": "Ping"},
    }


async def _send(context: RequestContext, found: Subscription, id: str, body: bytes) -> Outcome:
    try:
        where = await endpoint.opened(context.contents.vault, found.id, found.target)
    except Shredded:  # it is being deleted
        raise Rejected("not_found", f"id: subscription {found.id} is deleted") from None
    return await context.subscriptions.sender.send(where, id, body)


async def _event(context: RequestContext, found: Subscription, dead: DeadLetter) -> Recorded:
    at, log = dead.sequence, context.store.log
    there = [event async for batch in log.between(at - 1, at, found.subjects) for event in batch]
    if not there:
        raise _missing(at)
    return there[0]


def _tried(outcome: Outcome) -> wire.Tried:
    return wire.Tried(outcome.delivered, outcome.milliseconds, outcome.status, outcome.problem)


def _missing(sequence: int) -> Rejected:
    return Rejected(
        "not_found", f"sequence: there is no dead letter {sequence}; see subscriptions/dead_letters"
    )
