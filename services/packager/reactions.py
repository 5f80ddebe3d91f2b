"""OrchestrationUploaded → an environment, or the reason why there is none."""

import asyncio
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from libs.archive import requirements
from libs.archive.inspect import inspect
from libs.blobs.store import BlobStore
from libs.domain import orchestration as orchestrations
from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import OrchestrationUploaded
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.transact import load, transact
from services.packager.build import Builder

logger = logging.getLogger(__name__)

SOURCE = "packager"


class Packager:
    """Packages each uploaded orchestration once, however often its event comes."""

    def __init__(
        self,
        log: EventLog,
        blobs: BlobStore,
        builder: Builder,
        scratch: Path,
        on_built: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_built` is called after each environment."""
        self._on_built = on_built
        self._log = log
        self._blobs = blobs
        self._builder = builder
        self._scratch = scratch

    async def handle(self, fact: Recorded) -> None:
        """Builds the environment and appends the outcome. Raises Unavailable where another try may
        succeed: the runner brings the event again then."""
        if not isinstance(fact.event, OrchestrationUploaded):
            return
        state, _ = await load(self._log, fact.stream, orchestrations.evolve)
        if orchestrations.has_left_packaging(state):
            return
        await transact(
            self._log,
            fact.stream,
            orchestrations.evolve,
            orchestrations.start_packaging,
            fact.because(SOURCE),
        )
        try:
            requirements = await self._requirements(fact.event)
            environment = await self._builder.build(requirements, name=fact.stream.id)
        except Rejected as refusal:
            if refusal.code == "no_space":  # our trouble, and not the archive's
                raise Unavailable(refusal.message) from refusal
            reason = refusal.message
            logger.info("orchestration %s can't be packaged: %s", fact.stream.id, reason)
            await transact(
                self._log,
                fact.stream,
                orchestrations.evolve,
                lambda state: orchestrations.failed(state, reason),
                fact.because(SOURCE),
            )
            return
        await transact(
            self._log,
            fact.stream,
            orchestrations.evolve,
            lambda state: orchestrations.packaged(
                state, environment.id, environment.lock_digest, environment.seconds
            ),
            fact.because(SOURCE),
        )
        logger.info("orchestration %s is ready", UUID(fact.stream.id))
        self._on_built()

    async def _requirements(self, event: OrchestrationUploaded) -> list[str]:
        try:
            with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
                archive = Path(folder) / "archive.zip"
                await self._blobs.get(event.blob, archive)
                return await asyncio.to_thread(_requirements_in, archive)
        except OSError as error:
            raise Unavailable(f"the archive can't be looked at: {error.strerror}") from error


def _requirements_in(archive: Path) -> list[str]:
    return requirements.read(archive, inspect(archive).requirements)
