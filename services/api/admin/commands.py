"""Commands of administrators. Each is a line of our log that says who gave it.

All raise Rejected("forbidden") unless the caller is an administrator.
"""

import logging

from libs.eventlog import dead_letters, hold
from libs.eventlog.nats_client import Nats
from services.api.access import authorize as access
from services.api.admin.schemas import ParkedEvent, Retried
from services.api.append.caller import Caller

logger = logging.getLogger(__name__)


async def retry(caller: Caller, nats: Nats, event: ParkedEvent) -> Retried:
    """Let a reaction handle a parked event once more, and return the outcome.

    Rejected("not_found"); Unavailable while no copy of the service runs.
    """
    access.administrator(caller.user)
    _audit(caller, "retries", event)
    error = await dead_letters.retry(nats, event.reaction, event.seq)
    if error is None:
        return Retried("under_way")
    return Retried("failed", error) if error else Retried("done")


async def discard(caller: Caller, nats: Nats, event: ParkedEvent) -> None:
    """Forget that an event was parked. Rejected("not_found")."""
    access.administrator(caller.user)
    await dead_letters.discard(nats, event.reaction, event.seq)
    _audit(caller, "discards", event)


async def resume(caller: Caller, nats: Nats) -> None:
    """Let a restored platform go on. Nothing happens if it is not held."""
    access.administrator(caller.user)
    logger.warning("%s has the restored platform go on", caller.context.actor)
    await hold.release(nats)


def _audit(caller: Caller, what: str, event: ParkedEvent) -> None:
    who, request = caller.context.actor, caller.context.correlation
    logger.info(
        "audit: %s, request %s: %s event %d of %s", who, request, what, event.seq, event.reaction
    )
