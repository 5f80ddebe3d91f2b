"""One replica, from its order to its end."""

import asyncio
import time
from collections.abc import Sequence
from typing import Literal
from uuid import uuid4

from libs.domain.deployment import Revision
from libs.domain.model_version import ARCHIVES
from libs.domain.values import DeployedModel, ReplicaEnd
from services.inference import plan
from services.inference.control.child import Child
from services.inference.control.spawner import Spawner
from services.inference.control.step_guards import NewStep
from services.inference.gateway.table import Member
from services.inference.memory import replica_words

LOAD_TIMEOUT_SECONDS = 120.0

Status = Literal["starting", "running", "draining", "ended"]


class Unservable(Exception):
    """The models can't be loaded, however often it is tried."""


class Ended(Exception):
    """The process has ended while it started; another try may succeed."""


class Replica:
    """`announced` says that the log knows of it."""

    def __init__(self, revision: Revision, at_once: int) -> None:
        self.id = uuid4()
        self.revision = revision
        self.status: Status = "starting"
        self.announced = False
        self.since = time.monotonic()
        self.seconds = 0.0
        self.why: ReplicaEnd = "crashed"
        self.child: Child | None = None
        self.member: Member | None = None
        self._at_once = at_once

    async def start(self, spawner: Spawner) -> None:
        """Returns once it serves; `seconds` is what loading took. Raises Unservable, Ended,
        Unavailable, Rejected."""
        files = {one.version: (one.sha, one.blob) for one in self.revision.models}
        memory = self.revision.limits.memory_bytes
        steps = _steps(self.revision.models)
        self.child, socket = await spawner.replica(
            str(self.id), list(files.values()), memory, steps
        )
        outcome = await self._load(self.child)
        if isinstance(outcome, plan.Refusal):
            self.child.kill("start_failed", outcome.reason)
            raise Unservable(outcome.reason)
        if not isinstance(outcome, plan.Loaded) or self.child.killed:
            await self.child.over()
            out_of_memory = self.child.reason == "out_of_memory"
            raise (Unservable if out_of_memory else Ended)(self.child.words)
        if memory is not None and (has := self.child.resident()) > memory:
            words = replica_words(has, memory)
            self.child.kill("out_of_memory", words)
            raise Unservable(words)
        self.status = "running"
        self.member = Member(self.id, self.revision.version, socket, self._at_once)
        self.seconds = outcome.seconds

    async def _load(self, child: Child) -> object:
        work = plan.Plan(
            replica=self.id,
            pipeline_version=str(self.revision.version),
            steps=self.revision.steps,
            models=self.revision.models,
            cpus=self.revision.limits.cpus,
            at_once=self._at_once,
        )
        answer = b""
        try:
            async with asyncio.timeout(LOAD_TIMEOUT_SECONDS):
                answer = await child.ask(work)
        except TimeoutError:
            child.kill(
                "start_failed",
                f"loading took more than {LOAD_TIMEOUT_SECONDS:.0f} s; deploy smaller models",
            )
        except OSError:
            pass  # it has ended: how is in its words
        except asyncio.CancelledError:
            child.kill("undeployed", "it is not needed any more")
            raise
        return plan.outcome(answer)

    @property
    def has_ended(self) -> bool:
        """After it had started."""
        ended = self.child is not None and self.child.status is not None
        return ended and self.status != "starting"

    def drain(self, why: ReplicaEnd) -> None:
        """It gets no more requests, and is to end when it has answered those that it has."""
        self.status, self.why = "draining", why

    def end(self, why: ReplicaEnd) -> None:
        """Kill it, for it is not needed any more."""
        self.why = why
        if self.child is not None:
            self.child.kill(why, "")


def _steps(models: Sequence[DeployedModel]) -> list[NewStep]:
    """One for each version that runs in an environment, in the order of the models."""
    steps = {
        one.version: NewStep(
            (one.sha, one.blob), one.environment, one.framework in ARCHIVES, one.threads
        )
        for one in models
        if one.environment
    }
    return list(steps.values())
