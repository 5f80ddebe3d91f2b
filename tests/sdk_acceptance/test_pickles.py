"""Models of the real scikit-learn and XGBoost, trained where they are installed, by the SDK."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from libs.domain.errors import Rejected, Unavailable
from libs.domain.model_version import REQUIREMENTS
from services.packager.build import Builder
from tests.sdk_acceptance.conftest import Script

TRAINING = Path(__file__).with_name("trained_models.py")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models, with what they predict."""
    folder = tmp_path_factory.mktemp("trained")
    builder = Builder(folder / "data", folder / "environments", os.environ)
    wanted = dict.fromkeys(each for several in REQUIREMENTS.values() for each in several)
    try:
        built = asyncio.run(builder.build(list(wanted)))
    except (Rejected, Unavailable) as problem:
        pytest.skip(f"scikit-learn and XGBoost can't be installed here: {problem}")
    models = folder / "models"
    models.mkdir()
    subprocess.run([built.python, "-I", TRAINING, models], check=True)
    return models


@pytest.mark.parametrize("framework", ["sklearn", "xgboost"])
async def test_models_answer_what_their_library_predicts(
    script: Script, trained: Path, framework: str
) -> None:
    assert (await script("pickles", str(trained), framework)).endswith("done\n")
