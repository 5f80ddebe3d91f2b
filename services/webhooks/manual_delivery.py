"""Attempts by hand: a ping, and a dead letter once more."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from libs.domain.errors import Rejected
from libs.domain.subscription import Subscription
from libs.eventfeed import cloudevent
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.vault.vault import Shredded, Vault
from services.webhooks import endpoint
from services.webhooks.delivery_store import Attempt, Changes, DeadLetter, DeliveryStore
from services.webhooks.sender import Outcome, Sender


class ManualDelivery:
    """Sends at once, whatever delivery workers do. Its methods raise Unavailable, and Rejected if
    the subscription or the dead letter is not there."""

    def __init__(
        self, log: EventLog, vault: Vault, deliveries: DeliveryStore, sender: Sender
    ) -> None:
        self._log = log
        self._vault = vault
        self._deliveries = deliveries
        self._sender = sender

    async def ping(self, subscription: Subscription) -> Outcome:
        """Sends a test event, which is in no log. Raises Rejected for what is no webhook."""
        if subscription.kind != "webhook":
            raise Rejected("invalid", "id: only webhooks can be tried; ask NATS for the next event")
        id = str(uuid4())
        return await self._send(subscription, id, msgspec.json.encode(_ping(subscription, id)))

    async def retry(self, subscription: Subscription, sequence: int) -> Outcome:
        """Sends the dead letter of the event `sequence` once. If the receiver takes it, it is no
        dead letter any more."""
        dead = await self._deliveries.dead_letter(subscription.id, sequence)
        if dead is None:
            raise no_dead_letter(sequence)
        event, now = await self._event(subscription, dead), datetime.now(UTC)
        outcome = await self._send(subscription, event.id, cloudevent.to_json(event))
        attempt = Attempt(
            subscription=subscription.id,
            seq=event.seq,
            event=dead.event,
            type=dead.type,
            at=now,
            number=dead.attempts + 1,
            outcome=outcome,
        )
        await self._deliveries.write(Changes(attempts=[attempt]))
        if outcome.delivered:
            await self._deliveries.discard(subscription.id, event.seq)
        return outcome

    async def _send(self, subscription: Subscription, id: str, body: bytes) -> Outcome:
        try:
            to = await endpoint.unseal(self._vault, subscription.id, subscription.target)
        except Shredded:  # it is being deleted
            raise Rejected("not_found", f"id: subscription {subscription.id} is deleted") from None
        return await self._sender.send(to, id, body)

    async def _event(self, subscription: Subscription, dead: DeadLetter) -> Recorded:
        at, subjects = dead.sequence, subscription.filter.subjects
        batches = self._log.between(at - 1, at, subjects)
        events = [event async for batch in batches for event in batch]
        if not events:
            raise no_dead_letter(at)
        return events[0]


def no_dead_letter(sequence: int) -> Rejected:
    """The refusal for a dead letter that does not exist."""
    return Rejected(
        "not_found", f"sequence: there is no dead letter {sequence}; see subscriptions/dead_letters"
    )


def _ping(subscription: Subscription, id: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": id,
        "type": "Ping",
        "source": "/rondo/api",
        "subject": f"subscription/{subscription.id}",
        "time": datetime.now(UTC),
        "datacontenttype": "application/json",
        "workspaceid": subscription.workspace,
        "data": {"type": "Ping"},
    }
