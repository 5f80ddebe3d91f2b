"""Postgres' own programs: pg_dump, pg_restore and psql, on the database that a DSN names.

The DSN goes by environment variables (libpq's PG*), since an argument would show its password.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from libs.postgres.auth import SAFE, on_loopback
from libs.supervisor.process import StartFailed

_BY_PARAMETER = {
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "require_auth": "PGREQUIREAUTH",
}


class PgTools:
    def __init__(self, binaries: Path, dsn: str) -> None:
        self._binaries = binaries
        self._environment = _environment(dsn)

    async def dump(
        self, file: Path, without_schemas: Sequence[str], without_rows_of: Sequence[str]
    ) -> None:
        """Everything but these schemas, as of one moment; of these tables only that they exist."""
        left_out = [f"--exclude-schema={schema}" for schema in without_schemas]
        left_out += [f"--exclude-table-data={table}" for table in without_rows_of]
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={file}"]
        await self._run("pg_dump", *options, *left_out)

    async def restore(self, file: Path) -> None:
        """All of it or nothing."""
        options = ["--single-transaction", "--no-owner", "--no-privileges"]
        database = f"--dbname={self._environment['PGDATABASE']}"  # without it, it only prints
        await self._run("pg_restore", *options, database, str(file))

    async def execute(self, *statements: str) -> None:
        options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        await self._run("psql", *options, *(f"--command={one}" for one in statements))

    async def _run(self, program: str, *arguments: str) -> None:
        """Raises StartFailed with what it said."""
        process = await asyncio.create_subprocess_exec(
            self._binaries / program,
            *arguments,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise StartFailed(f"{program}: {said.decode(errors='replace').strip()}")


def _environment(dsn: str) -> dict[str, str]:
    parts = urlsplit(dsn)
    host, port = _place(parts.netloc)
    found = {
        "PGHOST": host or "127.0.0.1",
        "PGPORT": port or "5432",
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
        "PGAPPNAME": "rondo backup",
        "LC_ALL": "C.UTF-8",
    }
    given = dict(parse_qsl(parts.query))
    found |= {name: given[key] for key, name in _BY_PARAMETER.items() if key in given}
    if on_loopback(found["PGHOST"]):
        found.setdefault("PGREQUIREAUTH", ",".join(sorted(SAFE)))
    return {name: value for name, value in found.items() if value}


def _place(netloc: str) -> tuple[str, str]:
    """Host and port as they are written: the host may be a socket's folder, with capitals in it."""
    host_and_port = netloc.rpartition("@")[2]
    host, colon, port = host_and_port.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = host_and_port, ""
    return unquote(host).strip("[]"), port
