"""Waits until models are probed, by what the tail publishes."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from libs.domain.events import ModelVersionFailed, ModelVersionReady
from libs.domain.model_version import ModelVersion
from libs.eventlog.envelope import Recorded
from services.api.append.store import Store
from services.api.read_model.models import model_versions_with_ids


async def probed(store: Store, ids: Sequence[UUID], timeout: float) -> dict[UUID, ModelVersion]:
    """The versions by id, once none is being probed any more, or as they are after `timeout`
    seconds. Those that are not there are left out."""
    names = set(map(str, ids))

    def wanted(fact: Recorded) -> bool:
        ended = isinstance(fact.event, ModelVersionReady | ModelVersionFailed)
        return ended and fact.stream.id in names

    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    with store.tail.listen(wanted) as listener:
        while True:
            states = await model_versions_with_ids(store.rows, ids)
            left = deadline - loop.time()
            pending = any(state.status == "pending" for state in states.values())
            if not pending or left <= 0 or listener.closed:
                return states
            await listener.take(left)
