"""Pages of subscriptions: who receives events, how deliveries went, and dead letters."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from libs.domain.errors import Rejected
from libs.domain.subscription import ABOUT
from services.api.dashboard.form_parsing import allowed, body, number, path_id
from services.api.dashboard.page_context import PageContext
from services.api.history import queries as history
from services.api.http.errors import STATUS
from services.api.subscriptions import commands, queries, schemas
from services.webhooks.sender import Outcome

_MAX_LISTED = 50


async def show(visit: PageContext) -> web.Response:
    return await _list(visit)


async def _list(
    visit: PageContext,
    status: int = 200,
    *,
    problem: str = "",
    created: schemas.CreatedSubscription | None = None,
    typed: Mapping[str, Any] | None = None,
) -> web.Response:
    """The list, for the workspace of the visitor."""
    context, subscriptions = visit.context, list[schemas.Subscription]()
    if visit.workspace:
        subscriptions = await queries.listed(
            context.user, context.store.rows, context.webhooks, visit.workspace.id
        )
    return visit.page(
        "subscriptions.html",
        status,
        title="Subscriptions",
        subscriptions=subscriptions,
        names=await history.people(visit.users, (one.created_by for one in subscriptions)),
        kinds_of_events=sorted(ABOUT),
        problem=problem,
        created=created,
        typed=typed or {},
    )


async def create(visit: PageContext) -> web.Response:
    """Create one. The answer shows the secret, so it is no redirect."""
    form, context = await visit.form(), visit.context
    typed: dict[str, Any] = {name: form.get(name, "") for name in ("name", "url", "aggregate")}
    typed |= {"kind": form.get("kind", "webhook"), "types": form.getall("types", [])}
    fields = typed | {"workspace_id": visit.workspace.id if visit.workspace else None}
    try:
        order = body(schemas.CreateSubscription, fields)
        state, secret = await commands.create(
            context.caller, context.store, context.contents.vault, context.webhooks, order
        )
    except Rejected as refused:
        return await _list(visit, STATUS[refused.code], problem=refused.message, typed=typed)
    url = context.webhooks.config.nats_public_url
    return await _list(visit, created=schemas.CreatedSubscription.of(state, secret, url))


async def one(visit: PageContext) -> web.Response:
    return await _one(visit)


async def _one(visit: PageContext, attempt: Outcome | None = None) -> web.Response:
    context, id = visit.context, path_id(visit, "subscription")
    arguments = (context.user, context.store.rows, context.webhooks, id)
    subscription = await queries.by_id(*arguments)
    owned = await allowed(queries.owned(*arguments))
    return visit.page(
        "subscription.html",
        title=subscription.name,
        nav="/subscriptions",
        subscription=subscription,
        names=await history.people(visit.users, [subscription.created_by]),
        owned=owned,
        deliveries=await queries.deliveries(*arguments, _MAX_LISTED) if owned else [],
        dead=await queries.dead_letters(*arguments, _MAX_LISTED) if owned else [],
        attempt=attempt,
    )


async def pause(visit: PageContext) -> web.Response:
    await visit.form()
    context, id = visit.context, path_id(visit, "subscription")
    await commands.pause(context.caller, context.store, context.webhooks, id)
    return visit.to(f"/subscriptions/{id}")


async def resume(visit: PageContext) -> web.Response:
    await visit.form()
    context, id = visit.context, path_id(visit, "subscription")
    await commands.resume(context.caller, context.store, context.webhooks, id)
    return visit.to(f"/subscriptions/{id}")


async def delete(visit: PageContext) -> web.Response:
    await visit.form()
    context, id = visit.context, path_id(visit, "subscription")
    await commands.delete(context.caller, context.store, context.webhooks, id)
    return visit.to("/subscriptions")


async def test(visit: PageContext) -> web.Response:
    await visit.form()
    context, id = visit.context, path_id(visit, "subscription")
    return await _one(
        visit, await commands.ping(context.caller, context.store, context.webhooks, id)
    )


async def retry(visit: PageContext) -> web.Response:
    sequence = await _sequence(visit)
    context, id = visit.context, path_id(visit, "subscription")
    attempt = await commands.retry(context.caller, context.store, context.webhooks, id, sequence)
    return await _one(visit, attempt)


async def discard(visit: PageContext) -> web.Response:
    sequence = await _sequence(visit)
    context, id = visit.context, path_id(visit, "subscription")
    await commands.discard(context.caller, context.store, context.webhooks, id, sequence)
    return visit.to(f"/subscriptions/{id}")


async def _sequence(visit: PageContext) -> int:
    """The sequence of the dead letter in the form."""
    return number((await visit.form()).get("sequence", ""))
