"""Creating, changing and ending subscriptions, and what is done about a webhook by hand."""

import secrets
from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec.structs import replace

from libs.domain import subscription
from libs.domain.errors import Rejected
from libs.domain.events import SubscriptionCreated, SubscriptionEvent
from libs.domain.ids import subscription_stream
from libs.domain.subscription import Subscription
from libs.eventlog.transact import transact
from libs.vault.vault import Shredded, Vault
from services.api.access import authorize as access
from services.api.append import idempotency
from services.api.append.caller import Caller
from services.api.append.sealed_append import append_sealed
from services.api.append.store import VISIBLE_TIMEOUT_SECONDS, NotVisibleYet, Store
from services.api.subscriptions.queries import owned
from services.api.subscriptions.schemas import CreateSubscription
from services.webhooks import endpoint, nats_auth_callout, projection, signature
from services.webhooks.endpoint import Endpoint
from services.webhooks.manual_delivery import no_dead_letter
from services.webhooks.resources import WebhookResources
from services.webhooks.sender import Outcome

MAX_SUBSCRIPTIONS = 100  # of a workspace


async def create(
    caller: Caller,
    store: Store,
    vault: Vault,
    webhooks: WebhookResources,
    order: CreateSubscription,
) -> tuple[Subscription, str]:
    """The subscription, which gets what comes from now on, and its secret.

    The secret signs a webhook, or is a subscriber's password on NATS; nobody is shown it again.
    """
    access.person(caller.user)
    await access.workspace(caller.user, store.rows, order.workspace_id)
    event = await _decide(store, webhooks, order)
    id = idempotency.new_id(caller, "subscriptions/create")
    secret, to = _new_endpoint(order)
    seq, first = await _append(caller, store, vault, webhooks, id, event, endpoint.to_bytes(to))
    if not first:
        secret = await _secret_again(store, vault, id, order)
    return await _reconciled(webhooks, id, seq), secret


async def _decide(
    store: Store, webhooks: WebhookResources, order: CreateSubscription
) -> SubscriptionCreated:
    """Without its target, which is yet to be sealed."""
    event = SubscriptionCreated(
        workspace=order.workspace_id,
        kind=order.kind,
        name=order.name,
        target="",
        after=await store.log.end(),
        host=_checked_host(webhooks, order),
        types=sorted(set(order.types)),
        aggregate=order.aggregate,
    )
    subscription.create(event)
    return event


def _checked_host(webhooks: WebhookResources, order: CreateSubscription) -> str:
    if order.kind == "webhook":
        return endpoint.checked_host(order.url, webhooks.sender.egress)
    if webhooks.issuer is None:
        raise Rejected(
            "conflict", "kind: this platform's NATS takes no subscribers; ask its operator"
        )
    if order.url:
        raise Rejected("invalid", "url: it is for webhooks; leave it out")
    return ""


def _new_endpoint(order: CreateSubscription) -> tuple[str, Endpoint]:
    """The secret, and what is kept."""
    if order.kind == "webhook":
        secret = signature.new_secret()
        return secret, Endpoint(secret, order.url)
    secret = secrets.token_urlsafe(32)  # 256 bits
    return secret, Endpoint(nats_auth_callout.digest(secret))


async def _append(
    caller: Caller,
    store: Store,
    vault: Vault,
    webhooks: WebhookResources,
    id: UUID,
    event: SubscriptionCreated,
    plain: bytes,
) -> tuple[int, bool]:
    """Where the event is in the log, and whether this call has put it there. Under a key another
    call may be at the same subscription, so a failure leaves the vault as it is."""
    stream, first = subscription_stream(id), False

    async def put(target: str) -> int:
        proposed = idempotency.first(stream, replace(event, target=target))
        seq = await store.log.append(proposed, caller.context)
        nonlocal first
        first = True
        return seq

    async def append() -> int:
        await _check_room(webhooks, event.workspace)
        if caller.idempotency_key is not None:
            return await put(await vault.seal_anew(id, plain))
        return await append_sealed(store.log, vault, stream, plain, put)

    apart_from = ("target", "after")
    seq = await idempotency.create(caller, store, stream, event, append, apart_from)
    return seq, first


async def _check_room(webhooks: WebhookResources, workspace: int) -> None:
    if len(await projection.find_all(webhooks.rows, [workspace])) >= MAX_SUBSCRIPTIONS:
        raise Rejected(
            "conflict",
            f"workspace_id: it has {MAX_SUBSCRIPTIONS} subscriptions; delete one first",
        )


async def _secret_again(store: Store, vault: Vault, id: UUID, order: CreateSubscription) -> str:
    """Of a subscription that this key has made before. A webhook's lies in the vault; of a
    subscriber on NATS there is only a digest, so it is gone with the answer that was lost."""
    facts = await store.log.read(subscription_stream(id))
    created = facts[0].event
    if order.kind == "nats" or not isinstance(created, SubscriptionCreated):
        raise Rejected(
            "conflict",
            f"{idempotency.HEADER}: it has made subscription {id}, whose secret was shown once;"
            " delete that one and create another under a new key",
        )
    try:
        known = await endpoint.unseal(vault, id, created.target)
    except Shredded:
        raise Rejected(
            "conflict", f"{idempotency.HEADER}: the subscription {id} that it made is deleted"
        ) from None
    if known.url != order.url:
        raise idempotency.another()
    return known.secret


async def pause(caller: Caller, store: Store, webhooks: WebhookResources, id: UUID) -> Subscription:
    """What happens meanwhile is delivered once it is resumed."""
    return await _change(caller, store, webhooks, id, subscription.pause)


async def resume(
    caller: Caller, store: Store, webhooks: WebhookResources, id: UUID
) -> Subscription:
    """Delivers what happened during the pause, then what comes."""
    return await _change(caller, store, webhooks, id, subscription.resume)


async def delete(caller: Caller, store: Store, webhooks: WebhookResources, id: UUID) -> None:
    """Nothing is delivered any more once this returns, but for a webhook on its way."""
    await _change(caller, store, webhooks, id, subscription.delete)


async def _change(
    caller: Caller,
    store: Store,
    webhooks: WebhookResources,
    id: UUID,
    decide: Callable[[Subscription], Sequence[SubscriptionEvent]],
) -> Subscription:
    await owned(caller.user, store.rows, webhooks, id)
    stream = subscription_stream(id)
    outcome = await transact(store.log, stream, subscription.evolve, decide, caller.context)
    return await _reconciled(webhooks, id, outcome.seq)


async def _reconciled(webhooks: WebhookResources, id: UUID, seq: int) -> Subscription:
    """As it is then, once it is really so, and reads show the event at `seq` (I1)."""
    state = await webhooks.reconciler.reconcile(id)
    try:
        await webhooks.runner.position.reached(seq, VISIBLE_TIMEOUT_SECONDS)
    except TimeoutError:
        raise NotVisibleYet(id) from None
    return state


async def ping(caller: Caller, store: Store, webhooks: WebhookResources, id: UUID) -> Outcome:
    """Sends a webhook an event that is in no log, now."""
    found = await owned(caller.user, store.rows, webhooks, id)
    return await webhooks.manual.ping(found)


async def retry(
    caller: Caller, store: Store, webhooks: WebhookResources, id: UUID, sequence: int
) -> Outcome:
    """Sends a dead letter once more, now. What the receiver takes is no dead letter any more."""
    found = await owned(caller.user, store.rows, webhooks, id)
    return await webhooks.manual.retry(found, sequence)


async def discard(
    caller: Caller, store: Store, webhooks: WebhookResources, id: UUID, sequence: int
) -> None:
    """Throws a dead letter away."""
    found = await owned(caller.user, store.rows, webhooks, id)
    if not await webhooks.deliveries.discard(found.id, sequence):
        raise no_dead_letter(sequence)
