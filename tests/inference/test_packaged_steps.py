"""From an upload to its answer: the packager and the inference service, with real environments."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.inference import models
from tests.inference.environments import numpy_wheel
from tests.inference.service import Service
from tests.inference.test_environment_steps import LIBRARY, SCHEMAS, TIMES
from tests.packager.test_wheels import local_wheel


@pytest.fixture
async def numpy(service: Service) -> AsyncIterator[str]:
    """What requires it; the packager runs, with wheels of ours and no index."""
    links = service.folder / "links"
    find = local_wheel(links, "factor", {"factor.py": LIBRARY})
    required = numpy_wheel(links)
    (service.folder / "base.in").touch()
    data = service.folder / "packager"
    data.mkdir()
    own = {
        "RONDO_DATA": str(data),
        "RONDO_BASE": str(service.folder / "base.in"),
        "RONDO_LISTEN": "127.0.0.1:0",
        "UV_OFFLINE": "1",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "services.packager"), env=service.environment | own | find
    )
    yield required
    process.terminate()
    await process.wait()


async def test_an_upload_with_requirements_is_packaged_probed_and_served(
    service: Service, numpy: str, tmp_path: Path
) -> None:
    path = models.step(tmp_path / "step.zip", {"step.py": TIMES})

    state = await service.upload(path, "python", requirements=[numpy, "factor==1.0"], **SCHEMAS)

    assert (state.status, state.reason) == ("ready", "")
    assert state.environment in os.listdir(service.folder / "environments")
    deployed = await service.serve("steps", state)
    await deployed.running()
    status, answer = await deployed.infer([{"x": [1, 2]}])
    assert (status, answer[0]["out"]["y"]) == (200, [3, 6])

    missing = await service.upload(path, "python", requirements=["factor==7.0"], **SCHEMAS)
    assert missing.status == "error"
    assert "factor==7.0" in missing.reason
    bare = await service.upload(path, "python", requirements=["factor"], **SCHEMAS)
    assert bare.status == "error"
    assert "no numpy that can be imported" in bare.reason
