"""`rondo up` with real nats-server and Postgres, and stand-ins for the services."""

import shutil
import socket
import stat
from pathlib import Path

import asyncpg
import nats
import pytest

from libs.supervisor.ports import Ports
from tests.supervisor.instance import Instance, descendants

SERVICES = ["api", "packager", "scheduler", "executor", "logs", "inference"]


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
    assert len(files) == 9
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((instance.data / "secrets").stat().st_mode) == 0o700
    seen = "".join(
        Path(f"/proc/{pid}/{what}").read_bytes().decode()
        for pid in descendants(instance.process.pid)
        for what in ("cmdline", "environ")
    )
    seen += instance.shown()
    seen += "".join(log.read_text() for log in (instance.data / "log").iterdir())
    assert "RONDO_POSTGRES_DSN" in seen
    for file in files:
        assert file.read_text().strip() not in seen, file.name


def test_secrets_that_somebody_has_opened_are_private_again(tmp_path: Path) -> None:
    with Instance(tmp_path) as first:
        first.ready()
    for path in (first.data / "secrets", *(first.data / "secrets").iterdir()):
        path.chmod(0o755)
    with Instance(tmp_path) as second:
        second.ready()
        test_secrets_are_private_and_unseen(second)


async def test_services_are_given_stores_that_they_can_use(instance: Instance) -> None:
    given = instance.environment("scheduler")
    database = await asyncpg.connect(given["RONDO_POSTGRES_DSN"])
    await database.execute("CREATE SCHEMA scheduler")
    assert await database.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = 'rondo'") is False
    assert await database.fetchval("SHOW fsync") == "on"
    await database.close()
    token = Path(given["RONDO_NATS_TOKEN_FILE"]).read_text()
    client = await nats.connect(given["RONDO_NATS_URL"], nkeys_seed_str=token)
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
            "RONDO_VAULT_KEY_FILE",
            "RONDO_INTERNAL_TOKEN_FILE",
            "RONDO_TASK_KEY_FILE",
        )
    }
    assert list(knows.values())[:3] == [{"api"}] * 3
    assert list(knows.values())[3:] == [
        {"api", "logs", "inference"},
        {"api", "executor"},
    ]
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
        said = second.shown()
    assert f"in use by process {instance.process.pid}" in said
    assert instance.ready()


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with Instance(tmp_path, "--port", port) as instance:
            assert instance.process.wait(30) == 1
            assert f"--port {port} on 127.0.0.1: Address already in use" in instance.shown()


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "thesis.txt").write_text("mine")
    with Instance(tmp_path) as instance:
        assert instance.process.wait(30) == 1
        assert "holds other things" in instance.shown()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o755


def test_half_a_database_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "data" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    (tmp_path / "data" / "lock").touch()
    with Instance(tmp_path) as instance:
        assert instance.ready()
    assert not half.exists()


def picked(folder: Path) -> int:
    with Ports(folder / "ports.json") as ports:
        return ports.pick("nats")


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    first = picked(tmp_path)
    assert picked(tmp_path) == first
    with socket.create_server(("127.0.0.1", first)):
        second = picked(tmp_path)
    assert second != first
    assert picked(tmp_path) == second


def test_a_port_is_reserved_until_its_server_listens(tmp_path: Path) -> None:
    """Else two instances that start at once are given the same one now and then, and one fails."""
    with Ports(tmp_path / "ports.json") as ports:
        address = ("127.0.0.1", ports.pick("nats"))
        for _ in range(2):  # and after a restart, with a connection of the first in TIME_WAIT
            assert not taken(address)
            ports.lend("nats")
            with socket.create_server(address) as server, socket.create_connection(address):
                server.accept()[0].close()
            ports.take_back("nats")
            assert not taken(address)


def taken(address: tuple[str, int]) -> bool:
    """Whether somebody who sets whatever there is to set can listen there, or at its twin."""
    options: list[list[int]] = [[], [socket.SO_REUSEADDR]]
    options.append([socket.SO_REUSEADDR, socket.SO_REUSEPORT])
    for host in (address[0], "", "::1", "::"):
        place = (host, address[1])
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for chosen in options:
            with socket.socket(family) as somebody:
                for each in chosen:
                    somebody.setsockopt(socket.SOL_SOCKET, each, 1)
                try:
                    somebody.bind(place)
                    somebody.listen()
                except OSError:
                    continue
                return True
    return False


@pytest.mark.parametrize("name", ["x" * 100, 'a folder, with "quotes" & spaces'])
async def test_sockets_have_room_wherever_the_data_is(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    folders = []
    for _ in range(2):
        with Instance(tmp_path / name) as instance:
            instance.ready()
            given = instance.environment("scheduler")
            database = await asyncpg.connect(given["RONDO_POSTGRES_DSN"])
            assert await database.fetchval("SELECT 1") == 1
            await database.close()
            folders.append((instance.data / "sockets").resolve())
            assert folders[-1].stat().st_mode & 0o066 == 0
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(given["RONDO_LISTEN"].removeprefix("unix:"))
            assert instance.end() == 0
    assert folders[0] == folders[1]
    if len(name) == 100:
        assert (tmp_path / name / "data" / "sockets").is_symlink()
        shutil.rmtree(folders[0])


def test_a_terminal_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    with Instance(tmp_path, output=Path("/dev/full")) as instance:  # each write to it fails
        assert instance.ready()
        assert instance.end() == 0


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
        assert "hidden" not in instance.shown()
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
