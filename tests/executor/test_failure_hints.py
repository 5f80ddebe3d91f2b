"""What the machine lacks is told in the log of the run that fails for it, by the whole platform."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import without_namespaces
from tests.platform import Platform, api, running

POOL = "import multiprocessing\nif __name__ == '__main__':\n    multiprocessing.Pool(2)\n"


def _possible() -> bool:
    """Tried in a child, since there is no way back."""
    if (child := os.fork()) == 0:
        try:
            without_namespaces.become_ordinary()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    rondo = str(Path(sys.executable).with_name("rondo"))
    program = [sys.executable, "-P", without_namespaces.__file__, rondo]
    with running(Platform(tmp_path, program=program)) as platform:
        yield platform


@pytest.mark.skipif(not _possible(), reason="a user namespace makes us somebody else")
@pytest.mark.timeout(300)
async def test_the_stored_log_ends_with_what_the_machine_lacks(platform: Platform) -> None:
    async with api(platform, "lacking") as client:
        orchestration = await client.ready({"main.py": POOL})
        for mode in ("exec", "fork"):
            [run] = await client.ended(await client.run(orchestration, mode=mode))
            assert run["status"] == "failure"
            [*_, error, told] = await client.lines(run["run_id"])
            assert error == "PermissionError: [Errno 13] Permission denied"
            assert told.startswith("RONDO: runs on this machine have no /dev/shm")
            assert "allow user namespaces" in told
