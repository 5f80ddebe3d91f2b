"""What a main.py may do: each ends with the right status and reason, and harms nobody else."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.executor.harness import living, mark
from tests.platform import Api, Platform, api, until
from tests.power import times

MANY = times(100_000, 500_000)
LONG_LINE = times(20, 100) << 20  # bytes
PIECE = 16 << 10  # bytes of a long line that are one line of the log
DAEMON = mark()  # argument of sleep by which a daemon is known


@dataclass(frozen=True)
class Case:
    """A script, how its run must end, and what its log must hold."""

    source: str
    status: str
    reason: str
    exit_code: int | None
    log: Callable[[list[str]], bool]
    order: dict[str, Any] = field(default_factory=dict)


def exactly(*expected: str) -> Callable[[list[str]], bool]:
    return lambda lines: lines == list(expected)


def ends_with(words: str) -> Callable[[list[str]], bool]:
    return lambda lines: words in lines[-1]


def one_long_line(lines: list[str]) -> bool:
    return sum(map(len, lines)) == LONG_LINE and len(lines) == LONG_LINE // PIECE


CASES = {
    "very many lines": Case(
        f"for n in range({MANY}):\n    print(n)",
        *("success", "exited", 0),
        lambda lines: lines == [str(n) for n in range(MANY)],
    ),
    "a very long line without an end": Case(
        f"import sys\nsys.stdout.write('x' * {LONG_LINE})",
        *("success", "exited", 0),
        one_long_line,
    ),
    "bytes that are no text": Case(
        r"import os; os.write(1, b'\xff\xfe caf\xe9 \x00 nul\nnext\r\n')",
        *("success", "exited", 0),
        exactly("\ufffd\ufffd caf\ufffd \x00 nul", "next\r"),
    ),
    "daemons that mean to outlive it": Case(
        f"""
import os
ready, says = os.pipe()
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(says, b".")
            os.execvp("sleep", ["sleep", "{DAEMON}"])
        os._exit(0)
started = b""
while len(started) < 5:
    started += os.read(ready, 5)
print("daemons run")
""",
        *("success", "exited", 0),
        exactly("daemons run"),
    ),
    "cleaning up at its time-out": Case(
        "import time\nprint('up')\ntry: time.sleep(600)\nfinally: print('down')",
        *("timed_out", "timeout", 143),
        exactly("up", "down"),
        {"timeout": 15},
    ),
    "cleaning up in a new interpreter": Case(
        "import atexit, time\natexit.register(print, 'down')\nprint('up')\ntime.sleep(600)",
        *("timed_out", "timeout", 143),
        exactly("up", "down"),
        {"timeout": 15, "mode": "exec"},
    ),
    "deaf to SIGTERM": Case(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('never')\nwhile True: time.sleep(60)",
        *("timed_out", "timeout", None),
        exactly("never"),
        {"timeout": 15},  # seconds, in which it has to begin beside all the others
    ),
    "a file beyond the limit": Case(
        "file = open('big', 'wb', 0)\nfile.seek((1 << 30) - 1)\n"
        "assert file.write(b'xy') == 1\nfile.write(b'z')",
        *("failure", "exited", 1),
        ends_with("File too large"),
    ),
    "files beyond the disk quota": Case(
        "import os, time\nfor name in 'abc':\n"
        "    os.posix_fallocate(os.open(name, os.O_CREAT | os.O_RDWR), 0, 800 << 20)\n"
        "print('full')\ntime.sleep(600)",
        *("failure", "disk_quota", None),
        exactly("full"),
    ),
    "a segmentation fault": Case(
        "import ctypes\nprint('before')\nctypes.string_at(0)",
        *("failure", "signal", None),
        exactly("before"),
    ),
    "streams closed before the end": Case(
        "import os\nprint('before')\nos.close(1)\nos.close(2)\nsum(range(10**6))\nos._exit(0)",
        *("success", "exited", 0),
        exactly("before"),
    ),
    "all memory": Case(
        "held = []\nwhile True: held.append(bytearray(64 << 20))",
        *("failure", "exited", 1),
        ends_with("MemoryError"),
    ),
    "an exit code of its own": Case(
        "import sys; sys.exit(3)", *("failure", "exited", 3), exactly()
    ),
    "an exception": Case(
        "raise ValueError('no such house')",
        *("failure", "exited", 1),
        ends_with("ValueError: no such house"),
    ),
    "reading from stdin": Case(
        "import sys; print(repr(sys.stdin.read()))", *("success", "exited", 0), exactly("''")
    ),
    "nothing at all": Case("", *("success", "exited", 0), exactly()),
    "a neighbour of all these": Case(
        "import time\nfor n in range(20):\n    print('hello', n)\n    time.sleep(0.1)",
        *("success", "exited", 0),
        exactly(*(f"hello {n}" for n in range(20))),
    ),
}


@dataclass(frozen=True)
class Seen:
    run: dict[str, Any]
    lines: list[str]


@pytest.fixture(scope="module")
def seen(platform: Platform) -> dict[str, Seen]:
    """What became of all of them, run side by side."""
    return asyncio.run(all_run(platform))


async def all_run(platform: Platform) -> dict[str, Seen]:
    async with api(platform, "what main.py may do") as client:
        found = await asyncio.gather(*(one_run(client, case) for case in CASES.values()))
    return dict(zip(CASES, found, strict=True))


async def one_run(client: Api, case: Case) -> Seen:
    orchestration = await client.ready({"main.py": case.source})
    [run] = await client.ended(await client.run(orchestration, **case.order))
    return Seen(run, await client.lines(run["run_id"]))


@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_it_should_with_a_complete_log(seen: dict[str, Seen], name: str) -> None:
    """I5 and I6: every run ends, and what has ended has all its lines."""
    case, (run, lines) = CASES[name], (seen[name].run, seen[name].lines)
    assert case.log(lines), f"{len(lines)} lines, the last: {[line[:200] for line in lines[-5:]]}"
    ended = (run["status"], run["reason"], run["exit_code"])
    assert ended == (case.status, case.reason, case.exit_code), run["detail"]


def test_the_signal_is_named(seen: dict[str, Seen]) -> None:
    assert "SIGSEGV" in seen["a segmentation fault"].run["detail"]


def test_no_daemon_lives_on(seen: dict[str, Seen]) -> None:
    """I7, for what a run leaves behind."""
    assert seen["daemons that mean to outlive it"].lines == ["daemons run"]
    assert not living(DAEMON)


async def test_no_file_is_left(seen: dict[str, Seen], platform: Platform) -> None:
    """None of these runs'; one of another test may just be there."""
    assert seen

    async def none() -> bool:
        return list((platform.data / "executor" / "runs").iterdir()) == []

    await until(none, "the folders of runs to be gone")
