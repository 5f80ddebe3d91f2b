"""Appends an event with a sealed secret: afterwards both event and key exist, or neither."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.domain.ids import StreamId
from libs.eventlog.log import EventLog
from libs.vault.vault import Vault

Result = TypeVar("Result")


async def append_sealed(
    log: EventLog,
    vault: Vault,
    stream: StreamId,
    secret: bytes,
    append: Callable[[str], Awaitable[Result]],
) -> Result:
    """The result of `append`, which gets the sealed text. On failure the key is destroyed again."""
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
