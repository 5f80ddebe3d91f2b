"""Routes for administrators: the platform, its parked events and environments."""

from libs.eventlog.dead_letters import DeadLetter
from libs.telemetry.status import Environment
from services.api.admin import commands, queries
from services.api.admin.schemas import ParkedEvent, Platform, Retried
from services.api.fields import Nothing
from services.api.http.request_context import RequestContext
from services.api.http.route import ALWAYS, Route

FOLDER = "/v1/api/admin/"


async def platform(context: RequestContext, _: None) -> Platform:
    return await queries.platform(context.user, context.runtime.nats, context.store.rows)


async def environments(context: RequestContext, _: None) -> list[Environment]:
    return await queries.environments(context.user, context.runtime.nats)


async def list_parked(context: RequestContext, _: None) -> list[DeadLetter]:
    return await queries.parked_events(context.user, context.runtime.nats)


async def retry(context: RequestContext, body: ParkedEvent) -> Retried:
    return await commands.retry(context.caller, context.runtime.nats, body)


async def discard(context: RequestContext, body: ParkedEvent) -> Nothing:
    await commands.discard(context.caller, context.runtime.nats, body)
    return Nothing()


async def resume(context: RequestContext, _: object) -> Nothing:
    await commands.resume(context.caller, context.runtime.nats)
    return Nothing()


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
        platform,
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
