"""Bodies and answers of the routes for subscriptions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain import subscription as domain
from libs.domain.values import SubscriptionKind
from libs.eventlog.streams import EVENTS
from services.api.fields import WorkspaceId
from services.webhooks.delivery_store import Cursor, DeadLetter, Delivery
from services.webhooks.nats_auth_callout import inbox
from services.webhooks.sender import Outcome

Sequence = Annotated[int, Meta(ge=1, le=2**53 - 1, description="An event's place in the log.")]
MAX_LISTED = 200


class CreateSubscription(msgspec.Struct, kw_only=True):
    """`url` and `types` are for webhooks; `types` are names of events, none means all. `aggregate`
    is a kind, such as `task`, or one thing: `task:<id>`."""

    workspace_id: WorkspaceId
    kind: SubscriptionKind = "webhook"
    name: Annotated[str, Meta(examples=["to the pager"])]
    url: str = ""
    types: Annotated[list[str], Meta(max_length=100, examples=[["RunFinished"]])] = []
    aggregate: str = ""

    def __repr__(self) -> str:
        return f"CreateSubscription({self.name!r})"


class ListSubscriptions(msgspec.Struct):
    """The subscriptions of a workspace, or by default of all that the caller may see."""

    workspace_id: WorkspaceId | None = None


class SubscriptionById(msgspec.Struct):
    id: UUID


class ListDeliveries(msgspec.Struct):
    id: UUID
    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED)] = MAX_LISTED


class DeadLetterById(msgspec.Struct):
    """`sequence` is that of the dead letter's event."""

    id: UUID
    sequence: Sequence


class Subscription(msgspec.Struct, kw_only=True):
    """`host` is the only part of a webhook's URL that is shown. All events up to
    `delivered_through` are delivered; the next one has failed `failures` times since
    `failing_since`."""

    id: UUID
    workspace_id: int
    kind: SubscriptionKind
    name: str
    host: str
    types: list[str]
    aggregate: str
    created_by: str
    created_at: datetime
    paused: bool
    delivered_through: int | None = None
    failures: int = 0
    failing_since: datetime | None = None
    next_try: datetime | None = None

    @staticmethod
    def of(state: domain.Subscription, cursor: Cursor | None = None) -> "Subscription":
        shown = Subscription(
            id=state.id,
            workspace_id=state.workspace,
            kind=state.kind,
            name=state.name,
            host=state.host,
            types=state.types,
            aggregate=state.aggregate,
            created_by=state.created_by,
            created_at=state.created_at,
            paused=state.paused,
        )
        if cursor is not None:
            shown.delivered_through, shown.failures = cursor.seq, cursor.tries
            shown.failing_since, shown.next_try = cursor.first_try, cursor.next_try
        return shown


class NatsAccess(msgspec.Struct):
    """How a subscriber connects to NATS; the password is the `secret` of the subscription."""

    url: str
    user: str
    stream: str
    consumer: str
    inbox_prefix: str

    @staticmethod
    def of(id: UUID, url: str) -> "NatsAccess":
        return NatsAccess(url, str(id), EVENTS, str(id), inbox(id))


class CreatedSubscription(msgspec.Struct):
    """`secret` is shown only this once: it signs a webhook, or is a subscriber's password on
    NATS."""

    subscription: Subscription
    secret: str
    nats: NatsAccess | None = None

    @staticmethod
    def of(state: domain.Subscription, secret: str, nats_url: str) -> "CreatedSubscription":
        """`nats_url` is where subscribers reach NATS."""
        nats = NatsAccess.of(state.id, nats_url) if state.kind == "nats" else None
        return CreatedSubscription(Subscription.of(state), secret, nats)

    def __repr__(self) -> str:
        return f"CreatedSubscription({self.subscription!r})"


class SubscriptionList(msgspec.Struct):
    subscriptions: list[Subscription]


class DeliveryList(msgspec.Struct):
    deliveries: list[Delivery]


class DeadLetterList(msgspec.Struct):
    dead_letters: list[DeadLetter]


class AttemptOutcome(msgspec.Struct):
    """The outcome of one attempt. `status` is the answer of the receiver, if there was one."""

    delivered: bool
    milliseconds: int
    status: int | None
    problem: str

    @staticmethod
    def of(outcome: Outcome) -> "AttemptOutcome":
        return AttemptOutcome(
            outcome.delivered, outcome.milliseconds, outcome.status, outcome.problem
        )
