"""The routes of webhooks and of subscribers on NATS."""

from services.api.append import idempotency
from services.api.http.route import BY_ID, post
from services.api.subscriptions import commands
from services.api.subscriptions import dead_letters as letters
from services.api.subscriptions import schemas as wire

SUBSCRIPTION_ROUTES = (
    post(
        "subscriptions/create",
        commands.create,
        wire.CreateSubscription,
        wire.CreatedSubscription,
        summary="Have the events of a workspace told to a URL, or to a subscriber on NATS.",
        status=201,
        errors=(*BY_ID, 409),
        headers=(idempotency.HEADER,),
    ),
    post(
        "subscriptions/list",
        commands.list_subscriptions,
        wire.ListSubscriptions,
        wire.SubscriptionList,
        summary="The subscriptions of your workspaces, oldest first.",
    ),
    post(
        "subscriptions/get_by_id",
        commands.get_by_id,
        wire.SubscriptionById,
        wire.Subscription,
        summary="One subscription, and how far its deliveries are.",
    ),
    post(
        "subscriptions/pause",
        commands.pause,
        wire.SubscriptionById,
        wire.Subscription,
        summary="Hold events back until it is resumed.",
    ),
    post(
        "subscriptions/resume",
        commands.resume,
        wire.SubscriptionById,
        wire.Subscription,
        summary="Go on with what was held back.",
    ),
    post(
        "subscriptions/delete",
        commands.delete,
        wire.SubscriptionById,
        None,
        summary="End a subscription for good; its secret is worth nothing after that.",
        status=204,
    ),
    post(
        "subscriptions/test",
        letters.ping,
        wire.SubscriptionById,
        wire.Tried,
        summary="Send a webhook an event `Ping` now, and see what it answers.",
    ),
    post(
        "subscriptions/deliveries",
        letters.deliveries,
        wire.ListLetters,
        wire.DeliveryList,
        summary="The last attempts of a webhook to deliver, newest first.",
    ),
    post(
        "subscriptions/dead_letters",
        letters.dead_letters,
        wire.ListLetters,
        wire.DeadLetterList,
        summary="Events that a webhook's receiver did not take, oldest first.",
    ),
    post(
        "subscriptions/retry",
        letters.retry,
        wire.LetterById,
        wire.Tried,
        summary="Send a dead letter once more, now.",
    ),
    post(
        "subscriptions/discard",
        letters.discard,
        wire.LetterById,
        None,
        summary="Throw a dead letter away.",
        status=204,
    ),
)
