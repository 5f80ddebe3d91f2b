"""Models that have requirements get an environment, or the reason why they have none."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from libs.domain import model_version as versions
from libs.domain.events import (
    DeploymentRequested,
    DeploymentUndeployed,
    Event,
    ModelVersionDeleted,
    ModelVersionFailed,
    ModelVersionPackaged,
    ModelVersionReady,
    ModelVersionUploaded,
)
from libs.domain.ids import StreamId, deployment_stream, model_version_stream
from libs.domain.model_version import ModelVersion
from libs.domain.values import DeployedModel
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.transact import load
from libs.telemetry.instrumented_log import AppendMetrics
from libs.telemetry.registry import MetricRegistry
from services.packager.environment_usage import EnvironmentUsage
from services.packager.model_reactions import ModelPackager
from tests.packager.test_build import BuildFolder
from tests.packager.test_build import build_folder as build_folder
from tests.packager.test_wheels import local_wheel

_API = Context(source="api", actor="test")


class Uploads:
    """Model versions in a log, and what packages them."""

    def __init__(self, log: EventLog, folder: BuildFolder, environ: dict[str, str]) -> None:
        self.log = log
        self.built = 0
        self.packager = ModelPackager(log, folder.builder(environ), self._count)

    def _count(self) -> None:
        self.built += 1

    async def append(self, stream: StreamId, *events: Event) -> list[Recorded]:
        facts = await self.log.read(stream)
        for event in events:
            seq = facts[-1].seq if facts else 0
            await self.log.append(Proposed(stream, seq, event), _API)
            facts = await self.log.read(stream)
        return facts

    async def upload(self, requirements: Sequence[str], *then: Event) -> ModelVersion:
        """What has become of it, after its event has come twice."""
        stream = model_version_stream(1, uuid4())
        event = ModelVersionUploaded(
            model=uuid4(),
            name="step",
            file_name="step.zip",
            file_size=9,
            sha="0" * 64,
            blob="models/step",
            framework="python",
            requirements=list(requirements),
        )
        uploaded = (await self.append(stream, event, *then))[0]
        await asyncio.gather(*(self.packager.handle(uploaded) for _ in range(2)))
        return (await load(self.log, stream, versions.evolve))[0]


@pytest.fixture
def uploads(log: EventLog, build_folder: BuildFolder) -> Uploads:
    links = build_folder.data.parent / "links"
    return Uploads(log, build_folder, local_wheel(links, "tiny", {"tiny.py": "A = 1"}))


async def test_requirements_become_an_environment_once(
    uploads: Uploads, build_folder: BuildFolder
) -> None:
    state = await uploads.upload(["tiny==1.0"])

    assert state.status == "pending"  # it is to be probed there
    assert build_folder.folders() == {state.environment}
    last = (await uploads.log.read(model_version_stream(1, state.id)))[-1]
    assert isinstance(last.event, ModelVersionPackaged)
    assert last.source == "packager"
    assert len(last.event.lock_digest) == 64


async def test_a_requirement_that_does_not_exist_is_the_reason(uploads: Uploads) -> None:
    state = await uploads.upload(["tiny==7.0"])

    assert state.status == "error"
    assert "requirements.txt: " in state.reason
    assert "tiny==7.0" in state.reason


def test_models_count_as_packaged_or_not() -> None:
    metrics = MetricRegistry()
    count = AppendMetrics(metrics).record
    packaged = ModelVersionPackaged(environment="one", lock_digest="0", seconds={"resolve": 1.0})
    for event, source in (
        (packaged, "packager"),
        (ModelVersionFailed(reason="no such package"), "packager"),
        (ModelVersionFailed(reason="no such file"), "inference"),
    ):
        count(event, Context(source=source, actor="test"), 0.1)

    (outcomes,) = [each for each in metrics.counters if each.name == "rondo_packaging_outcomes"]
    assert [outcomes.of(each).value for each in ("ready", "failed")] == [1, 1]


async def test_nothing_is_built_for_what_needs_none(
    uploads: Uploads, build_folder: BuildFolder
) -> None:
    plain = await uploads.upload([])
    deleted = await uploads.upload(["tiny"], ModelVersionDeleted())

    assert (plain.status, plain.environment) == ("pending", "")
    assert (deleted.status, deleted.environment) == ("deleted", "")
    assert not build_folder.folders()


async def test_an_environment_is_needed_while_it_is_probed_or_deployed(
    log: EventLog, uploads: Uploads
) -> None:
    usage = EnvironmentUsage(log)
    version = (await uploads.upload([])).id
    stream = model_version_stream(1, version)
    packaged = ModelVersionPackaged(environment="one", lock_digest="0")
    deployment = deployment_stream(1, UUID(int=1))
    requested = DeploymentRequested(
        pipeline=UUID(int=1),
        name="p",
        version=UUID(int=2),
        version_number=1,
        steps=[],
        models=[_deployed(version, "one"), _deployed(uuid4(), "")],
    )
    ready = ModelVersionReady(inputs=[], outputs=[], environment="one")
    needed = []
    for where, event, added in (
        (stream, packaged, {"one"}),
        (stream, ready, set()),
        (deployment, requested, {"one"}),
        (deployment, DeploymentUndeployed(), set()),
    ):
        fact = (await uploads.append(where, event))[-1]
        assert usage.fold(fact) == added
        needed.append(await usage.needed())

    assert needed == [{"one"}, set(), {"one"}, set()]


def _deployed(version: UUID, environment: str) -> DeployedModel:
    return DeployedModel(
        name="step",
        version=version,
        number=1,
        config=1,
        sha="0" * 64,
        blob="b",
        framework="python",
        inputs=[],
        outputs=[],
        environment=environment,
    )
