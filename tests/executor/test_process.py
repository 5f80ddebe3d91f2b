"""Killing a process tree without a namespace or control group, as an ordinary user must."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from libs.linux import cgroup
from tests.executor.harness import DAEMON, living, mark

ROOT = Path(__file__).parents[2]

SHIM = """
import os
from libs.linux import process, syscalls
syscalls.become_subreaper()
os.setsid()
seen, alive = os.pipe()
spared = os.fork()
if not spared:
    os.execv("/bin/sleep", ["sleep", {spared!r}])
if not (main := os.fork()):
{script}
    os.write(alive, b"!")
    while True:
        {then}
os.read(seen, 1)
ended = process.end_children(keep={{spared}})
assert main in ended
assert process.children(os.getpid()) == [spared]
os.kill(spared, 9)
"""


@pytest.mark.parametrize(
    "then",
    ["os.wait()", "os.fork() and os._exit(0)", "__import__('signal').pause()"],
    ids=["waiting", "hopping from child to child", "idle"],
)
def test_i7_the_walk_ends_all_but_who_is_spared(then: str) -> None:
    hidden, spared = mark(), mark()
    daemon = "\n".join("    " + line for line in f"{DAEMON}\ndaemon({hidden!r})".splitlines())
    shim = SHIM.format(spared=spared, script=daemon, then=then)
    done = subprocess.run([sys.executable, "-c", shim], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0
    assert not living(hidden)


def test_a_control_group_ends_who_hid() -> None:
    hidden = mark()
    path = (cgroup.own() or Path("/proc")) / f"rondo-test-{hidden}"
    try:
        group = cgroup.Group(path)
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    script = f"""
import os
from pathlib import Path
from libs.linux.cgroup import Group
Group(Path({str(path)!r})).join()
{DAEMON}
daemon({hidden!r})
"""
    try:
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
        assert living(hidden)
        group.kill()
        while living(hidden):  # nobody's child but init's: the kernel is about to
            os.sched_yield()
        assert group.oom_kills() == 0
    finally:
        group.kill()
        group.remove()
    assert not path.exists()
