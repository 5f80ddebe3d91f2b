"""What stands above an import counts, whatever other scripts of the environment import."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.executor.harness import Harness, Kind
from tests.executor.steering import BESIDE, PACKAGES, SCRIPTS
from tests.executor.test_zoo import seen

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with the packages."""
    folder = tmp_path_factory.mktemp("steering") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    for name, content in PACKAGES.items():
        file = packages / (name if name.endswith(".py") else f"{name}.py")
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    return folder / "bin" / "python"


@pytest_asyncio.fixture(
    params=[Kind("fork", True), Kind("fork", False)], ids=str, scope="module", loop_scope="module"
)
async def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, python: Path
) -> AsyncIterator[Harness]:
    runs: Harness = await request.param.open(tmp_path_factory.mktemp("steering"))
    every = "".join(f"import {name.partition('/')[0]}\n" for name in PACKAGES)
    await runs.run(every, python=python)
    yield runs
    await runs.backend.close()


@pytest.mark.parametrize("name", SCRIPTS)
async def test_what_stands_above_an_import_counts(runs: Harness, python: Path, name: str) -> None:
    if name == "plain" and not runs.able("Each run sees a file system"):
        pytest.skip("its runs find their script at different places")
    expected = await seen(runs, SCRIPTS[name], "exec", True, BESIDE, python)
    assert await seen(runs, SCRIPTS[name], "fork", None, BESIDE, python) == expected
