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
from services.api.http.errors import not_visible_yet
from services.api.http.request_context import VISIBLE_WITHIN, RequestContext
from services.api.subscriptions import nats_auth_callout, projection, signature
from services.api.subscriptions import schemas as wire
from services.api.subscriptions.endpoint import Target, encoded, host_of, opened
from services.api.subscriptions.work import settle

MOST = 100  # subscriptions of a workspace


async def create(call: RequestContext, body: wire.CreateSubscription) -> wire.CreatedSubscription:
    """Tells of what comes from now on."""
    access.person(call)
    await access.workspace(call, call.resources.rows, body.workspace_id)
    host = _checked_host(call, body)
    (order,) = subscription.create(
        SubscriptionCreated(
            workspace=body.workspace_id,
            kind=body.kind,
            name=body.name,
            target="",
            after=await call.resources.log.end(),
            host=host,
            types=sorted(set(body.types)),
            aggregate=body.aggregate,
        )
    )
    id = idempotency.new_id(call, "subscriptions/create")
    secret, target = _target(body)
    seq, first = await _append(call, id, body.workspace_id, order, target)
    if not first:
        secret = await _secret_again(call, id, body)
    shown = wire.Subscription.of(await _settled(call, id, seq))
    return wire.CreatedSubscription(
        shown, secret, _access(call, id) if body.kind == "nats" else None
    )


def _checked_host(call: RequestContext, body: wire.CreateSubscription) -> str:
    desk = call.resources.desk
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


def _access(call: RequestContext, id: UUID) -> wire.NatsAccess:
    url, user = call.resources.config.nats_public_url, str(id)
    return wire.NatsAccess(url, user, EVENTS, user, nats_auth_callout.inbox(id))


async def _append(
    call: RequestContext, id: UUID, workspace: int, order: SubscriptionEvent, target: Target
) -> tuple[int, bool]:
    """Where the event is in the log, and whether this call has put it there. Under a key another
    call may be at the same subscription, so a failure leaves the vault as it is."""
    stream, keyed, first = (
        subscription_stream(id),
        idempotency.HEADER in call.request.headers,
        False,
    )

    async def put(text: str) -> int:
        event = replace(order, target=text)
        seq = await call.resources.log.append(idempotency.first(stream, event), call.context)
        nonlocal first
        first = True
        return seq

    async def append() -> int:
        await _check_room(call, workspace)
        if keyed:
            return await put(await call.resources.vault.seal_anew(id, encoded(target)))
        return await append_sealed(call, stream, encoded(target), put)

    seq = await idempotency.create(call, stream, order, append, apart_from=("target", "after"))
    return seq, first


async def _check_room(call: RequestContext, workspace: int) -> None:
    if len(await projection.find_all(call.resources.desk.rows, [workspace])) >= MOST:
        raise Rejected("conflict", f"workspace_id: it has {MOST} subscriptions; delete one first")


async def _secret_again(call: RequestContext, id: UUID, body: wire.CreateSubscription) -> str:
    """Of a subscription that this key has made before. A webhook's lies in the vault; of a
    subscriber on NATS there is only a digest, so it is gone with the answer that was lost."""
    facts = await call.resources.log.read(subscription_stream(id))
    created = facts[0].event
    if body.kind == "nats" or not isinstance(created, SubscriptionCreated):
        raise Rejected(
            "conflict",
            f"{idempotency.HEADER}: it has made subscription {id}, whose secret was shown once;"
            " delete that one and create another under a new key",
        )
    known = await _opened(call, id, created.target)
    if known.url != body.url:
        raise idempotency.another()
    return known.secret


async def _opened(call: RequestContext, id: UUID, text: str) -> Target:
    try:
        return await opened(call.resources.vault, id, text)
    except Shredded:
        raise Rejected(
            "conflict", f"{idempotency.HEADER}: the subscription {id} that it made is deleted"
        ) from None


async def list_subscriptions(
    call: RequestContext, body: wire.ListSubscriptions
) -> wire.SubscriptionList:
    rows, desk = call.resources.rows, call.resources.desk
    if body.workspace_id is not None:
        visible = [(await access.workspace(call, rows, body.workspace_id)).id]
    else:
        visible = [state.id for state in await access.workspaces(call, rows)]
    found = await projection.find_all(desk.rows, visible)
    places = await desk.ledger.places([state.id for state in found])
    return wire.SubscriptionList(
        [wire.Subscription.of(state, places.get(state.id)) for state in found]
    )


async def get_by_id(call: RequestContext, body: wire.SubscriptionById) -> wire.Subscription:
    return await _shown(call, await visible(call, body.id))


async def pause(call: RequestContext, body: wire.SubscriptionById) -> wire.Subscription:
    """What happens meanwhile is told once it is resumed."""
    return await _shown(call, await _change(call, body.id, subscription.pause))


async def resume(call: RequestContext, body: wire.SubscriptionById) -> wire.Subscription:
    return await _shown(call, await _change(call, body.id, subscription.resume))


async def delete(call: RequestContext, body: wire.SubscriptionById) -> None:
    """Nothing is told any more when this has been answered, but for a webhook on its way."""
    await _change(call, body.id, subscription.delete)


async def visible(call: RequestContext, id: UUID) -> Subscription:
    found = await projection.find(call.resources.desk.rows, id)
    if found is None:
        raise Rejected(
            "not_found", f"id: there is no subscription {id}; list them to see their ids"
        )
    await access.workspace(call, call.resources.rows, found.workspace, "id")
    return found


async def owned(call: RequestContext, id: UUID) -> Subscription:
    """One that the caller may change."""
    found = await visible(call, id)
    if found.created_by != str(call.caller.id):
        await access.owned_workspace(call, call.resources.rows, found.workspace, "id")
    return found


async def _shown(call: RequestContext, state: Subscription) -> wire.Subscription:
    places = await call.resources.desk.ledger.places([state.id])
    return wire.Subscription.of(state, places.get(state.id))


async def _change(
    call: RequestContext, id: UUID, decide: Callable[[Subscription], Sequence[SubscriptionEvent]]
) -> Subscription:
    await owned(call, id)
    log, stream = call.resources.log, subscription_stream(id)
    outcome = await transact(log, stream, subscription.evolve, decide, call.context)
    return await _settled(call, id, outcome.seq)


async def _settled(call: RequestContext, id: UUID, seq: int) -> Subscription:
    """As it is then, once it is really so, and reads show it (I1)."""
    state = await settle(call.resources, id)
    try:
        await call.resources.desk.runner.position.reached(seq, VISIBLE_WITHIN)
    except TimeoutError:
        raise not_visible_yet(id) from None
    return state
