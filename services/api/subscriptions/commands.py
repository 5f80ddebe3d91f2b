"""Making and ending subscriptions. Members of a workspace see all of its subscriptions; who made
one, the workspace's owners and administrators may change it."""

import secrets
from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec.structs import replace

from libs.domain import subscription
from libs.domain.errors import Rejected
from libs.domain.events import SubscriptionCreated, SubscriptionEvent
from libs.domain.ids import subscription_stream
from libs.domain.subscription import Subscription
from libs.eventlog.streams import EVENTS
from libs.eventlog.transact import transact
from libs.vault.vault import Shredded
from services.api.access import authorize as access
from services.api.append import idempotency
from services.api.append.sealed_append import append_sealed
from services.api.append.store import VISIBLE_TIMEOUT_SECONDS, NotVisibleYet
from services.api.http.request_context import RequestContext
from services.api.subscriptions import nats_auth_callout, projection, signature
from services.api.subscriptions import schemas as wire
from services.api.subscriptions.endpoint import Target, encoded, host_of, opened
from services.api.subscriptions.work import settle

MOST = 100  # subscriptions of a workspace


async def create(
    context: RequestContext, body: wire.CreateSubscription
) -> wire.CreatedSubscription:
    """Tells of what comes from now on."""
    access.person(context.user)
    await access.workspace(context.user, context.store.rows, body.workspace_id)
    host = _checked_host(context, body)
    (order,) = subscription.create(
        SubscriptionCreated(
            workspace=body.workspace_id,
            kind=body.kind,
            name=body.name,
            target="",
            after=await context.store.log.end(),
            host=host,
            types=sorted(set(body.types)),
            aggregate=body.aggregate,
        )
    )
    id = idempotency.new_id(context.caller, "subscriptions/create")
    secret, target = _target(body)
    seq, first = await _append(context, id, body.workspace_id, order, target)
    if not first:
        secret = await _secret_again(context, id, body)
    shown = wire.Subscription.of(await _settled(context, id, seq))
    return wire.CreatedSubscription(
        shown, secret, _access(context, id) if body.kind == "nats" else None
    )


def _checked_host(context: RequestContext, body: wire.CreateSubscription) -> str:
    desk = context.subscriptions
    if body.kind == "webhook":
        return host_of(body.url, desk.sender.egress)
    if desk.issuer is None:
        raise Rejected(
            "conflict", "kind: this platform's NATS takes no subscribers; ask its operator"
        )
    if body.url:
        raise Rejected("invalid", "url: it is for webhooks; leave it out")
    return ""


def _target(body: wire.CreateSubscription) -> tuple[str, Target]:
    """The secret, and what is kept."""
    if body.kind == "webhook":
        secret = signature.new_secret()
        return secret, Target(secret, body.url)
    secret = secrets.token_urlsafe(32)  # 256 bits
    return secret, Target(nats_auth_callout.digest(secret))


def _access(context: RequestContext, id: UUID) -> wire.NatsAccess:
    url, user = context.runtime.config.nats_public_url, str(id)
    return wire.NatsAccess(url, user, EVENTS, user, nats_auth_callout.inbox(id))


async def _append(
    context: RequestContext, id: UUID, workspace: int, order: SubscriptionEvent, target: Target
) -> tuple[int, bool]:
    """Where the event is in the log, and whether this call has put it there. Under a key another
    call may be at the same subscription, so a failure leaves the vault as it is."""
    stream, keyed, first = (
        subscription_stream(id),
        context.caller.idempotency_key is not None,
        False,
    )

    async def put(text: str) -> int:
        event = replace(order, target=text)
        seq = await context.store.log.append(
            idempotency.first(stream, event), context.caller.context
        )
        nonlocal first
        first = True
        return seq

    async def append() -> int:
        await _check_room(context, workspace)
        if keyed:
            return await put(await context.contents.vault.seal_anew(id, encoded(target)))
        return await append_sealed(
            context.store.log, context.contents.vault, stream, encoded(target), put
        )

    seq = await idempotency.create(
        context.caller, context.store, stream, order, append, apart_from=("target", "after")
    )
    return seq, first


async def _check_room(context: RequestContext, workspace: int) -> None:
    if len(await projection.find_all(context.subscriptions.rows, [workspace])) >= MOST:
        raise Rejected("conflict", f"workspace_id: it has {MOST} subscriptions; delete one first")


async def _secret_again(context: RequestContext, id: UUID, body: wire.CreateSubscription) -> str:
    """Of a subscription that this key has made before. A webhook's lies in the vault; of a
    subscriber on NATS there is only a digest, so it is gone with the answer that was lost."""
    facts = await context.store.log.read(subscription_stream(id))
    created = facts[0].event
    if body.kind == "nats" or not isinstance(created, SubscriptionCreated):
        raise Rejected(
            "conflict",
            f"{idempotency.HEADER}: it has made subscription {id}, whose secret was shown once;"
            " delete that one and create another under a new key",
        )
    known = await _opened(context, id, created.target)
    if known.url != body.url:
        raise idempotency.another()
    return known.secret


async def _opened(context: RequestContext, id: UUID, text: str) -> Target:
    try:
        return await opened(context.contents.vault, id, text)
    except Shredded:
        raise Rejected(
            "conflict", f"{idempotency.HEADER}: the subscription {id} that it made is deleted"
        ) from None


async def list_subscriptions(
    context: RequestContext, body: wire.ListSubscriptions
) -> wire.SubscriptionList:
    rows, desk = context.store.rows, context.subscriptions
    if body.workspace_id is not None:
        visible = [(await access.workspace(context.user, rows, body.workspace_id)).id]
    else:
        visible = [state.id for state in await access.workspaces(context.user, rows)]
    found = await projection.find_all(desk.rows, visible)
    places = await desk.ledger.places([state.id for state in found])
    return wire.SubscriptionList(
        [wire.Subscription.of(state, places.get(state.id)) for state in found]
    )


async def get_by_id(context: RequestContext, body: wire.SubscriptionById) -> wire.Subscription:
    return await _shown(context, await visible(context, body.id))


async def pause(context: RequestContext, body: wire.SubscriptionById) -> wire.Subscription:
    """What happens meanwhile is told once it is resumed."""
    return await _shown(context, await _change(context, body.id, subscription.pause))


async def resume(context: RequestContext, body: wire.SubscriptionById) -> wire.Subscription:
    return await _shown(context, await _change(context, body.id, subscription.resume))


async def delete(context: RequestContext, body: wire.SubscriptionById) -> None:
    """Nothing is told any more when this has been answered, but for a webhook on its way."""
    await _change(context, body.id, subscription.delete)


async def visible(context: RequestContext, id: UUID) -> Subscription:
    found = await projection.find(context.subscriptions.rows, id)
    if found is None:
        raise Rejected(
            "not_found", f"id: there is no subscription {id}; list them to see their ids"
        )
    await access.workspace(context.user, context.store.rows, found.workspace, "id")
    return found


async def owned(context: RequestContext, id: UUID) -> Subscription:
    """One that the caller may change."""
    found = await visible(context, id)
    if found.created_by != str(context.user.id):
        await access.owned_workspace(context.user, context.store.rows, found.workspace, "id")
    return found


async def _shown(context: RequestContext, state: Subscription) -> wire.Subscription:
    places = await context.subscriptions.ledger.places([state.id])
    return wire.Subscription.of(state, places.get(state.id))


async def _change(
    context: RequestContext, id: UUID, decide: Callable[[Subscription], Sequence[SubscriptionEvent]]
) -> Subscription:
    await owned(context, id)
    log, stream = context.store.log, subscription_stream(id)
    outcome = await transact(log, stream, subscription.evolve, decide, context.caller.context)
    return await _settled(context, id, outcome.seq)


async def _settled(context: RequestContext, id: UUID, seq: int) -> Subscription:
    """As it is then, once it is really so, and reads show it (I1)."""
    state = await settle(context.resources, id)
    try:
        await context.subscriptions.runner.position.reached(seq, VISIBLE_TIMEOUT_SECONDS)
    except TimeoutError:
        raise NotVisibleYet(id) from None
    return state
