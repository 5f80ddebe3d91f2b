"""Models, pipelines and inferences by the published SDK, as the tutorials do it."""

from pathlib import Path

import pytest

from tests.inference import models
from tests.sdk_acceptance.conftest import Script

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Models of the shapes of the tutorials', and one that is none."""
    folder = tmp_path / "models"
    folder.mkdir()
    models.linear(folder / "linear.onnx")
    models.multi_io(folder / "multi_io.onnx")
    for seed, name in enumerate(("rf_model", "xgb_model", "gbr_model")):
        models.trees(folder / f"{name}.onnx", seed=seed)
    (folder / "broken.onnx").write_bytes(b"no model")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "models",
        "pipelines",
        "inferring",
        "experiments",
        "pipeline_logs",
        "scaling",
        "python_steps",
        "environment_steps",
    ],
)
async def test_a_part_of_it(script: Script, folder: Path, name: str) -> None:
    assert (await script(name, str(folder))).endswith("done\n")
