"""The SDK on every Python that it is for, as far as this machine has them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk import SDK

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SMOKE = Path(__file__).with_name("smoke.py")


def _candidates(version: str) -> Iterator[str]:
    if found := shutil.which(f"python{version}"):
        yield found
    for folder in (Path.home() / ".pyenv" / "versions", Path.home() / ".local/share/uv/python"):
        yield from map(str, folder.glob(f"*/bin/python{version}"))


def _interpreter(version: str) -> str | None:
    """One that works: a version manager leaves names behind that don't."""
    for path in _candidates(version):
        asked = [path, "-c", "import ssl, sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return path
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_the_road_of_a_run(version: str, environment: dict[str, str], tmp_path: Path) -> None:
    python = _interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    (tmp_path / "main.py").write_text("print('hello')")
    done = subprocess.run(
        [python, "-W", "error", str(SMOKE)],
        env={**os.environ, "PYTHONPATH": f"{SDK}:{SDK / 'alias'}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
