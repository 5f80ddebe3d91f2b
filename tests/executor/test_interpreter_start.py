"""The time of a run counts from its script on, however long an interpreter takes to get there."""

import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.executor.harness import Kind

KIND = Kind("exec", namespaces=True)


def slow_python(folder: Path, seconds: float) -> Path:
    """An environment whose interpreter does something else first, for so long."""
    site = folder / "lib" / Path(sysconfig.get_path("purelib")).parent.name / "site-packages"
    site.mkdir(parents=True)
    (site / "slow.pth").write_text(f"import time; time.sleep({seconds})\n")
    real = Path(sys.executable).resolve()
    (folder / "pyvenv.cfg").write_text(f"home = {real.parent}\n")
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.symlink_to(real)
    return python


@pytest.mark.parametrize(("script", "status"), [("print(1)", "success"), (None, "timed_out")])
async def test_what_comes_before_the_script_does_not_count(
    tmp_path: Path, script: str | None, status: str
) -> None:
    runs = await KIND.open(tmp_path)
    try:
        python = slow_python(tmp_path / "slow", 3.0)
        endless = "import time\nprint(1, flush=True)\ntime.sleep(60)"
        began = time.monotonic()
        outcome, out, _ = await runs.run(script or endless, python=python, timeout=2.0)
        assert (outcome.status, out) == (status, "1\n")
        assert time.monotonic() - began > 3.0
    finally:
        await runs.backend.close()


async def test_a_kill_before_the_script_tells_of_no_interruption(tmp_path: Path) -> None:
    runs = await KIND.open(tmp_path)
    try:
        python = slow_python(tmp_path / "slow", 1.0)
        run = await runs.start(runs.spec("print(1)", python=python, grace=30))
        await run.running.stop("killed")
        outcome = await run.outcome()
        assert (outcome.status, outcome.signal) == ("killed", "SIGTERM")
        assert (await run.out.all(), await run.err.all()) == ("", "")
    finally:
        await runs.backend.close()
