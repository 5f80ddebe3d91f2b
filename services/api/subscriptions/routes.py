"""The routes of webhooks and of subscribers on NATS."""

from services.api.append import idempotency
from services.api.http.request_context import RequestContext
from services.api.http.route import BY_ID, post
from services.api.subscriptions import commands, queries, schemas


async def create(
    context: RequestContext, body: schemas.CreateSubscription
) -> schemas.CreatedSubscription:
    vault, webhooks = context.contents.vault, context.webhooks
    created, secret = await commands.create(context.caller, context.store, vault, webhooks, body)
    return schemas.CreatedSubscription.of(created, secret, webhooks.config.nats_public_url)


async def list_subscriptions(
    context: RequestContext, body: schemas.ListSubscriptions
) -> schemas.SubscriptionList:
    rows, webhooks = context.store.rows, context.webhooks
    return schemas.SubscriptionList(
        await queries.listed(context.user, rows, webhooks, body.workspace_id)
    )


async def get_by_id(
    context: RequestContext, body: schemas.SubscriptionById
) -> schemas.Subscription:
    return await queries.by_id(context.user, context.store.rows, context.webhooks, body.id)


async def pause(context: RequestContext, body: schemas.SubscriptionById) -> schemas.Subscription:
    state = await commands.pause(context.caller, context.store, context.webhooks, body.id)
    return await queries.shown(context.webhooks, state)


async def resume(context: RequestContext, body: schemas.SubscriptionById) -> schemas.Subscription:
    state = await commands.resume(context.caller, context.store, context.webhooks, body.id)
    return await queries.shown(context.webhooks, state)


async def delete(context: RequestContext, body: schemas.SubscriptionById) -> None:
    await commands.delete(context.caller, context.store, context.webhooks, body.id)


async def ping(context: RequestContext, body: schemas.SubscriptionById) -> schemas.AttemptOutcome:
    outcome = await commands.ping(context.caller, context.store, context.webhooks, body.id)
    return schemas.AttemptOutcome.of(outcome)


async def deliveries(context: RequestContext, body: schemas.ListDeliveries) -> schemas.DeliveryList:
    rows, webhooks = context.store.rows, context.webhooks
    return schemas.DeliveryList(
        await queries.deliveries(context.user, rows, webhooks, body.id, body.limit)
    )


async def dead_letters(
    context: RequestContext, body: schemas.ListDeliveries
) -> schemas.DeadLetterList:
    rows, webhooks = context.store.rows, context.webhooks
    return schemas.DeadLetterList(
        await queries.dead_letters(context.user, rows, webhooks, body.id, body.limit)
    )


async def retry(context: RequestContext, body: schemas.DeadLetterById) -> schemas.AttemptOutcome:
    store, webhooks = context.store, context.webhooks
    outcome = await commands.retry(context.caller, store, webhooks, body.id, body.sequence)
    return schemas.AttemptOutcome.of(outcome)


async def discard(context: RequestContext, body: schemas.DeadLetterById) -> None:
    store, webhooks = context.store, context.webhooks
    await commands.discard(context.caller, store, webhooks, body.id, body.sequence)


SUBSCRIPTION_ROUTES = (
    post(
        "subscriptions/create",
        create,
        schemas.CreateSubscription,
        schemas.CreatedSubscription,
        summary="Have the events of a workspace told to a URL, or to a subscriber on NATS.",
        status=201,
        errors=(*BY_ID, 409),
        headers=(idempotency.HEADER,),
    ),
    post(
        "subscriptions/list",
        list_subscriptions,
        schemas.ListSubscriptions,
        schemas.SubscriptionList,
        summary="The subscriptions of your workspaces, oldest first.",
    ),
    post(
        "subscriptions/get_by_id",
        get_by_id,
        schemas.SubscriptionById,
        schemas.Subscription,
        summary="One subscription, and how far its deliveries are.",
    ),
    post(
        "subscriptions/pause",
        pause,
        schemas.SubscriptionById,
        schemas.Subscription,
        summary="Hold events back until it is resumed.",
    ),
    post(
        "subscriptions/resume",
        resume,
        schemas.SubscriptionById,
        schemas.Subscription,
        summary="Go on with what was held back.",
    ),
    post(
        "subscriptions/delete",
        delete,
        schemas.SubscriptionById,
        None,
        summary="End a subscription for good; its secret is worth nothing after that.",
        status=204,
    ),
    post(
        "subscriptions/test",
        ping,
        schemas.SubscriptionById,
        schemas.AttemptOutcome,
        summary="Send a webhook an event `Ping` now, and see what it answers.",
    ),
    post(
        "subscriptions/deliveries",
        deliveries,
        schemas.ListDeliveries,
        schemas.DeliveryList,
        summary="The last attempts of a webhook to deliver, newest first.",
    ),
    post(
        "subscriptions/dead_letters",
        dead_letters,
        schemas.ListDeliveries,
        schemas.DeadLetterList,
        summary="Events that a webhook's receiver did not take, oldest first.",
    ),
    post(
        "subscriptions/retry",
        retry,
        schemas.DeadLetterById,
        schemas.AttemptOutcome,
        summary="Send a dead letter once more, now.",
    ),
    post(
        "subscriptions/discard",
        discard,
        schemas.DeadLetterById,
        None,
        summary="Throw a dead letter away.",
        status=204,
    ),
)
