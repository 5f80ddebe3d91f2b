"""A step in Python, where it is served: in a replica, which is confined."""

from pathlib import Path

import pyarrow as pa
import pytest

from tests.inference import models
from tests.inference.engine.test_python_step import NUMBERS, SPREAD, schema
from tests.inference.service import Service

SCHEMAS = {
    "input_schema": schema(built=pa.int64(), rooms=pa.int64()),
    "output_schema": schema(tensor=NUMBERS),
}


async def test_a_step_is_probed_and_served_with_pandas(service: Service, tmp_path: Path) -> None:
    path = models.step(tmp_path / "step.zip", {"step/step.py": SPREAD})

    state = await service.upload(path, "python", **SCHEMAS)

    assert (state.status, state.reason) == ("ready", "")
    assert [each.name for each in state.inputs] == ["built", "rooms"]
    deployed = await service.deploy(
        "houses", path, framework="python", inputs=state.inputs, outputs=state.outputs
    )
    await deployed.running()
    status, answer = await deployed.infer([{"built": 1924, "rooms": 3}])
    assert status == 200, answer
    assert answer[0]["out"]["tensor"] == [100.0, 3.0, 3.0]


async def test_a_step_that_can_not_be_imported_says_why(service: Service, tmp_path: Path) -> None:
    path = models.step(tmp_path / "step.zip", {"step/step.py": "import torch\n" + SPREAD})

    state = await service.upload(path, "python", **SCHEMAS)

    assert state.status == "error"
    assert "there is no 'torch'" in state.reason


async def test_a_step_has_no_network_and_no_programs(service: Service, tmp_path: Path) -> None:
    """It may compute: everything else is refused by the kernel."""
    nosy = """
import os
import socket
import subprocess

import numpy as np


def process_data(data):
    refused = 0
    for attempt in (
        lambda: socket.create_connection(("127.0.0.1", 4222), 1),
        lambda: subprocess.run(["/bin/true"], check=True),
        lambda: os.listdir("/root"),
        lambda: open("/tmp/step", "w"),
        os.fork,
    ):
        try:
            attempt()
        except OSError:
            refused += 1
    return {"tensor": np.full((len(data["built"]), 1), refused, np.float32)}
"""
    path = models.step(tmp_path / "step.zip", {"step/step.py": nosy})
    state = await service.upload(path, "python", **SCHEMAS)
    deployed = await service.deploy(
        "houses", path, framework="python", inputs=state.inputs, outputs=state.outputs
    )
    await deployed.running()

    _, answer = await deployed.infer([{"built": 1924, "rooms": 3}])

    assert answer[0]["out"]["tensor"] == [5.0]


SAYS = """
import os
import struct

for descriptor in range(3, 64):
    try:
        os.write(descriptor, struct.pack("<I", {length}) + b"x" * {sent})
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SAYS.format(length=4, sent=4), "an answer that can't be read"),
        (SAYS.format(length=1 << 31, sent=100), "an answer of 2147483648 bytes"),
        ("raise ValueError('x' * 3_000_000)\n", "can't be imported: ValueError: xxx"),
    ],
)
async def test_what_a_step_says_of_itself_is_bounded(
    service: Service, tmp_path: Path, text: str, words: str
) -> None:
    path = models.step(tmp_path / "step.zip", {"step/step.py": text + SPREAD})

    state = await service.upload(path, "python", **SCHEMAS)

    assert state.status == "error"
    assert words in state.reason
    assert len(state.reason) < 5000
