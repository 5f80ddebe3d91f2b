"""Subscriptions: who is told of a workspace's events, what became of it, what to do about it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from libs.domain.errors import Rejected
from libs.domain.subscription import ABOUT
from services.api.dashboard.form_parsing import allowed, body, number, path_id
from services.api.dashboard.page_context import PageContext
from services.api.history import routes as history
from services.api.http.errors import STATUS
from services.api.subscriptions import commands
from services.api.subscriptions import dead_letters as letters
from services.api.subscriptions import schemas as wire

_SHOWN = 50


async def show(visit: PageContext) -> web.Response:
    return await _list(visit)


async def _list(
    visit: PageContext,
    status: int = 200,
    *,
    problem: str = "",
    made: wire.CreatedSubscription | None = None,
    typed: Mapping[str, Any] | None = None,
) -> web.Response:
    """Of the workspace that the visitor is in."""
    found: list[wire.Subscription] = []
    if visit.workspace:
        asked = wire.ListSubscriptions(visit.workspace.id)
        found = (await commands.list_subscriptions(visit.context, asked)).subscriptions
    return visit.page(
        "subscriptions.html",
        status,
        title="Subscriptions",
        found=found,
        names=await history.people(visit.context, (one.created_by for one in found)),
        kinds_of_events=sorted(ABOUT),
        problem=problem,
        made=made,
        typed=typed or {},
    )


async def create(visit: PageContext) -> web.Response:
    """The answer shows the secret: it is no page to come back to."""
    form = await visit.form()
    typed: dict[str, Any] = {name: form.get(name, "") for name in ("name", "url", "aggregate")}
    typed |= {"kind": form.get("kind", "webhook"), "types": form.getall("types", [])}
    fields = typed | {"workspace_id": visit.workspace.id if visit.workspace else None}
    try:
        made = await commands.create(visit.context, body(wire.CreateSubscription, fields))
    except Rejected as refused:
        return await _list(visit, STATUS[refused.code], problem=refused.message, typed=typed)
    return await _list(visit, made=made)


async def one(visit: PageContext) -> web.Response:
    return await _one(visit)


async def _one(visit: PageContext, tried: wire.Tried | None = None) -> web.Response:
    context, id = visit.context, path_id(visit, "subscription")
    found = await commands.get_by_id(context, wire.SubscriptionById(id))
    owned = await allowed(commands.owned(context, id))
    asked = wire.ListLetters(id, _SHOWN)
    return visit.page(
        "subscription.html",
        title=found.name,
        nav="/subscriptions",
        found=found,
        names=await history.people(context, [found.created_by]),
        owned=owned,
        deliveries=(await letters.deliveries(context, asked)).deliveries if owned else [],
        dead=(await letters.dead_letters(context, asked)).dead_letters if owned else [],
        tried=tried,
    )


async def pause(visit: PageContext) -> web.Response:
    return await _change(visit, commands.pause)


async def resume(visit: PageContext) -> web.Response:
    return await _change(visit, commands.resume)


async def _change(
    visit: PageContext, change: Callable[[Any, wire.SubscriptionById], Awaitable[object]]
) -> web.Response:
    await visit.form()
    id = path_id(visit, "subscription")
    await change(visit.context, wire.SubscriptionById(id))
    return visit.to(f"/subscriptions/{id}")


async def delete(visit: PageContext) -> web.Response:
    await visit.form()
    await commands.delete(visit.context, wire.SubscriptionById(path_id(visit, "subscription")))
    return visit.to("/subscriptions")


async def test(visit: PageContext) -> web.Response:
    await visit.form()
    asked = wire.SubscriptionById(path_id(visit, "subscription"))
    return await _one(visit, await letters.ping(visit.context, asked))


async def retry(visit: PageContext) -> web.Response:
    return await _one(visit, await letters.retry(visit.context, await _letter(visit)))


async def discard(visit: PageContext) -> web.Response:
    asked = await _letter(visit)
    await letters.discard(visit.context, asked)
    return visit.to(f"/subscriptions/{asked.id}")


async def _letter(visit: PageContext) -> wire.LetterById:
    form = await visit.form()
    sequence = number(form.get("sequence", ""))
    return wire.LetterById(path_id(visit, "subscription"), sequence)
