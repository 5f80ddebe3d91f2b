"""Who listens, and who is at the other end: by the process, not by the port."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from libs.eventlog import nats_client
from libs.eventlog.server_identity import Server, load, proves_itself
from libs.linux import tcp
from libs.linux.proc import started
from libs.linux.tcp import listener, listens, serves
from tests.servers import TOKEN, NatsServer


@pytest.fixture(params=["asked", "read"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the kernel, or where it can't be asked, of its table."""
    if request.param == "read":

        def refused(*_: object) -> NoReturn:
            raise PermissionError

        monkeypatch.setattr(tcp, "look_up", refused)


@pytest.fixture
def other() -> Iterator[int]:
    """A process of somebody else's, for all that this matters."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_a_listener_is_known_by_its_process(server: socket.socket, other: int) -> None:
    address = server.getsockname()
    assert listens(os.getpid(), address)
    assert not listens(other, address)
    assert (found := listener(address))
    assert (found.pid, found.uid) == (os.getpid(), os.geteuid())
    server.close()
    assert listener(address) is None


def test_so_is_the_other_end_of_a_connection(server: socket.socket, other: int) -> None:
    with socket.create_connection(server.getsockname()) as client:
        ends = client.getpeername(), client.getsockname()
        assert not serves(os.getpid(), *ends)  # it has not accepted it
        accepted, _ = server.accept()
        with accepted:
            assert serves(os.getpid(), *ends)
            assert not serves(other, *ends)
            mine = Server("", os.getpid(), started(os.getpid()))
            assert proves_itself(mine, *ends)
            assert not proves_itself(Server("", mine.pid, mine.started - 1), *ends)
            assert not proves_itself(Server("", other, started(other)), *ends)
            assert not proves_itself(Server("", 1 << 22, 1), *ends)  # there is none


def test_half_a_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"url": "nats://')
    with pytest.raises(OSError, match=r"server\.json"):
        load(tmp_path / "server.json")


async def test_nats_is_connected_to_where_it_proves_itself(
    nats_process: NatsServer, tmp_path: Path
) -> None:
    file = tmp_path / "server.json"
    assert nats_process.process
    pid = nats_process.process.pid
    file.write_text(f'{{"url": "{nats_process.url}", "pid": {pid}, "started": {started(pid)}}}')
    async with nats_client.connect("nats://127.0.0.1:1", TOKEN, server=file) as connection:
        await connection.check()
