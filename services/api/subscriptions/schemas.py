"""What goes in and comes out of the routes of subscriptions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain import subscription
from libs.domain.events import SubscriptionKind
from services.api.fields import WorkspaceId
from services.api.subscriptions.delivery_store import DeadLetter, Delivery, Place

Sequence = Annotated[int, Meta(ge=1, le=2**53 - 1, description="An event's place in the log.")]
MOST_SHOWN = 200


class CreateSubscription(msgspec.Struct, kw_only=True):
    """`url` is for webhooks, and so are `types`: names of events, none for all. `aggregate` is
    `task`, say, or `task:<id>`."""

    workspace_id: WorkspaceId
    kind: SubscriptionKind = "webhook"
    name: Annotated[str, Meta(examples=["to the pager"])]
    url: str = ""
    types: Annotated[list[str], Meta(max_length=100, examples=[["RunFinished"]])] = []
    aggregate: str = ""

    def __repr__(self) -> str:
        return f"CreateSubscription({self.name!r})"


class ListSubscriptions(msgspec.Struct):
    """Of one workspace, or by default of all that the caller may see."""

    workspace_id: WorkspaceId | None = None


class SubscriptionById(msgspec.Struct):
    id: UUID


class ListLetters(msgspec.Struct):
    id: UUID
    limit: Annotated[int, Meta(ge=1, le=MOST_SHOWN)] = MOST_SHOWN


class LetterById(msgspec.Struct):
    """`sequence` is that of the dead letter's event."""

    id: UUID
    sequence: Sequence


class Subscription(msgspec.Struct, kw_only=True):
    """`host` is all that is shown of a webhook's URL. All events up to `delivered_through` are
    dealt with; the one after that has failed `failures` times since `failing_since`."""

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
    def of(state: subscription.Subscription, place: Place | None = None) -> "Subscription":
        found = Subscription(
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
        if place is not None:
            found.delivered_through, found.failures = place.seq, place.tries
            found.failing_since, found.next_try = place.first_try, place.next_try
        return found


class NatsAccess(msgspec.Struct):
    """How a subscriber gets at NATS; the password is the subscription's `secret`."""

    url: str
    user: str
    stream: str
    consumer: str
    inbox_prefix: str


class CreatedSubscription(msgspec.Struct):
    """`secret` is shown this once: it signs a webhook, or is a subscriber's password on NATS."""

    subscription: Subscription
    secret: str
    nats: NatsAccess | None = None

    def __repr__(self) -> str:
        return f"CreatedSubscription({self.subscription!r})"


class SubscriptionList(msgspec.Struct):
    subscriptions: list[Subscription]


class DeliveryList(msgspec.Struct):
    deliveries: list[Delivery]


class DeadLetterList(msgspec.Struct):
    dead_letters: list[DeadLetter]


class Tried(msgspec.Struct):
    """What became of one attempt. `status` is what the receiver answered, if it did."""

    delivered: bool
    milliseconds: int
    status: int | None
    problem: str
