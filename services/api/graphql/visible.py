"""What the caller may not see is null, as if it did not exist (I8)."""

from collections.abc import Awaitable
from typing import TypeVar

from libs.domain.errors import Rejected

Result = TypeVar("Result")


async def visible(read: Awaitable[Result]) -> Result | None:
    """What an access function gives, or None for what is not there or not for the caller."""
    try:
        return await read
    except Rejected as rejected:
        if rejected.code in ("not_found", "forbidden"):
            return None
        raise
