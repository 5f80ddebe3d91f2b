"""What a run may have of memory, disk and processes, and how it ends beyond that."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from services.executor.backend import Limits
from tests.contracts.test_backend import MiB
from tests.executor.harness import Harness, living, promising


@pytest.fixture(params=promising("limits"), ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    runs: Harness = await request.param.open(tmp_path)
    yield runs
    await runs.backend.close()
    assert runs.remains() == []


async def test_files_have_a_greatest_size(runs: Harness) -> None:
    script = "with open('big', 'wb') as f: f.write(bytes(2 << 20))"
    outcome, _, err = await runs.run(script, limits=Limits(file_bytes=MiB))
    assert outcome.exit_code == 1
    assert "File too large" in err


async def test_memory_has_a_limit(runs: Harness) -> None:
    outcome, _, err = await runs.run("bytes(1 << 30)", limits=Limits(memory_bytes=300 * MiB))
    assert (outcome.status, outcome.exit_code) == ("failure", 1)
    assert err.endswith("MemoryError\n")


async def test_disk_space_has_a_limit(runs: Harness) -> None:
    script = """
        import os, signal, tempfile
        for n in range(3):
            with open(f"{tempfile.gettempdir()}/{n}", "wb") as f:
                f.write(os.urandom(1 << 20))
        signal.pause()
    """
    outcome, _, err = await runs.run(script, limits=Limits(disk_bytes=2 * MiB))
    assert (outcome.status, outcome.reason, err) == ("failure", "disk_quota", "")


async def test_a_fork_bomb_is_bounded_and_ends(runs: Harness) -> None:
    if os.geteuid() == 0 and not runs.able("Each run has a uid of its own"):
        pytest.skip("the kernel does not count root's processes")
    script = """
        import os
        if os.fork():
            print("ready")
        while True:
            try:
                os.fork()
            except OSError:
                pass
    """
    name = f"bomb{uuid4().hex}.py"
    limits = Limits(processes=50)
    bomb = await runs.start(runs.spec(script, entrypoint=name, limits=limits))
    await bomb.out.until("ready")
    other, out, _ = await runs.run("print('unharmed')", slot=1)
    assert (other.status, out) == ("success", "unharmed\n")
    assert 1 < len(living(name)) <= 50
    await bomb.running.stop("killed")
    assert not living(name)
