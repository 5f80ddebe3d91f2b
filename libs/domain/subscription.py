"""A subscription: which events of a workspace somebody is told of, and how.

It belongs to who created it, and lasts as long as they may see the workspace. Where to and the
secret are sealed before they get here; nothing in this file can read them.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from libs.domain import names
from libs.domain.errors import Rejected
from libs.domain.events import (
    EVENT_TYPES,
    Event,
    SubscriptionCreated,
    SubscriptionDeleted,
    SubscriptionEvent,
    SubscriptionKind,
    SubscriptionPaused,
    SubscriptionResumed,
)
from libs.domain.history import Happened, existing
from libs.domain.ids import EVENTS_ROOT, PLATFORM_WIDE, Aggregate

MAX_NAME = 128
# Of the events that lie in a workspace, the aggregate that each is about.
ABOUT: Mapping[str, Aggregate] = {
    kind.__name__: kind.AGGREGATE for kind in EVENT_TYPES if kind.AGGREGATE not in PLATFORM_WIDE
}
_ABOUT = tuple(dict.fromkeys(ABOUT.values()))


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
    def subjects(self) -> list[str]:
        """Where in the log the events lie; there may be others of no interest beside them."""
        about, _, id = self.aggregate.partition(":")
        found = {about} if about else {ABOUT[each] for each in self.types}
        within = f"{EVENTS_ROOT}.{self.workspace}"
        return [f"{within}.{each}.{id or '*'}" for each in sorted(found)] or [f"{within}.>"]

    def wants(self, event: Event) -> bool:
        """Whether it is told of an event on its subjects."""
        return not self.types or type(event).__name__ in self.types


def evolve(state: Subscription | None, fact: Happened) -> Subscription:
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
    names.check("name", order.name, MAX_NAME)
    about = _about(order.aggregate)
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


def _about(aggregate: str) -> str:
    """`task` of `task:<id>`."""
    about, colon, id = aggregate.partition(":")
    if about not in ("", *_ABOUT):
        raise Rejected("invalid", f"aggregate: give one of {', '.join(_ABOUT)}, or one and ':<id>'")
    if colon and not _is_id(about, id):
        raise Rejected(
            "invalid", "aggregate: behind the ':' give an id as the platform answered it"
        )
    return about


def _is_id(about: str, text: str) -> bool:
    """As it stands in subjects; a wildcard, say, is none."""
    if about == "workspace":
        return text.isascii() and text.isdecimal()
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def pause(state: Subscription) -> list[SubscriptionEvent]:
    _alive(state)
    return [] if state.paused else [SubscriptionPaused()]


def resume(state: Subscription) -> list[SubscriptionEvent]:
    _alive(state)
    return [SubscriptionResumed()] if state.paused else []


def delete(state: Subscription, reason: str = "") -> list[SubscriptionEvent]:
    return [] if state.deleted else [SubscriptionDeleted(reason=reason)]


def _alive(state: Subscription) -> None:
    if state.deleted:
        raise Rejected("not_found", f"id: subscription {state.id} is deleted; create it again")
