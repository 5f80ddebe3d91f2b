"""Routes for administrators: the platform, its parked events and environments."""

import logging
from typing import Annotated, Literal

import msgspec

from libs.domain.errors import Rejected
from libs.eventlog import dead_letters, hold
from libs.eventlog.dead_letters import DeadLetter
from libs.identity.users import User
from libs.telemetry import status
from libs.telemetry.status import Environment
from services.api.admin import platform
from services.api.admin.platform import Platform
from services.api.fields import Nothing
from services.api.http.request_context import RequestContext
from services.api.http.route import ALWAYS, Route

logger = logging.getLogger(__name__)

FOLDER = "/v1/api/admin/"


class ParkedEvent(msgspec.Struct, frozen=True):
    """One of those that are parked, by its reaction and its place in the log."""

    reaction: str
    seq: Annotated[int, msgspec.Meta(ge=1)]


class Retried(msgspec.Struct, frozen=True):
    """`done`; `failed` with the new `error`; or `under_way`, when it takes longer than 10 s."""

    outcome: Literal["done", "failed", "under_way"]
    error: str = ""


async def look(context: RequestContext, _: None = None) -> Platform:
    only_administrators(context.user)
    return await platform.look(context.runtime.nats, context.store.rows)


async def environments(context: RequestContext, _: None = None) -> list[Environment]:
    only_administrators(context.user)
    return platform.environments_of(await status.everybody(context.runtime.nats))


async def list_parked(context: RequestContext, _: None = None) -> list[DeadLetter]:
    only_administrators(context.user)
    return await dead_letters.oldest(context.runtime.nats)


async def retry(context: RequestContext, body: ParkedEvent) -> Retried:
    only_administrators(context.user)
    _audit(context, "retries", body)
    error = await dead_letters.retry(context.runtime.nats, body.reaction, body.seq)
    if error is None:
        return Retried("under_way")
    return Retried("failed", error) if error else Retried("done")


async def discard(context: RequestContext, body: ParkedEvent) -> Nothing:
    only_administrators(context.user)
    await dead_letters.discard(context.runtime.nats, body.reaction, body.seq)
    _audit(context, "discards", body)
    return Nothing()


async def resume(context: RequestContext, _: None = None) -> Nothing:
    only_administrators(context.user)
    logger.warning("%s has the restored platform go on", context.caller.context.actor)
    await hold.release(context.runtime.nats)
    return Nothing()


def only_administrators(user: User) -> None:
    if not user.admin:
        raise Rejected("forbidden", "Authorization: only administrators may do this; ask one")


def _audit(context: RequestContext, what: str, body: ParkedEvent) -> None:
    who, request = context.caller.context.actor, context.caller.context.correlation
    logger.info(
        "audit: %s, request %s: %s event %d of %s", who, request, what, body.seq, body.reaction
    )


_FOR_ADMINISTRATORS = (*ALWAYS, 403)

ADMIN_ROUTES = (
    Route(
        "POST",
        FOLDER + "resume",
        resume,
        Nothing,
        Nothing,
        "Have a restored platform go on: run what is due, and send webhooks.",
        errors=_FOR_ADMINISTRATORS,
    ),
    Route(
        "GET",
        FOLDER + "platform",
        look,
        None,
        Platform,
        "The platform: services, queues, lag, slots, environments, parked events.",
        errors=_FOR_ADMINISTRATORS,
    ),
    Route(
        "GET",
        FOLDER + "environments",
        environments,
        None,
        list[Environment],
        "The environments of orchestrations, the largest first.",
        errors=_FOR_ADMINISTRATORS,
    ),
    Route(
        "GET",
        FOLDER + "parked",
        list_parked,
        None,
        list[DeadLetter],
        "Events that a reaction gave up on, the oldest first, at most a thousand.",
        errors=_FOR_ADMINISTRATORS,
    ),
    Route(
        "POST",
        FOLDER + "parked/retry",
        retry,
        ParkedEvent,
        Retried,
        "Have a parked event handled once more.",
        errors=(*_FOR_ADMINISTRATORS, 404),
    ),
    Route(
        "POST",
        FOLDER + "parked/discard",
        discard,
        ParkedEvent,
        Nothing,
        "Forget that an event was parked.",
        errors=(*_FOR_ADMINISTRATORS, 404),
    ),
)
