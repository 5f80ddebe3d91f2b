"""What ends, by itself, by a signal or by force: `rondo up`, its children, and the guard."""

import os
import signal
import time
from pathlib import Path

import asyncpg
import pytest

from tests.supervisor.instance import Instance, Witness, descendants, wait_until


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_within_five_seconds(tmp_path: Path, sig: signal.Signals) -> None:
    deaf = {"RONDO_STANDIN": "executor:deaf"}
    with Instance(tmp_path, environment=deaf) as instance:
        instance.ready()
        witness = Witness(descendants(instance.process.pid))
        began = time.monotonic()
        assert instance.end(sig) == 0
        assert time.monotonic() - began < 5
        witness.all_end(within=0)
    assert "executor   did not heed SIGTERM" in instance.shown()


def test_a_service_does_not_wait_for_its_threads(tmp_path: Path) -> None:
    """One that walks over a large folder, say, can't be told to stop."""
    with Instance(tmp_path, environment={"RONDO_STANDIN": "packager:thread"}) as instance:
        instance.ready()
        assert instance.end() == 0
        assert "did not heed" not in instance.shown()


@pytest.mark.parametrize("way", ["", "executor:deaf"])
def test_killing_the_supervisor_leaves_no_process(tmp_path: Path, way: str) -> None:
    with Instance(tmp_path, environment={"RONDO_STANDIN": way or ":"}) as first:
        access = first.ready()
        witness = Witness(descendants(first.process.pid))
        first.end(signal.SIGKILL)
    with Instance(tmp_path) as second:  # at once: it waits for what is left of the first
        witness.all_end(within=8)
        assert second.ready() == access


@pytest.mark.parametrize("name", ["api", "executor", "nats", "postgres"])
def test_a_killed_child_is_restarted(instance: Instance, name: str) -> None:
    pid, before = instance.pid(name), instance.environment("api")
    os.kill(pid, signal.SIGKILL)
    instance.said(f"{name:<10} was ended by SIGKILL; starting it again in 0.1 s")
    instance.said(f"{name:<10} ready again")
    assert instance.pid(name) != pid
    assert instance.environment("api") == before
    assert instance.end() == 0


def test_a_child_that_keeps_ending_is_restarted_ever_later(instance: Instance) -> None:
    for delay in ("0.1", "0.2", "0.4"):
        os.kill(instance.pid("api"), signal.SIGKILL)
        instance.said(f"was ended by SIGKILL; starting it again in {delay} s")
        wait_until(lambda due=delay: ready_since(instance, due))


def ready_since(instance: Instance, delay: str) -> bool:
    return "ready again" in instance.shown().partition(f"again in {delay} s")[2]


async def test_what_was_committed_outlives_a_kill_of_postgres(instance: Instance) -> None:
    dsn = instance.environment("api")["RONDO_POSTGRES_DSN"]
    database = await asyncpg.connect(dsn)
    await database.execute("CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(instance.pid("postgres"), signal.SIGKILL)
    instance.said("postgres   ready again")
    database.terminate()
    database = await asyncpg.connect(dsn)
    assert await database.fetchval("SELECT number FROM kept") == 7
    await database.close()


def test_a_child_that_fails_at_the_first_start_ends_it_all(tmp_path: Path) -> None:
    with Instance(tmp_path, environment={"RONDO_STANDIN": "logs:fail"}) as instance:
        assert instance.process.wait(30) == 1
        said = instance.shown()
    assert "logs ended with status 1" in said
    assert "logs has a reason to fail" in said
    assert not instance.ready_file.exists()


def test_a_stop_while_it_starts_is_clean(tmp_path: Path) -> None:
    with Instance(tmp_path, environment={"RONDO_STANDIN": "api:mute"}) as instance:
        instance.said("logs       ready")
        wait_until((instance.data / "api" / "environment.json").exists)
        witness = Witness(descendants(instance.process.pid))
        assert instance.end() == 0
        witness.all_end(within=0)
    assert not instance.ready_file.exists()
