"""`rondo up` with real nats-server and Postgres, and stand-ins for the services."""

import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import pytest

from tests.supervisor.instance import Instance, Witness, descendants, wait_until

SERVICES = ["api", "packager", "scheduler", "executor", "logs"]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with Instance(tmp_path) as instance:
        instance.ready()
        yield instance


def test_a_second_start_finds_everything_again(tmp_path: Path) -> None:
    with Instance(tmp_path) as first:
        access, before = first.ready(), first.environment("api")
        assert first.end() == 0
    with Instance(tmp_path) as second:
        assert second.ready() == access
        assert second.environment("api") | {"NOTIFY_SOCKET": ""} == before | {"NOTIFY_SOCKET": ""}


def test_the_ready_file_is_private_and_gone_after_the_end(instance: Instance) -> None:
    access = instance.ready()
    assert access["user"] == "admin@rondo.local"
    assert access["password"] == (instance.data / "secrets" / "admin-password").read_text()
    host, port = access["url"].removeprefix("http://").rsplit(":", 1)
    socket.create_connection((host, int(port))).close()
    assert stat.S_IMODE(instance.ready_file.stat().st_mode) == 0o600
    assert instance.end() == 0
    assert not instance.ready_file.exists()


def test_secrets_are_private_and_unseen(instance: Instance) -> None:
    files = list((instance.data / "secrets").iterdir())
    assert len(files) == 6
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((instance.data / "secrets").stat().st_mode) == 0o700
    seen = "".join(
        Path(f"/proc/{pid}/{what}").read_bytes().decode()
        for pid in descendants(instance.process.pid)
        for what in ("cmdline", "environ")
    )
    seen += instance.output.read_text()
    seen += "".join(log.read_text() for log in (instance.data / "log").iterdir())
    assert "RONDO_POSTGRES_DSN" in seen
    for file in files:
        assert file.read_text().strip() not in seen, file.name


async def test_services_are_given_stores_that_they_can_use(instance: Instance) -> None:
    given = instance.environment("scheduler")
    database = await asyncpg.connect(given["RONDO_POSTGRES_DSN"])
    await database.execute("CREATE SCHEMA scheduler")
    assert await database.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = 'rondo'") is False
    assert await database.fetchval("SHOW fsync") == "on"
    await database.close()
    token = Path(given["RONDO_NATS_TOKEN_FILE"]).read_text()
    client = await nats.connect(given["RONDO_NATS_URL"], token=token)
    await client.jetstream().account_info()
    await client.close()
    assert Path(given["RONDO_BLOBS_URL"].removeprefix("file://")).is_dir()


async def test_stores_refuse_strangers(instance: Instance) -> None:
    given = instance.environment("scheduler")
    bare = given["RONDO_POSTGRES_DSN"].partition("?")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(bare, password="guess")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(bare.replace("rondo@", "postgres@"), password="guess")
    host, port = given["RONDO_NATS_URL"].removeprefix("nats://").split(":")
    with socket.create_connection((host, int(port))) as stranger, stranger.makefile("rb") as heard:
        stranger.sendall(b'CONNECT {"auth_token": "guess"}\r\nPING\r\n')
        assert heard.readline().startswith(b"INFO")
        assert heard.readline() == b"-ERR 'Authorization Violation'\r\n"


def test_services_see_only_what_is_meant_for_them(tmp_path: Path) -> None:
    operator = {"RONDO_SLOTS": "3", "https_proxy": "http://proxy", "PYTHONPATH": "x", "PGUSER": "y"}
    with Instance(tmp_path, environment=operator) as instance:
        instance.ready()
        given = {service: instance.environment(service) for service in SERVICES}
    for environment in given.values():
        assert environment["RONDO_SLOTS"] == "3"
        assert environment["https_proxy"] == "http://proxy"
        assert not {"PYTHONPATH", "PGUSER", "USER"} & environment.keys()
    knows = {
        variable: {service for service in SERVICES if variable in given[service]}
        for variable in (
            "RONDO_SIGNING_KEY_FILE",
            "RONDO_ADMIN_PASSWORD_FILE",
            "RONDO_INTERNAL_TOKEN_FILE",
        )
    }
    assert list(knows.values()) == [{"api"}, {"api"}, {"api", "logs"}]
    assert len({environment["RONDO_LISTEN"] for environment in given.values()}) == len(SERVICES)
    assert len({environment["RONDO_DATA"] for environment in given.values()}) == len(SERVICES)


def test_two_instances_run_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with Instance(tmp_path / "a") as one, Instance(tmp_path / "b") as two:
        assert one.ready()["url"] != two.ready()["url"]
        assert one.ready()["password"] != two.ready()["password"]


def test_a_second_one_on_the_same_folder_is_refused(instance: Instance, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with Instance(other, "--port", "0", "--data", str(instance.data)) as second:
        assert second.process.wait(30) == 1
        said = second.output.read_text()
    assert f"in use by process {instance.process.pid}" in said
    assert instance.ready()


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Instance(tmp_path, "--port", port) as instance:
            assert instance.process.wait(30) == 1
            assert (
                f"--port {port} on 127.0.0.1: Address already in use" in instance.output.read_text()
            )


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "thesis.txt").write_text("mine")
    with Instance(tmp_path) as instance:
        assert instance.process.wait(30) == 1
        assert "holds other things" in instance.output.read_text()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o755


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
    assert "executor   did not heed SIGTERM" in instance.output.read_text()


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
        said = instance.output.read_text()
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


def test_external_stores_are_passed_on_and_not_started(tmp_path: Path) -> None:
    stores = {
        "RONDO_NATS_URL": "nats://events.example:4222",
        "RONDO_POSTGRES_DSN": "postgresql://rondo:hidden@db.example/rondo",
        "RONDO_BLOBS_URL": "s3://bucket",
        "AWS_ACCESS_KEY_ID": "key",
    }
    with Instance(tmp_path, environment=stores) as instance:
        instance.ready()
        assert stores.items() <= instance.environment("api").items()
        assert "RONDO_NATS_TOKEN_FILE" not in instance.environment("api")
        assert len(descendants(instance.process.pid)) == len([*SERVICES, "guard"])
        assert "hidden" not in instance.output.read_text()
    assert not (instance.data / "postgres").exists()


def test_an_outgrown_log_is_set_aside(tmp_path: Path) -> None:
    with Instance(tmp_path) as first:
        first.ready()
    log = first.data / "log" / "api.log"
    with log.open("wb") as file:
        file.truncate(11 << 20)
    with Instance(tmp_path) as second:
        second.ready()
        assert log.stat().st_size == 0
        assert log.with_name("api.log.1").stat().st_size == 11 << 20
