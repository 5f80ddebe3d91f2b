"""ModelVersionUploaded → what its inputs and outputs are, or why it can't be served.

One that has requirements is probed in its environment, once the packager has made that.
An upload is anybody's file, so it is opened by a process that may do nothing but look at it.
"""

import asyncio
import logging

from libs.domain import model_version as versions
from libs.domain.errors import Rejected
from libs.domain.events import (
    ModelVersionEvent,
    ModelVersionFailed,
    ModelVersionReady,
    ModelVersionUploaded,
)
from libs.domain.model_version import ModelVersion
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.transact import load, transact
from services.inference import plan
from services.inference.control.child import Child
from services.inference.control.deployments import SOURCE
from services.inference.control.spawner import Spawner
from services.inference.control.step_guards import NewStep

logger = logging.getLogger(__name__)

PROBE_TIMEOUT_SECONDS = 30.0
ENVIRONMENT_TIMEOUT_SECONDS = 120.0  # libraries may take long to import for the first time
MAX_ENDS = 3  # of probes of one upload without a word, until that is taken for the model's doing


class Probes:
    """Probes each upload once, however often its event comes; `memory` bytes are for one."""

    def __init__(self, log: EventLog, spawner: Spawner, memory: int) -> None:
        self._log = log
        self._spawner = spawner
        self._memory = memory

    async def handle(self, fact: Recorded) -> None:
        """Of ModelVersionUploaded and ModelVersionPackaged. Raises Unavailable where another try
        may succeed."""
        if isinstance(fact.event, ModelVersionUploaded) and fact.event.requirements:
            return  # ModelVersionPackaged follows
        state, _ = await load(self._log, fact.stream, versions.evolve)
        if state.status != "pending":
            return
        outcome = await self._outcome(state)
        if isinstance(outcome, ModelVersionFailed):
            logger.info("model version %d can't be served: %s", state.number, outcome.reason)
        await transact(
            self._log,
            fact.stream,
            versions.evolve,
            lambda state: versions.probed(state, outcome),
            fact.because(SOURCE),
        )

    async def _outcome(self, state: ModelVersion) -> ModelVersionEvent:
        file, steps, seconds = (state.sha, state.blob), list[NewStep](), PROBE_TIMEOUT_SECONDS
        if state.environment:
            steps = [NewStep(file, state.environment, state.framework in versions.ARCHIVES)]
            seconds = ENVIRONMENT_TIMEOUT_SECONDS
        try:
            for _ in range(MAX_ENDS):
                child = await self._spawner.probe(file, self._memory, steps)
                answer = await self._answer(child, state, seconds)
                if answer or child.reason != "crashed":
                    break
        except Rejected as refusal:
            return ModelVersionFailed(reason=refusal.message)
        match plan.outcome(answer):
            case plan.Probed() as found:
                return ModelVersionReady(
                    inputs=found.inputs,
                    outputs=found.outputs,
                    trees=found.trees,
                    environment=state.environment,
                    seconds=found.seconds,
                    warnings=found.warnings,
                )
            case plan.Refusal(reason=reason):
                return ModelVersionFailed(reason=reason)
        return ModelVersionFailed(reason=f"it could not be loaded: {child.words}")

    async def _answer(self, child: Child, state: ModelVersion, seconds: float) -> bytes:
        """Empty if there is none; how the process has ended is in its reason and words."""
        answer, first = b"", state.configs[0]
        try:
            async with asyncio.timeout(seconds):
                answer = await child.ask(
                    plan.Upload(state.framework, first.input_schema, first.output_schema)
                )
        except TimeoutError:
            child.kill("start_failed", f"loading it took more than {seconds:.0f} s")
        except OSError:
            pass  # it has ended
        except asyncio.CancelledError:
            child.kill("service_stopped", "the service stops")
            raise
        if answer:
            child.kill("scaled_down", "it is done")
        await child.over()
        return answer
