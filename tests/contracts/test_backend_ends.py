"""How a run is asked to end: what of the script runs then, and for how long at most."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.executor.harness import BACKENDS, Harness, living, mark, needs

UP = "print('up', flush=True)\n"


@pytest.fixture(params=BACKENDS, ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    runs: Harness = await request.param.open(tmp_path)
    yield runs
    await runs.backend.close()
    assert runs.remains() == []


async def stopped(runs: Harness, script: str, grace: float = 20.0) -> tuple[str, str, float]:
    """What it said from `up` on, on both streams, and how long it took to end."""
    run = await runs.start(runs.spec(script, grace=grace))
    await run.out.until("up\n")
    begun = time.monotonic()
    await run.running.stop("killed")
    took = time.monotonic() - begun
    assert (await run.running.wait()).status == "killed"
    return (await run.out.all()).removeprefix("up\n"), await run.err.all(), took


UNWINDS = """
import atexit, contextlib, time
atexit.register(print, "atexit")
@contextlib.contextmanager
def cluster():
    try:
        yield
    finally:
        print("cluster down")
try:
    with cluster():
        print("up", flush=True)
        time.sleep(600)
finally:
    print("finally")
"""


async def test_finally_with_and_atexit_run(runs: Harness) -> None:
    needs(runs, "unwinding")
    out, err, _ = await stopped(runs, UNWINDS)
    assert out == "cluster down\nfinally\natexit\n"
    assert err == ""


async def test_a_handler_of_its_own_gets_sigterm_and_nothing_else(runs: Harness) -> None:
    script = """
        import signal, sys, time
        for each in signal.SIGTERM, signal.SIGINT:
            signal.signal(each, lambda number, _: (print(number.__class__(number)), sys.exit(0)))
        print("up", flush=True)
        time.sleep(600)
    """
    out, err, _ = await stopped(runs, script)
    assert (out, err) == ("15\n", "")


async def test_coroutines_are_cancelled_and_cleaned_up(runs: Harness) -> None:
    needs(runs, "unwinding")
    script = """
        import asyncio
        async def work():
            try:
                print("up", flush=True)
                await asyncio.sleep(600)
            finally:
                await asyncio.sleep(0)
                print("released")
        asyncio.run(work())
    """
    assert (await stopped(runs, script))[0] == "released\n"


async def test_children_are_the_main_process_to_end_in_its_order(runs: Harness) -> None:
    argument = mark()
    script = f"""
        import signal, subprocess, sys
        child = subprocess.Popen(["sleep", "{argument}"])
        def end(*_):
            print(child.poll())
            child.terminate()
            print(child.wait())
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("up", flush=True)
        while True:
            signal.pause()
    """
    assert (await stopped(runs, script))[0] == "None\n-15\n"
    assert not living(argument)


async def test_nothing_of_it_is_found_in_the_script(runs: Harness) -> None:
    """No handler that a script could find or a child of it inherit."""
    script = """
        import multiprocessing, signal, time
        print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
        child.start()
        child.terminate()
        child.join()
        print(child.exitcode)
    """
    _, out, err = await runs.run(script)
    assert (out, err) == ("True\nTrue\n-15\n", "")


async def test_who_is_deaf_is_ended_after_the_grace(runs: Harness) -> None:
    needs(runs, "unwinding")
    script = """
        import time
        while True:
            try:
                print("up", flush=True)
                time.sleep(600)
            except BaseException as error:
                print(repr(error))
    """
    out, _, took = await stopped(runs, script, grace=0.5)
    assert out == "SystemExit(143)\nup\n"
    assert took >= 0.5


async def test_another_program_in_its_place_gets_sigterm(runs: Harness) -> None:
    script = (
        "import os\nos.execv('/bin/sh', ['sh', '-c', "
        "'trap \"echo bye; exit 0\" TERM; echo up; while :; do sleep 0.1; done'])\n"
    )
    assert (await stopped(runs, script))[0] == "bye\n"


async def test_a_second_order_can_only_make_it_shorter(runs: Harness) -> None:
    script = "import signal, time\nsignal.signal(signal.SIGTERM, print)\n" + UP + "time.sleep(600)"
    run = await runs.start(runs.spec(script, grace=600.0))
    await run.out.until("up\n")
    asked = asyncio.create_task(run.running.stop("timed_out"))
    await run.out.until("15 ")
    await run.running.stop("killed", within=0.1)
    await asked
    assert (await run.running.wait()).status == "timed_out"
    assert (await run.out.all()).count("15 ") == 1


async def test_an_interpreter_that_a_script_makes_of_itself_unwinds_too(runs: Harness) -> None:
    needs(runs, "unwinding")
    again = "import time\ntry: print('up', flush=True); time.sleep(600)\nfinally: print('end')"
    script = f"import os, sys\nos.execv(sys.executable, ['python', '-u', '-c', {again!r}])"
    out, err, _ = await stopped(runs, script)
    assert out == "end\n"
    assert err.endswith("KeyboardInterrupt\n")


async def test_a_new_interpreter_keeps_its_path_and_its_own_sitecustomize(runs: Harness) -> None:
    """What makes it listen is gone when the script begins."""
    script = """
        import os, subprocess, sys
        print([name for name in os.environ if "PYTHONPATH" in name])
        print([each for each in [*sys.path, *sys.path_importer_cache] if "/fd/" in each])
        print(sorted(os.listdir("/proc/self/fd")) == ["0", "1", "2", "3"])
        child = "import os, signal, sys; print(signal.getsignal(60) == signal.SIG_DFL)"
        sys.stdout.flush()
        subprocess.run([sys.executable, "-c", child], check=True)
    """
    _, out, err = await runs.run(script)
    assert (out, err) == ("[]\n[]\nTrue\nTrue\n", "")


async def test_its_own_pythonpath_stays(runs: Harness) -> None:
    run = await runs.start_anyhow(
        runs.spec(
            "import os, sys; print(os.environ['PYTHONPATH'], '/nowhere' in sys.path)",
            variables={"PYTHONPATH": "/nowhere"},
        )
    )
    await run.running.wait()
    assert await run.out.all() == "/nowhere True\n"


async def test_without_a_grace_it_ends_at_once(runs: Harness) -> None:
    out, err, _ = await stopped(runs, UNWINDS, grace=0.0)
    assert (out, err) == ("", "")


async def test_another_program_is_not_taken_for_an_interpreter(runs: Harness) -> None:
    script = (
        "import os\nos.execv('/bin/sh', ['sh', '-c', "
        "'trap \"echo on\" INT; echo up; while :; do sleep 0.1; done'])\n"
    )
    out, _, took = await stopped(runs, script)
    assert out == ""
    assert took < 10


async def test_who_blocks_sigterm_has_a_thread_that_waits_for_it(runs: Harness) -> None:
    script = """
        import os, signal, threading
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        def wait():
            print("got", int(signal.sigwait([signal.SIGTERM])))
            os._exit(0)
        thread = threading.Thread(target=wait)
        thread.start()
        print("up", flush=True)
        thread.join()
    """
    assert (await stopped(runs, script))[0] == "got 15\n"


async def test_a_traceback_from_where_it_was_names_nothing_of_ours(runs: Harness) -> None:
    needs(runs, "unwinding")
    script = """
        import time
        try:
            print("up", flush=True)
            time.sleep(600)
        finally:
            1 / 0
    """
    _, err, _ = await stopped(runs, script)
    lines = [line for line in err.splitlines() if line.lstrip().startswith("File ")]
    assert ["main.py" in line for line in lines] == [True, False, True]
    assert lines[1].startswith('  File "<rondo>"')
    assert lines[1].endswith("in asked_to_end")
