"""What becomes of an upload whose probe does not end by itself."""

import asyncio
import os
import signal
from pathlib import Path

from tests.inference import models
from tests.inference.engine.test_python_step import SPREAD
from tests.inference.service import Service
from tests.inference.test_python_steps import SCHEMAS

ENDS_ITSELF = "import os\nos._exit(3)\n"


async def test_a_probe_that_somebody_kills_says_nothing_of_the_model(
    service: Service, tmp_path: Path
) -> None:
    slow = "import time\ntime.sleep(2)\n" + SPREAD
    path = models.step(tmp_path / "step.zip", {"step/step.py": slow})
    uploading = asyncio.create_task(service.upload(path, "python", **SCHEMAS))

    os.kill(await service.child("rondo probe"), signal.SIGKILL)

    state = await uploading
    assert (state.status, state.reason) == ("ready", "")


async def test_a_model_that_ends_each_probe_is_refused(service: Service, tmp_path: Path) -> None:
    path = models.step(tmp_path / "step.zip", {"step/step.py": ENDS_ITSELF + SPREAD})

    state = await service.upload(path, "python", **SCHEMAS)

    assert state.status == "error"
    assert "its process ended with status 3" in state.reason
