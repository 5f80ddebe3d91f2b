"""Fills the homes of runs: at once where the code is small, else in a thread."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from libs.cache.bounded import BoundedCache
from libs.domain.errors import Unavailable
from services.executor.local.home import RunFolder, is_small
from services.executor.resolved_spec import ResolvedSpec

_MAX_TREES = 1000


class HomeFiller:
    """Remembers which trees of code are small: to look costs more than to copy one of them."""

    def __init__(self) -> None:
        self._small = BoundedCache[Path, bool](_MAX_TREES)

    async def fill(self, folder: RunFolder, spec: ResolvedSpec, uid: int | None) -> None:
        """Copies the code and what comes with it, owned by `uid`. Raises Unavailable."""
        if spec.tree not in self._small:
            self._small[spec.tree] = await asyncio.to_thread(is_small, spec.tree)
        try:
            if self._small[spec.tree]:
                folder.fill(spec, uid)
            else:
                await _in_thread(folder.fill, spec, uid)
        except OSError as error:
            raise Unavailable(f"can't fill the folder of a run: {error}") from error


async def _in_thread(work: Callable[..., None], *arguments: object) -> None:
    """It goes on regardless of us, so we stay until it has ended."""
    working = asyncio.create_task(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise
