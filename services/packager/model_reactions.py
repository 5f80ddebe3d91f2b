"""ModelVersionUploaded → the environment that its requirements ask for, or why there is none."""

import logging
from collections.abc import Callable

from libs.domain import model_version as versions
from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import (
    ModelVersionEvent,
    ModelVersionFailed,
    ModelVersionPackaged,
    ModelVersionUploaded,
)
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.transact import load, transact
from services.packager.build import Builder
from services.packager.reactions import SOURCE

logger = logging.getLogger(__name__)


class ModelPackager:
    """Packages each model version that has requirements, once, however often its event comes."""

    def __init__(self, log: EventLog, builder: Builder, on_built: Callable[[], None]) -> None:
        """`on_built` is called after each environment."""
        self._log = log
        self._builder = builder
        self._on_built = on_built

    async def handle(self, fact: Recorded) -> None:
        """Builds the environment and appends the outcome. Raises Unavailable where another try may
        succeed."""
        if not isinstance(fact.event, ModelVersionUploaded) or not fact.event.requirements:
            return
        state, _ = await load(self._log, fact.stream, versions.evolve)
        if state.status != "pending" or state.environment:
            return
        outcome = await self._build(fact)
        await transact(
            self._log,
            fact.stream,
            versions.evolve,
            lambda state: versions.packaged(state, outcome),
            fact.because(SOURCE),
        )
        self._on_built()

    async def _build(self, fact: Recorded) -> ModelVersionEvent:
        assert isinstance(fact.event, ModelVersionUploaded)  # noqa: S101 - for mypy: handle says so
        try:
            built = await self._builder.build(fact.event.requirements, name=fact.stream.id)
        except Rejected as refusal:
            if refusal.code == "no_space":  # our trouble, and not the requirements'
                raise Unavailable(refusal.message) from refusal
            logger.info("model version %s can't be packaged: %s", fact.stream.id, refusal.message)
            return ModelVersionFailed(reason=refusal.message)
        return ModelVersionPackaged(
            environment=built.id, lock_digest=built.lock_digest, seconds=built.seconds
        )
