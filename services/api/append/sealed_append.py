"""Appending an event whose secret is sealed: either both are there afterwards, or neither."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.domain.ids import StreamId
from libs.eventlog.log import EventLog
from libs.vault.vault import Vault

Appended = TypeVar("Appended")


async def append_sealed(
    log: EventLog,
    vault: Vault,
    stream: StreamId,
    secret: bytes,
    append: Callable[[str], Awaitable[Appended]],
) -> Appended:
    """What `append` gives for the sealed text. On any failure the key of the secret goes again."""
    owner = UUID(stream.id)
    sealed = await vault.seal(owner, secret)
    try:
        return await append(sealed)
    except Unavailable:
        # An event that is in the log after all must find its key.
        if await log.last(stream) is None:
            await vault.shred(owner)
        raise
    except Exception:
        await vault.shred(owner)
        raise
