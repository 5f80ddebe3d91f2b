"""The packages that an uploaded model asks for."""

from typing import Any
from uuid import UUID

import pytest

from libs.domain.events import ModelVersionPackaged, ModelVersionUploaded
from libs.domain.ids import (
    model_version_stream,
)
from libs.domain.model_version import REQUIREMENTS
from services.api.models import commands
from tests.api.model_uploads import ONNX, metadata, upload, uploaded, version, zipped
from tests.api.served_world import READY, Version, model_version
from tests.api.world import World


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "PROBE_TIMEOUT_SECONDS", 0.05)


@pytest.fixture
async def workspace(world: World) -> int:
    return await world.workspace()


@pytest.fixture
async def rf(world: World, workspace: int) -> Version:
    return await model_version(world, workspace, tensor_fields=["tensor"])


SKLEARN, SKOPS = REQUIREMENTS["sklearn"]
XGBOOST = REQUIREMENTS["xgboost"]


@pytest.mark.parametrize(
    ("framework", "files", "stated", "asked"),
    [
        ("python", {}, [], []),
        ("python", {"a/requirements.txt": "# none\n\n"}, [], []),
        ("python", {"requirements.txt": "Six == 1.16.0 # old\n"}, [], ["Six==1.16.0"]),
        ("custom", {"requirements.txt": "six"}, ["attrs>1"], ["attrs>1", "six"]),
        ("sklearn", {"requirements.txt": "six"}, [], [SKLEARN, SKOPS]),
        ("sklearn", {}, ["scikit_learn<1.8"], ["scikit_learn<1.8", SKOPS]),
        ("xgboost", {}, [], [*XGBOOST]),
        ("xgboost", {}, ["xgboost==3.0.0"], ["xgboost==3.0.0", XGBOOST[1]]),
        ("onnx", {}, ["six"], []),
    ],
)
async def test_an_upload_says_which_packages_it_needs(
    world: World,
    workspace: int,
    framework: str,
    files: dict[str, str],
    stated: list[str],
    asked: list[str],
) -> None:
    said = metadata(workspace, input_schema="AAAA", output_schema="BBBB")
    said["conversion"] = ONNX | {"framework": framework, "requirements": stated}
    number = await uploaded(world, said, file=zipped(files))
    id = UUID((await version(world, number))["model_version"]["file_info"]["version"])
    event = (await world.log.read(model_version_stream(workspace, id)))[0].event
    assert isinstance(event, ModelVersionUploaded)
    assert event.requirements == asked


@pytest.mark.parametrize(
    ("files", "stated", "words"),
    [
        ({"requirements.txt": "-e ."}, [], "requirements.txt: line 1 ('-e .') is an option"),
        ({"requirements.txt": "a", "b/requirements.txt": "c"}, [], "file: more than one req"),
        ({}, ["git+https://host/x"], "conversion.requirements: line 1 ('git+https://host/x')"),
        ({}, "six", "conversion.requirements: it is a list of texts"),
    ],
)
async def test_requirements_that_can_not_be_read_are_refused_at_once(
    world: World, workspace: int, files: dict[str, str], stated: Any, words: str
) -> None:
    said = metadata(workspace, input_schema="AAAA", output_schema="BBBB")
    said["conversion"] = ONNX | {"framework": "python", "requirements": stated}
    answer = await upload(world, said, file=zipped(files))
    assert (answer.status, answer.body["reason"]) == (400, "invalid")
    assert words in answer.body["msg"]


async def test_a_step_in_an_environment_is_loaded_once_that_is_there(
    world: World, workspace: int
) -> None:
    one = await model_version(world, workspace, outcome=None, requirements=["six"])
    statuses = []
    for event in (None, ModelVersionPackaged(environment="e", lock_digest="0"), READY):
        if event is not None:
            await world.append(model_version_stream(workspace, one.id), event)
            await world.service.caught_up()
        found = (await version(world, one.number))["model_version"]
        statuses.append(found["status"])
    assert statuses == ["pending_load_native", "attempting_load_container", "ready"]
