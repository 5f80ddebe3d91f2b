"""What keeps runs from each other and from the platform, as far as this machine allows it."""

import json
import os
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.executor.harness import Harness, living, mark, promising

OWN_VIEW = "Each run sees a file system"
OWN_FILES = "Runs can open only their own files"
OWN_UID = "Each run has a uid of its own"
OWN_SIGNALS = "signal only their own processes"


@pytest.fixture(params=promising("isolation"), ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    runs: Harness = await request.param.open(tmp_path)
    yield runs
    await runs.backend.close()


def allowed(runs: Harness, *protections: str) -> None:
    """Skip unless one of them is there."""
    if not any(map(runs.able, protections)):
        pytest.skip(f"this machine does not allow it: {protections}")


async def test_every_protection_is_said_in_a_sentence(runs: Harness) -> None:
    sentences = runs.backend.describe()
    assert len(sentences) == 5
    assert all(each[0].isupper() and each.endswith(".") for each in sentences)


async def test_with_a_view_its_home_is_home_jovyan(runs: Harness) -> None:
    allowed(runs, OWN_VIEW)
    script = "import os; print(os.getcwd(), __file__, os.environ['HOME'], os.environ['TMPDIR'])"
    _, out, _ = await runs.run(script)
    assert out == "/home/jovyan /home/jovyan/main.py /home/jovyan /tmp\n"


async def test_what_the_platform_keeps_is_out_of_reach(runs: Harness) -> None:
    allowed(runs, OWN_VIEW, OWN_FILES)
    secret = runs.folder / "secret"
    secret.write_text("data of the platform")
    secret.chmod(0o644)
    other = await runs.start(runs.spec("import signal; signal.pause()", slot=1))
    theirs = runs.folder / "runs"
    script = f"""
        import os
        for look, path in [
            (open, {str(secret)!r}), (os.listdir, {str(theirs)!r}),
            (os.listdir, "/root"), (os.listdir, "/var"),
        ]:
            try:
                look(path)
                print("reached", path)
            except OSError:
                pass
    """
    _, out, err = await runs.run(script)
    assert (out, err) == ("", "")
    await other.running.stop("killed")


async def test_it_writes_to_its_own_folders_only(runs: Harness) -> None:
    allowed(runs, OWN_VIEW, OWN_FILES)
    name, own = mark(), runs.able(OWN_VIEW) or runs.able(OWN_UID)
    script = """
        import os, sys, tempfile
        def writable(folder):
            try:
                with open(os.path.join(folder, NAME), "w"):
                    return True
            except OSError:
                return False
        for folder in ".", os.environ["HOME"], tempfile.gettempdir():
            assert writable(folder), folder
        assert writable("/dev/shm") == OWN
        for folder in "/", "/etc", "/usr", "/var/tmp", sys.prefix, sys.base_prefix, "/dev", "/home":
            assert not writable(folder), folder
        open("/dev/null", "w").write("x")
    """
    outcome, _, err = await runs.run(f"NAME, OWN = {name!r}, {own}\n{textwrap.dedent(script)}")
    assert (outcome.status, err) == ("success", "")
    assert not (Path("/dev/shm") / name).exists()


async def test_runs_cannot_see_each_other(runs: Harness) -> None:
    allowed(runs, OWN_VIEW)
    hidden = mark()
    script = f"import subprocess; subprocess.run(['sleep', '{hidden}'])"
    other = await runs.start(runs.spec(f"print('ready'); {script}", slot=1))
    await other.out.until("ready")
    _, out, _ = await runs.run(
        "import os; print([int(n) for n in os.listdir('/proc') if n.isdigit()])"
    )
    assert json.loads(out) == [1, 2]  # the shim and itself
    await other.running.stop("killed")


async def test_runs_cannot_signal_each_other_or_the_platform(runs: Harness) -> None:
    allowed(runs, OWN_VIEW, OWN_UID, OWN_SIGNALS)
    name = f"other{uuid4().hex}.py"
    waits = "print('ready', flush=True); import signal; signal.pause()"
    other = await runs.start(runs.spec(waits, slot=1, entrypoint=name))
    await other.out.until("ready")
    script = f"""
        import os
        for pid in {[*living(name), os.getpid(), os.getppid()]}:
            try:
                os.kill(pid, 0)
                print("reached", pid)
            except OSError:
                pass
    """
    _, out, err = await runs.run(script)
    assert (out, err) == ("", "")
    await other.running.stop("killed")


async def test_a_task_cannot_end_its_shim(runs: Harness) -> None:
    """Where it can, all of it dies with the shim: see test_i7_a_killed_shim."""
    allowed(runs, OWN_VIEW, OWN_UID, OWN_SIGNALS)
    script = """
        import os, signal
        try:
            os.kill(os.getppid(), signal.SIGKILL)
        except PermissionError:
            pass
        print("alive")
    """
    outcome, out, _ = await runs.run(script)
    assert (outcome.status, out) == ("success", "alive\n")


async def test_it_has_no_capability(runs: Harness) -> None:
    script = """
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        print(status["CapEff"].strip(), status["NoNewPrivs"].strip())
    """
    _, out, _ = await runs.run(script)
    assert out == "0000000000000000 1\n"
