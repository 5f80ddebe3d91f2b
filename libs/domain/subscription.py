"""A subscription: which events of a workspace somebody is told of, and how.

It belongs to who created it, and lasts as long as they may see the workspace. Where to and the
secret are sealed before they get here; nothing in this file can read them.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from libs.domain import names
from libs.domain.errors import Rejected
from libs.domain.event_filter import EventFilter, not_an_id, parse_aggregate
from libs.domain.events import (
    AGGREGATE_OF,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionEvent,
    SubscriptionPaused,
    SubscriptionResumed,
)
from libs.domain.history import Happened, existing
from libs.domain.ids import PLATFORM_WIDE, Aggregate
from libs.domain.transitions import Transition, Transitions
from libs.domain.values import SubscriptionKind

MAX_NAME = 128
# What lies in a workspace, whose members read its events; the rest is for administrators.
MEMBERS_READ: tuple[Aggregate, ...] = tuple(
    dict.fromkeys(about for about in AGGREGATE_OF.values() if about not in PLATFORM_WIDE)
)
# Which aggregate of a workspace an event is about.
ABOUT = {name: about for name, about in AGGREGATE_OF.items() if about in MEMBERS_READ}


Status = Literal["active", "paused", "deleted"]
TRANSITIONS: Transitions[Status] = Transitions(
    Transition(SubscriptionCreated, (), ("active",)),
    Transition(SubscriptionPaused, ("active",), ("paused",)),
    Transition(SubscriptionResumed, ("paused",), ("active",)),
    Transition(SubscriptionDeleted, ("active", "paused"), ("deleted",)),
)


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """`after` is the place in the log from which on it counts; `target` is a sealed text. Of a
    deleted one the target is not kept."""

    id: UUID
    workspace: int
    kind: SubscriptionKind
    name: str
    target: str
    after: int
    host: str
    types: list[str]
    aggregate: str
    created_by: str
    created_at: datetime
    paused: bool = False
    deleted: bool = False
    reason: str = ""

    @property
    def status(self) -> Status:
        """See TRANSITIONS."""
        return "deleted" if self.deleted else "paused" if self.paused else "active"

    @property
    def filter(self) -> EventFilter:
        """The events that it is told of."""
        kind, _, id = self.aggregate.partition(":")
        ids = frozenset({id}) if id else None
        return EventFilter(
            workspaces=frozenset({self.workspace}),
            types=frozenset(self.types) if self.types else None,
            aggregates={about: ids for about in MEMBERS_READ if about == kind} or None,
        )


def evolve(state: Subscription | None, fact: Happened) -> Subscription:
    """The subscription after one more of its events. ValueError for another's event, or a log that
    begins in the middle."""
    match fact.event:
        case SubscriptionCreated() as event:
            return Subscription(
                id=UUID(fact.stream.id),
                workspace=event.workspace,
                kind=event.kind,
                name=event.name,
                target=event.target,
                after=event.after,
                host=event.host,
                types=event.types,
                aggregate=event.aggregate,
                created_by=fact.actor,
                created_at=fact.at,
            )
        case SubscriptionPaused():
            return msgspec.structs.replace(existing(state, "SubscriptionPaused"), paused=True)
        case SubscriptionResumed():
            return msgspec.structs.replace(existing(state, "SubscriptionResumed"), paused=False)
        case SubscriptionDeleted(reason=reason):
            known = existing(state, "SubscriptionDeleted")
            return msgspec.structs.replace(known, target="", deleted=True, reason=reason)
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a subscription")


def create(order: SubscriptionCreated) -> list[SubscriptionEvent]:
    """Rejected("invalid") for a name, an event or an aggregate that there is not, or that can't go
    together."""
    names.check("name", order.name, MAX_NAME)
    about = _about(order.aggregate) if order.aggregate else None
    for each in order.types:
        if each not in ABOUT:
            raise Rejected(
                "invalid",
                f"types: {each!r} is no event of a workspace; see /v1/api/events/catalogue",
            )
        if about and ABOUT[each] != about:
            raise Rejected(
                "invalid", f"types: {each} is about no {about}; leave one of the two out"
            )
    if order.types and order.kind == "nats":
        raise Rejected("invalid", "types: NATS filters by subject only; give an aggregate instead")
    return [order]


def _about(text: str) -> Aggregate:
    """`task` of `task:<id>`. The id is kept as it came, so it has to stand as in subjects."""
    about, id = parse_aggregate(text, MEMBERS_READ)
    if id is not None and text != f"{about}:{id}":
        raise not_an_id()
    return about


def pause(state: Subscription) -> list[SubscriptionEvent]:
    """Pausing twice is pausing once. Rejected("not_found") once it is deleted."""
    _alive(state)
    return [SubscriptionPaused()] if TRANSITIONS.allow(state.status, SubscriptionPaused) else []


def resume(state: Subscription) -> list[SubscriptionEvent]:
    """Resuming twice is resuming once. Rejected("not_found") once it is deleted."""
    _alive(state)
    return [SubscriptionResumed()] if TRANSITIONS.allow(state.status, SubscriptionResumed) else []


def delete(state: Subscription, reason: str = "") -> list[SubscriptionEvent]:
    """Deleting twice is deleting once; the first `reason` counts."""
    if not TRANSITIONS.allow(state.status, SubscriptionDeleted):
        return []
    return [SubscriptionDeleted(reason=reason)]


def _alive(state: Subscription) -> None:
    if state.deleted:
        raise Rejected("not_found", f"id: subscription {state.id} is deleted; create it again")
