"""What goes on in the background of the service for subscriptions, as long as it runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from libs.domain.errors import Unavailable
from libs.domain.history import fold
from libs.domain.subscription import Subscription, evolve
from libs.eventlog.envelope import Recorded
from libs.eventlog.react import Handler, Reaction, react
from services.api.call import Resources
from services.api.subscriptions import consumers, projection
from services.api.subscriptions.courier import Courier, Ended, Patience
from services.api.subscriptions.dispatch import Deliver, Dispatch
from services.api.subscriptions.entitled import end, entitled
from services.api.subscriptions.gate import Gate
from services.api.subscriptions.journal import Journal
from services.api.subscriptions.ledger import Place
from services.api.subscriptions.target import Target

logger = logging.getLogger(__name__)

_SWEEP_EVERY = 5.0
_LAST_WORDS = 2.0
_CATCH_UP = 3600.0


async def run(resources: Resources) -> None:
    """For ever."""
    desk = resources.desk
    journal = Journal(desk.ledger)
    deliver = _deliverer(resources, journal)
    dispatch = Dispatch(desk.rows, desk.ledger, resources.vault, deliver, desk.projection.changed)
    reaction = Reaction(
        name="subscriptions", subjects=projection.SUBJECTS, handle=_outcome(resources)
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(desk.runner.run())
            tasks.create_task(journal.run())
            tasks.create_task(dispatch.run())
            tasks.create_task(react(resources.nats, reaction))
            tasks.create_task(_shred(resources))
            tasks.create_task(_sweep(resources))
            if desk.issuer is not None:
                may = _entitled(resources)
                gate = Gate(desk.issuer, desk.rows, resources.vault, may)
                tasks.create_task(gate.run(resources.nats))
    finally:
        await _leave(resources, journal)


def _entitled(resources: Resources) -> Callable[[Subscription], Awaitable[bool]]:
    async def may(found: Subscription) -> bool:
        return await entitled(resources, found)

    return may


def _deliverer(resources: Resources, journal: Journal) -> Deliver:
    config = resources.config
    patience = Patience(config.webhooks_first_pause, config.webhooks_give_up)
    may = _entitled(resources)

    async def deliver(found: Subscription, target: Target, place: Place) -> None:
        sender = resources.desk.sender
        courier = Courier(resources, sender, journal, patience, found, target, place, may)
        try:
            await courier.run()
        except Ended:
            await end(resources, found.id)

    return deliver


def _outcome(resources: Resources) -> Handler:
    """The reaction that makes true what a subscription says, on NATS and in our tables."""

    async def handle(fact: Recorded) -> None:
        state = fold(evolve, await resources.log.read(fact.stream))
        if state is not None:
            await settle(resources, state)

    return handle


async def settle(resources: Resources, state: Subscription) -> None:
    """Once more does nothing."""
    if state.kind == "nats":
        await consumers.settle(resources.nats, state)
    if state.deleted:
        await resources.vault.shred(state.id)
        await resources.desk.ledger.forget(state.id)


async def _shred(resources: Resources) -> None:
    """A database that was set back to a backup has keys again that were destroyed."""
    desk = resources.desk
    newest = await resources.log.last_seq_over(*projection.SUBJECTS)
    await desk.runner.position.reached(newest, _CATCH_UP)
    await resources.vault.shred(*await projection.deleted(desk.rows))


async def _sweep(resources: Resources) -> None:
    """Ends, within seconds, what nobody is entitled to any more, also where nothing happens."""
    while True:
        try:
            for found in await projection.find_all(resources.desk.rows, None):
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
            await resources.desk.ledger.release()
    except (Unavailable, TimeoutError) as problem:
        logger.warning("others will have to wait for our leases to lapse: %r", problem)
