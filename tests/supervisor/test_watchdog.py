"""What lives and does not work is ended and started again, and nothing else is."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.supervisor.instance import Instance, wait_until


def watched(folder: Path, way: str = ":", seconds: str = "2") -> Instance:
    return Instance(folder, environment={"RONDO_STANDIN": way, "RONDO_WATCHDOG_SECONDS": seconds})


@pytest.mark.parametrize(("way", "why"), [("compute", "it computes"), ("wait", "it waits")])
def test_a_stuck_event_loop_is_shown_and_started_again(tmp_path: Path, way: str, why: str) -> None:
    with watched(tmp_path, f"scheduler:{way}") as instance:
        instance.ready()
        stuck = instance.pid("scheduler")
        instance.said_like(rf"scheduler  has not answered for \d+ s: {why}")
        instance.said("scheduler  was ended by SIGABRT; starting it again in 0.1 s")
        instance.said("scheduler  ready again")
        assert instance.pid("scheduler") != stuck
        assert f"in {way}" in (instance.data / "log" / "scheduler.log").read_text()
        wait_until(lambda: "tests/supervisor/stuck.py:" in instance.shown())
        assert instance.shown().count("has not answered") == 1  # the one after it works
        assert instance.end() == 0


@pytest.mark.parametrize("name", ["nats", "postgres", "api"])
def test_what_was_stopped_is_started_again(tmp_path: Path, name: str) -> None:
    """Whatever it is: of these, the api's stand-in says nothing of its event loop."""
    with watched(tmp_path) as instance:
        instance.ready()
        stopped = instance.pid(name)
        os.kill(stopped, signal.SIGSTOP)
        why = "somebody has stopped it; ending it"
        instance.said_like(rf"{name:<10} has not answered for \d+ s: {why}")
        instance.said(f"{name:<10} ready again")
        assert instance.pid(name) != stopped
        assert instance.end() == 0


def test_a_pause_of_everything_is_nobodys_silence(tmp_path: Path) -> None:
    """As when the machine was suspended: the supervisor has not looked either."""
    with watched(tmp_path, "logs:wait", seconds="6") as instance:
        instance.ready()
        (instance.data / "logs" / "was-stuck").touch()
        session = [instance.process.pid, instance.pid("logs")]
        for sig, pause in ((signal.SIGSTOP, 8.0), (signal.SIGCONT, 4.0)):
            for pid in session:
                os.kill(pid, sig)
            time.sleep(pause)  # what must not count is time itself
        assert "has not answered" not in instance.shown()
        assert instance.end() == 0


def test_a_log_that_grows_is_set_aside(instance: Instance) -> None:
    """Under the hands of a process that goes on writing, at its end."""
    log = instance.data / "log" / "nats.log"
    with log.open("ab") as file:  # as the process has it
        file.write(b"long ago\n" * (11 << 20 >> 3))
        file.flush()
        wait_until(lambda: log.stat().st_size < 1 << 20)
        file.write(b"now\n")
    assert b"now\n" in log.read_bytes()
    before = log.with_name("nats.log.1")
    assert before.stat().st_size > 10 << 20
    assert before.stat().st_mode & 0o777 == 0o600


def test_nobody_watches_where_the_operator_wants_none(tmp_path: Path) -> None:
    with watched(tmp_path, "api:wait", seconds="0") as instance:
        instance.ready()
        assert instance.environment("logs")["WATCHDOG_USEC"] == "0"


@pytest.mark.parametrize("seconds", ["soon", "-1", "0.5", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, seconds: str) -> None:
    with watched(tmp_path, seconds=seconds) as instance:
        assert instance.process.wait(30) == 1
        assert f"RONDO_WATCHDOG_SECONDS={seconds}: give seconds from 2 up" in instance.shown()
