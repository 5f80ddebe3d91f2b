"""A process that waits for a port of the platform gets it at best, and never what belongs to us."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.platform import SERVICES, Platform, api, running, until
from tests.supervisor.instance import descendants, wait_until

_THIEF = Path(__file__).with_name("thief.py")
_UID = 20055


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(Platform(tmp_path_factory.mktemp("robbed"))) as platform:
        yield platform


@contextmanager
def thief(folder: Path, *ports: int) -> Iterator[Path]:
    """At work on `ports`; gives the folder that it writes to."""
    loot = folder / "loot"
    loot.mkdir(mode=0o777)
    loot.chmod(0o777)
    command = [sys.executable, "-", str(loot), str(_UID), *map(str, ports)]
    # As a text on its stdin, since another uid may not be able to read ours.
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(_THIEF.read_bytes())
        process.stdin.close()
        try:
            yield loot
        finally:
            process.kill()


def told(loot: Path) -> bytes:
    return b"".join(path.read_bytes() for path in loot.glob("told-*"))


async def test_nats_can_not_be_stood_in_for(platform: Platform, tmp_path: Path) -> None:
    port = json.loads((platform.data / "ports.json").read_bytes())["nats"]
    with thief(tmp_path, port) as loot:
        platform.signal("nats")
        wait_until(lambda: f"{'nats':<10} ready again" in platform.shown())
        async with api(platform, "robbed") as client:
            orchestration = await client.ready({"main.py": "print('still here')"})
            [run] = await client.ended(await client.run(orchestration))
            assert run["status"] == "success"

        async def back() -> bool:
            async with api(platform, "robbed") as client, client.session.get("/readyz") as answer:
                return answer.status == 200

        await until(back, "all being ready")
        assert told(loot) == b""
        moved = json.loads((platform.data / "nats" / "server.json").read_bytes())["url"]
        if (loot / f"taken-{port}").exists():  # within the moments in which NATS itself may
            assert f"not ours, has its port {port}" in platform.shown()
            assert not moved.endswith(f":{port}")
        else:
            assert moved.endswith(f":{port}")


async def test_nobody_gets_the_port_that_users_call(platform: Platform, tmp_path: Path) -> None:
    port = int(platform.access["url"].rpartition(":")[2])
    with thief(tmp_path, port) as loot:
        before = platform.shown().count(f"{'api':<10} ready again")
        platform.signal("api")
        async with api(platform, "robbed") as client:  # it waits, rather than being refused
            assert client.workspace
        wait_until(lambda: platform.shown().count(f"{'api':<10} ready again") > before)
        assert not (loot / f"taken-{port}").exists()
    with socket.socket(socket.AF_INET6) as beside:  # for who calls `localhost`
        beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            beside.bind(("::1", port))


def test_postgres_leaves_nothing_where_others_look_for_shared_memory(platform: Platform) -> None:
    postgres = platform.pid("postgres")
    assert postgres
    for pid in (postgres, *descendants(postgres)):
        assert "/dev/shm" not in Path(f"/proc/{pid}/maps").read_text()
    assert any((platform.data / "postgres" / "pg_dynshmem").iterdir())


@pytest.mark.parametrize("name", ["postgres", *(name for name in SERVICES if name != "api")])
def test_all_else_is_on_sockets_that_others_can_not_reach(platform: Platform, name: str) -> None:
    """No port to take; and nobody else may enter the folder, let alone replace what is in it."""
    kind = name if name == "postgres" else "services"
    folder = (platform.data / "sockets" / kind).resolve()
    assert any(path.is_socket() for path in folder.iterdir())
    assert folder.stat().st_mode & 0o077 == 0
    assert folder.stat().st_uid in (os.geteuid(), (platform.data / "postgres").stat().st_uid)
    pids = {platform.pid(name)}
    assert None not in pids
    listening = _listening_ports()
    inodes = {_inode(each) for pid in pids for each in Path(f"/proc/{pid}/fd").iterdir()}
    assert not {port for port, inode in listening.items() if inode in inodes}


def test_each_service_is_among_them(platform: Platform) -> None:
    folder = (platform.data / "sockets" / "services").resolve()
    handover = "inference.handover"  # where the api hands callers over
    assert {path.name for path in folder.iterdir()} == {*SERVICES, handover} - {"api"}


def _listening_ports() -> dict[str, str]:
    """Inodes of listening TCP sockets, by address."""
    rows = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
    ]
    return {row[1]: f"socket:[{row[9]}]" for row in rows if row[3] == "0A"}


def _inode(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:
        return ""
