"""What goes on in the background of the service for subscriptions, as long as it runs."""

import asyncio
import logging
from functools import partial
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.domain.ids import subscription_stream
from libs.domain.registry import AGGREGATES
from libs.domain.subscription import Subscription, evolve
from libs.eventlog import hold
from libs.eventlog.envelope import Recorded
from libs.eventlog.react import Handler, Reaction, react
from libs.eventlog.streams import EVENTS
from libs.eventlog.transact import load
from services.api.resources import Resources
from services.api.subscriptions import consumers, metrics, projection
from services.api.subscriptions.authorize import end, entitled
from services.api.subscriptions.delivery_store import Place
from services.api.subscriptions.delivery_worker import Courier, Ended, Patience
from services.api.subscriptions.delivery_writer import Journal
from services.api.subscriptions.endpoint import Target
from services.api.subscriptions.lease_holder import Deliver, Dispatch
from services.api.subscriptions.metrics import WebhookMeters
from services.api.subscriptions.nats_auth_callout import Gate

logger = logging.getLogger(__name__)

_SWEEP_EVERY = 5.0
_LAST_WORDS = 2.0
_CATCH_UP = 3600.0


async def run(resources: Resources) -> None:
    """For ever."""
    desk = resources.subscriptions
    watched = _watched(resources)
    journal = Journal(desk.ledger, WebhookMeters(resources.runtime.telemetry.meters))
    deliver = _deliverer(resources, journal)
    dispatch = Dispatch(
        desk.rows, desk.ledger, resources.contents.vault, deliver, desk.projection.changed
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(desk.runner.run())
            tasks.create_task(journal.run())
            tasks.create_task(hold.run_when_released(resources.runtime.nats, dispatch.run))
            tasks.create_task(react(resources.runtime.nats, watched))
            tasks.create_task(_mend(resources))
            tasks.create_task(_sweep(resources))
            if desk.issuer is not None:
                gate = Gate(
                    desk.issuer, desk.rows, resources.contents.vault, partial(entitled, resources)
                )
                tasks.create_task(gate.run(resources.runtime.nats))
    finally:
        await _leave(resources, journal)


def _watched(resources: Resources) -> Reaction:
    """The reaction, shown to operators beside the projection and its pool."""
    vitals, desk = resources.runtime.telemetry, resources.subscriptions
    vitals.projection("subscriptions", desk.runner.position, EVENTS, projection.SUBJECTS)
    vitals.pool(desk.rows)
    vitals.meters.source(metrics.readings(desk.ledger, resources.runtime.nats))
    reaction = Reaction(
        name="subscriptions",
        subjects=projection.SUBJECTS,
        kinds=AGGREGATES["subscription"].events,
        handle=_outcome(resources),
    )
    return vitals.reaction(reaction)


def _deliverer(resources: Resources, journal: Journal) -> Deliver:
    config = resources.runtime.config
    patience = Patience(config.webhooks_first_pause, config.webhooks_give_up)
    may = partial(entitled, resources)

    async def deliver(found: Subscription, target: Target, place: Place) -> None:
        sender = resources.subscriptions.sender
        courier = Courier(resources, sender, journal, patience, found, target, place, may)
        try:
            await courier.run()
        except Ended:
            await end(resources, found.id)

    return deliver


def _outcome(resources: Resources) -> Handler:
    """The reaction that makes true what a subscription says, on NATS and in our tables."""

    async def handle(fact: Recorded) -> None:
        await settle(resources, UUID(fact.stream.id))

    return handle


async def settle(resources: Resources, id: UUID) -> Subscription:
    """Makes it so, and gives the state that is. Once more does nothing.

    Looked at again afterwards: of two that do this at the same time, each with another state in
    mind, the one that knows less may come last.
    """
    state = await _state(resources, id)
    while True:
        await _make_so(resources, state)
        newer = await _state(resources, id)
        if newer == state:
            return state
        state = newer


async def _state(resources: Resources, id: UUID) -> Subscription:
    return (await load(resources.store.log, subscription_stream(id), evolve))[0]


async def _make_so(resources: Resources, state: Subscription) -> None:
    if state.kind == "nats":
        await consumers.settle(resources.runtime.nats, state)
    if state.deleted:
        await resources.contents.vault.shred(state.id)
        await resources.subscriptions.ledger.forget(state.id)


async def _mend(resources: Resources) -> None:
    """A database that was set back to a backup has keys again that were destroyed; a log that was
    restored has no consumers."""
    rows = resources.subscriptions.rows
    newest = await resources.store.log.last_seq_over(*projection.SUBJECTS)
    await resources.subscriptions.runner.position.reached(newest, _CATCH_UP)
    await resources.contents.vault.shred(*await projection.deleted(rows))
    for found in await projection.find_all(rows, None):
        if found.kind == "nats":
            await settle(resources, found.id)


async def _sweep(resources: Resources) -> None:
    """Ends, within seconds, what nobody is entitled to any more, also where nothing happens."""
    while True:
        try:
            for found in await projection.find_all(resources.subscriptions.rows, None):
                if not await entitled(resources, found):
                    await end(resources, found.id)
        except Unavailable as problem:
            logger.warning("subscriptions can't be checked: %s", problem)
        await asyncio.sleep(_SWEEP_EVERY)


async def _leave(resources: Resources, journal: Journal) -> None:
    """So that another copy goes on at once, from where we are."""
    try:
        async with asyncio.timeout(_LAST_WORDS):
            await journal.flush()
            await resources.subscriptions.ledger.release()
    except (Unavailable, TimeoutError) as problem:
        logger.warning("others will have to wait for our leases to lapse: %r", problem)
