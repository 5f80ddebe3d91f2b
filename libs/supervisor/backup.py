"""Backup of an instance into a folder, running or not, and restore from it into an empty one.

    manifest.json     what it is; written last, so that a folder without it is no backup
    events, logs, parked     streams of NATS, as the server gives them
    postgres.dump     what can't be had from the log: users, keys of connections, logs of runs
    blobs/            uploads and sealed logs of pipelines, where they lie in a folder
    records/          inferences that are not sealed yet
    locks/            what environments consist of; they are built again
    secrets/          keys and passwords: who has these and the rest can read everything

The order makes it whole while events go on: the log first, then what it speaks of. Everything that
an event mentions (an upload, a key, a user) is there before the event is, and what a run has
printed is in the stream of logs or already in Postgres. Inferences are saved before Postgres, which
says which of them are sealed, and blobs after it. Rows that are functions of the log are left out,
and built again.
"""

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from libs.domain.errors import Rejected, Unavailable
from libs.eventlog import hold as held
from libs.eventlog import nats_client, snapshot, streams
from libs.eventlog.nats_client import ApiError, Nats
from libs.supervisor.folder import write_whole
from libs.supervisor.pgtools import PgTools
from libs.supervisor.postgres import wheel_binaries
from libs.supervisor.store_session import open_stores, start_stores
from libs.supervisor.stores import Stores
from libs.supervisor.terminal import Terminal

FORMAT = 1
_MANIFEST = "manifest.json"
_RECORDS = ("inference", "records")  # below the data folder
_STREAMS = {"events": streams.EVENTS, "logs": streams.LOGS, "parked": streams.PARKED}

# Functions of the log. A checkpoint among what is kept would be one of a stream that has moved on.
_DERIVED_SCHEMAS = ("api_v*", "inference_v*", "scheduler_v*")
_DERIVED_TABLES = (
    "*.checkpoint",
    "*.origin",
    "logs_v*.run",
    "logs_v*.killed",
    "subscriptions.subscription",
)
# The log ends where it was saved, and deliveries of what came after it are to be made again.
_SET_BACK = """
DO $$ BEGIN IF to_regclass('subscriptions.cursor') IS NOT NULL THEN
    UPDATE subscriptions.cursor SET seq = least(seq, {end}), holder = NULL;
END IF; END $$
"""


async def backup(data: Path, to: Path, operator: Mapping[str, str], terminal: Terminal) -> None:
    """Into the folder `to`, which must be empty or not there. Raises Rejected, StartFailed or
    Unavailable; what has been written until then is no backup."""
    if not (data / "lock").exists():
        raise Rejected("invalid", f"--data {data}: there is no instance; name its folder")
    _make_empty(to, "--to")
    os.umask(0o077)  # whoever is handed a part of it does not hand it on to everybody
    with _told():
        await _save(data, to, operator, terminal)
    terminal.say("rondo", f"backup in {to}; its folder secrets opens all of it: keep that apart")


async def _save(data: Path, to: Path, operator: Mapping[str, str], terminal: Terminal) -> None:
    async with open_stores(data, operator, terminal) as stores:
        async with _nats(stores) as nats:
            ends = {
                name: await snapshot.save(nats, stream, to / name)
                for name, stream in _STREAMS.items()
            }
        terminal.say("rondo", f"event log up to {ends['events']}")
        await asyncio.to_thread(_copy_growing, data.joinpath(*_RECORDS), to / "records")
        tools = _tools(stores, operator)
        await tools.dump(to / "postgres.dump", _DERIVED_SCHEMAS, _DERIVED_TABLES)
        await asyncio.to_thread(_copy_files, data, to, stores)
    about = {
        "format": FORMAT,
        "rondo": version("rondo"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "ends": ends,
        "blobs": "here" if _folder_of(stores) else "elsewhere",
    }
    await asyncio.to_thread(os.sync)  # the manifest vouches for the rest, after a power cut too
    write_whole(to / _MANIFEST, json.dumps(about, indent=2).encode())


async def restore(
    source: Path, data: Path, operator: Mapping[str, str], terminal: Terminal
) -> None:
    """Makes an instance on `data`, which must be empty; `rondo up` then builds the views.

    It is made beside `data` and takes its place when it is whole. Raises as `backup`.
    """
    about = _manifest(source)
    _make_empty(data, "--data")
    beside = data.with_name(f".{data.name}.restoring")
    with _told(), _alone(beside, data):
        await _load(source, beside, about, operator, terminal)
        beside.rename(data)
    terminal.say("rondo", f"restored the event log up to {about['ends']['events']}; now `rondo up`")
    terminal.say("rondo", "it runs nothing and sends no webhook until you say `rondo resume --all`")


async def _load(
    source: Path,
    data: Path,
    about: Mapping[str, Any],
    operator: Mapping[str, str],
    terminal: Terminal,
) -> None:
    _copy_into(source / "secrets", data / "secrets")
    (data / "secrets").chmod(0o700)
    async with start_stores(data, operator, terminal) as stores:
        async with _nats(stores) as nats:
            for name, stream in _STREAMS.items():
                await snapshot.load(nats, stream, source / name)
            await held.hold(nats, str(about["made_at"]))
        tools = _tools(stores, operator)
        await tools.restore(source / "postgres.dump")
        await tools.execute(_SET_BACK.format(end=int(about["ends"]["events"])))
        if folder := _folder_of(stores):
            await asyncio.to_thread(_copy_into, source / "blobs", folder)
    await asyncio.to_thread(_copy_into, source / "locks", data / "environments" / ".locks")
    await asyncio.to_thread(_copy_into, source / "records", data.joinpath(*_RECORDS))


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong with disks and streams, as something that the operator can be told."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the work broke off: {error}") from error
    except ApiError as error:
        raise Unavailable(f"NATS refuses: {error}") from error


@contextmanager
def _alone(beside: Path, data: Path) -> Iterator[None]:
    """With the folder `beside`, empty and ours: another restore to the same place is not robbed of
    what it is at work on."""
    beside.mkdir(mode=0o700, exist_ok=True)
    held = os.open(beside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in beside.iterdir():  # what one left that was killed
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (beside / "lock").touch(0o600)
        yield
    except BlockingIOError:
        raise Rejected(
            "conflict", f"--data {data}: another restore is at work on it; let that end first"
        ) from None
    finally:
        os.close(held)


def _manifest(source: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((source / _MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise Rejected(
            "invalid", f"--from {source}: this is no whole backup ({error}); name its folder"
        ) from error
    if about.get("format") != FORMAT:
        raise Rejected(
            "invalid", f"--from {source}: made by another version of Rondo; restore it with that"
        )
    return about


def _make_empty(folder: Path, option: str) -> None:
    """Looks first: a folder that holds anything, an instance that runs say, is left as it is."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Rejected("invalid", f"{option} {folder} is not empty: choose an empty folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise Rejected("invalid", f"{option} {folder}: {error.strerror}; choose another") from error


def _nats(stores: Stores) -> AbstractAsyncContextManager[Nats]:
    token = stores.nats_token.read_text().strip() if stores.nats_token else None
    return nats_client.connect(stores.nats, token, server=stores.nats_server)


def _tools(stores: Stores, operator: Mapping[str, str]) -> PgTools:
    return PgTools(Path(operator.get("RONDO_POSTGRES_BIN") or wheel_binaries()), stores.postgres)


def _folder_of(stores: Stores) -> Path | None:
    """Where blobs lie, unless that is an object store, which has backups of its own."""
    parts = urlsplit(stores.blobs)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _copy_files(data: Path, to: Path, stores: Stores) -> None:
    if folder := _folder_of(stores):
        _copy_into(folder, to / "blobs")
    _copy_into(data / "secrets", to / "secrets")
    locks = to / "locks"
    _copy_into(data / "environments" / ".locks", locks)
    for lock in (data / "environments").glob("*/lock.txt"):
        shutil.copyfile(lock, locks / f"{lock.parent.name}.txt")
    for path in to.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _copy_into(source: Path, target: Path) -> None:
    """Files appear whole in these folders and are never changed; `.` and `~` begin the names of
    those that are under way."""
    target.mkdir(parents=True, exist_ok=True)
    if source.exists():
        unfinished = shutil.ignore_patterns(".*", "~*")
        shutil.copytree(source, target, ignore=unfinished, dirs_exist_ok=True)


def _copy_growing(source: Path, target: Path) -> None:
    """Files that are written to at their ends. One that goes away is sealed: Postgres knows it."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.log"):
        with suppress(FileNotFoundError):
            shutil.copyfile(path, target / path.name)
