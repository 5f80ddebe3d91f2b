"""A server that asks for a password in a way that gives it away gets none."""

import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from libs.domain.errors import Unavailable
from libs.postgres import auth, pool
from tests.servers import PostgresServer

SECRET = "the password of the database"
CLEAR, MD5, OK = struct.pack("!I", 3), struct.pack("!I", 5) + b"salt", struct.pack("!I", 0)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", 4 + len(body)) + body


# What one says first who has taken the server's place.
GREETINGS = {
    "clear text": [message(b"R", CLEAR)],
    "md5": [message(b"R", MD5)],
    "a notice before": [message(b"N", b"SNOTICE\0MHello\0\0") + message(b"R", CLEAR)],
    "in pieces": [message(b"R", CLEAR)[:6], message(b"R", CLEAR)[6:]],
    "after all was said to be well": [message(b"R", OK) + message(b"R", CLEAR)],
}


@contextmanager
def impostor(greeting: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Its port, and all that it was told."""
    told: list[bytes] = []

    class Meeting(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                told.append(self.request.recv(4096))
                if len(told[-1]) == 8:  # for TLS, as sslmode=prefer asks at first
                    self.request.sendall(b"N")
                    told.append(self.request.recv(4096))
                for piece in greeting:
                    self.request.sendall(piece)
                    time.sleep(0.01)  # so that they come one by one
                while data := self.request.recv(4096):
                    told.append(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Meeting) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield server.server_address[1], told
        finally:
            server.shutdown()
            serving.join()


@pytest.mark.parametrize("greeting", GREETINGS)
async def test_nothing_is_given_away(
    greeting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_CONNECT_TIMEOUT_SECONDS", 0.2)
    passfile = tmp_path / "passfile"
    passfile.write_text(f"*:*:*:*:{SECRET}\n")
    passfile.chmod(0o600)
    with impostor(GREETINGS[greeting]) as (port, told):
        dsn = f"postgresql://rondo@127.0.0.1:{port}/rondo?passfile={passfile}"
        with pytest.raises(Unavailable, match="asks for authentication by"):
            async with pool.connect(dsn, "public", size=1):
                pass
    said = b"".join(told)
    assert b"rondo" in said
    assert SECRET.encode() not in said
    assert b"md5" not in said


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o620, 0o660, 0o777])
async def test_a_passfile_that_others_may_read_is_named(mode: int, tmp_path: Path) -> None:
    passfile = tmp_path / "a passfile"
    passfile.write_text(f"*:*:*:*:{SECRET}\n")
    passfile.chmod(mode)
    dsn = f"postgresql://rondo@127.0.0.1:1/rondo?passfile={quote(str(passfile))}"
    with pytest.raises(Unavailable, match=f"a passfile: its mode {mode:04o} .*`chmod 600` it"):
        async with pool.connect(dsn, "public", size=1):
            pass


async def test_by_scram_one_is_let_in_and_where_nothing_is_asked(
    postgres: PostgresServer, dsn: str
) -> None:
    for required in ("", "?require_auth=none", "?require_auth=md5,none"):
        async with pool.connect(dsn + required, "public", size=1) as database:
            assert await database.fetchval("SELECT 1") == 1


async def test_what_the_dsn_requires_is_required(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_CONNECT_TIMEOUT_SECONDS", 0.2)
    with pytest.raises(Unavailable, match="by none, which is not answered"):
        async with pool.connect(dsn + "?require_auth=scram-sha-256", "public", size=1):
            pass
    with pytest.raises(ValueError, match="require_auth: guess is none of"):
        async with pool.connect(dsn + "?require_auth=guess", "public", size=1):
            pass


REACHED: dict[str, Callable[[], auth.Methods]] = {
    "a remote database": lambda: auth.allowed(("db.example.org", 5432), None),
    "an address": lambda: auth.allowed(("203.0.113.7", 5432), None),
    "a socket": lambda: auth.allowed("/var/run/postgresql/.s.PGSQL.5432", None),
}


@pytest.mark.parametrize("place", REACHED)
def test_elsewhere_the_server_chooses(place: str) -> None:
    assert REACHED[place]() == auth.ALL


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_the_loopback_it_does_not(host: str) -> None:
    assert auth.allowed((host, 5432), None) == auth.SAFE
    assert auth.allowed((host, 5432), frozenset({"md5"})) == {"md5"}


def test_other_options_of_a_dsn_stay_as_they_are() -> None:
    dsn = "postgresql://u@%2Fa%2FB/db?passfile=%2Ftmp%2Fx&require_auth=md5&sslmode=disable"
    plain, required = auth.parted(dsn)
    assert required == frozenset({"md5"})
    assert plain == "postgresql://u@%2Fa%2FB/db?passfile=%2Ftmp%2Fx&sslmode=disable"
