"""Shared memory and terminals: each run's own, or closed to it."""

import pytest

from services.executor.backend import Limits
from tests.contracts.test_backend import MiB
from tests.contracts.test_backend_isolation import OWN_UID, OWN_VIEW, allowed, runs
from tests.executor.harness import Harness

__all__ = ["runs"]  # the fixture
# the fixture


async def test_shared_memory_has_the_size_of_the_disk_limit(runs: Harness) -> None:
    allowed(runs, OWN_VIEW)
    script = """
        import os
        with open("/dev/shm/a", "wb") as file:
            try:
                for _ in range(9): file.write(bytes(1 << 20)); file.flush()
            except OSError as error:
                print(error.strerror)
        os.truncate("/dev/shm/a", 1 << 20)
        import signal; signal.pause()
    """
    limits = Limits(disk_bytes=8 * MiB)
    run = await runs.start(runs.spec(script, limits=limits))
    await run.out.until("No space left on device")
    await run.running.stop("killed")
    script = """
        import signal
        for name in ("/dev/shm/a", "/tmp/b"):
            open(name, "wb").write(bytes(5 << 20))
        signal.pause()
    """
    outcome, _, err = await runs.run(script, limits=limits)
    assert (outcome.status, outcome.reason, err) == ("failure", "disk_quota", "")


async def test_shared_memory_is_private_or_closed(runs: Harness) -> None:
    script = """
        import os
        try:
            open("/dev/shm/left", "x"); print("made")
        except OSError as error:
            print(type(error).__name__)
    """
    _, first, _ = await runs.run(script)
    _, second, _ = await runs.run(script)
    expected = "made\n" if runs.able(OWN_VIEW) or runs.able(OWN_UID) else "PermissionError\n"
    assert first == second == expected


@pytest.mark.parametrize(
    "use",
    [
        "multiprocessing.Pool(2)",
        "multiprocessing.Queue()",
        "multiprocessing.Array('i', 10)",
        "concurrent.futures.ProcessPoolExecutor(1).submit(abs, 1)",
        "multiprocessing.shared_memory.SharedMemory(create=True, size=10)",
    ],
)
async def test_what_fails_without_shared_memory_is_told_why(runs: Harness, use: str) -> None:
    imports = "import concurrent.futures, multiprocessing, multiprocessing.shared_memory"
    outcome, _, err = await runs.run(f"{imports}\nkept = {use}\n")
    told = runs.backend.explain(err.encode())
    if runs.able(OWN_VIEW) or runs.able(OWN_UID):
        assert told == ""
    else:
        assert outcome.status == "failure"
        assert "/dev/shm" in told
        assert "namespaces" in told


async def test_other_failures_are_not_explained_by_it(runs: Harness) -> None:
    _, _, err = await runs.run("open('/proc/1/mem')")
    assert "PermissionError" in err
    assert runs.backend.explain(err.encode()) == ""


async def test_terminals_of_others_are_out_of_sight(runs: Harness) -> None:
    script = """
        import os, pty
        try:
            print(os.listdir("/dev/pts"), len(pty.openpty()))
        except OSError as error:
            print(error)
    """
    _, out, err = await runs.run(script)
    if runs.able(OWN_VIEW):
        assert (out, err) == ("['ptmx'] 2\n", "")
    elif not runs.able(OWN_UID):
        assert out.endswith("out of pty devices\n")
