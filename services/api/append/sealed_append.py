"""Appending an event whose secret is sealed: either both are there afterwards, or neither."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from libs.domain.errors import Unavailable
from libs.domain.ids import StreamId
from services.api.http.request_context import RequestContext

Appended = TypeVar("Appended")


async def append_sealed(
    call: RequestContext,
    stream: StreamId,
    secret: bytes,
    append: Callable[[str], Awaitable[Appended]],
) -> Appended:
    """What `append` gives for the sealed text. On any failure the key of the secret goes again."""
    owner, vault = UUID(stream.id), call.resources.vault
    sealed = await vault.seal(owner, secret)
    try:
        return await append(sealed)
    except Unavailable:
        # An event that is in the log after all must find its key.
        if await call.resources.log.last(stream) is None:
            await vault.shred(owner)
        raise
    except Exception:
        await vault.shred(owner)
        raise
