"""What goes on for subscriptions as long as the service runs."""

import asyncio
import logging

from libs.domain.errors import Unavailable
from libs.domain.registry import AGGREGATES
from libs.domain.subscription import Subscription
from libs.eventlog import hold
from libs.eventlog.react import Reaction, react
from libs.eventlog.streams import EVENTS
from services.webhooks import metrics
from services.webhooks.delivery_store import Cursor
from services.webhooks.delivery_worker import DeliveryWorker, NotAllowed
from services.webhooks.delivery_writer import DeliveryWriter
from services.webhooks.endpoint import Endpoint
from services.webhooks.lease_holder import Deliver, LeaseHolder
from services.webhooks.metrics import WebhookMetrics
from services.webhooks.nats_auth_callout import AuthCallout
from services.webhooks.projection import SUBJECTS
from services.webhooks.resources import WebhookResources
from services.webhooks.retry_policy import RetryPolicy

logger = logging.getLogger(__name__)

_LEAVE_TIMEOUT_SECONDS = 2.0


async def run(own: WebhookResources) -> None:
    """For ever. `own.runner`, too, runs here."""
    around = own.around
    reaction = _watched(own)
    writer = DeliveryWriter(own.deliveries, WebhookMetrics(around.telemetry.metrics))
    deliver = _deliverer(own, writer)
    leases = LeaseHolder(own.rows, own.deliveries, around.vault, deliver, own.projection.changed)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(own.runner.run())
            tasks.create_task(writer.run())
            tasks.create_task(hold.run_when_released(around.nats, leases.run))
            tasks.create_task(react(around.nats, reaction))
            tasks.create_task(own.reconciler.after_restore(own.rows, own.runner.position))
            tasks.create_task(own.rights.sweep())
            if own.issuer is not None:
                callout = AuthCallout(own.issuer, own.rows, around.vault, own.rights.allow)
                tasks.create_task(callout.run(around.nats))
    finally:
        await _leave(own, writer)


def _watched(own: WebhookResources) -> Reaction:
    """The reaction, shown to operators beside the projection and its pool."""
    telemetry = own.around.telemetry
    telemetry.projection("subscriptions", own.runner.position, EVENTS, SUBJECTS)
    telemetry.pool(own.rows)
    telemetry.metrics.source(metrics.readings(own.deliveries, own.around.nats))
    return telemetry.reaction(
        Reaction(
            name="subscriptions",
            subjects=SUBJECTS,
            kinds=AGGREGATES["subscription"].events,
            handle=own.reconciler.handle,
        )
    )


def _deliverer(own: WebhookResources, writer: DeliveryWriter) -> Deliver:
    retries = RetryPolicy(own.config.webhooks_first_pause, own.config.webhooks_give_up)
    source, allowed = own.around.source, own.rights.allow

    async def deliver(subscription: Subscription, endpoint: Endpoint, cursor: Cursor) -> None:
        worker = DeliveryWorker(
            source, own.sender, writer, retries, allowed, subscription, endpoint, cursor
        )
        try:
            await worker.run()
        except NotAllowed:
            await own.rights.end(subscription.id)

    return deliver


async def _leave(own: WebhookResources, writer: DeliveryWriter) -> None:
    """So that another copy goes on at once, from where we are."""
    try:
        async with asyncio.timeout(_LEAVE_TIMEOUT_SECONDS):
            await writer.flush()
            await own.deliveries.release()
    except (Unavailable, TimeoutError) as problem:
        logger.warning("others will have to wait for our leases to lapse: %r", problem)
