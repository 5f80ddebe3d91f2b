"""The whole platform for the tests: `rondo up` as a process, and its API over HTTP."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from libs.eventlog import nats_client
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from libs.supervisor.stores import embedded_dsn
from tests.cluster import lay_cluster
from tests.small_disk import SmallDisk, on_small_disk
from tests.supervisor.instance import children, command_line

PATIENCE = 90.0  # seconds that a busy machine may take for what is due
PACKAGED_WITHIN = 240.0  # and for an environment with packages in it
SERVICES = ("api", "packager", "scheduler", "executor", "logs", "inference")
_MARKS = {"nats": "/nats-server\0-c", "postgres": "/postgres\0-D"}
# Processes of the inference service, as ps(1) shows them.
OF_INFERENCE = {
    "replica": "rondo replica",
    "spare": "rondo inference spare",
    "gateway": "-m\0services.inference.gateway\0",
    "sealer": "-m\0services.inference.logs\0",
}
_TOKEN = "/auth/realms/master/protocol/openid-connect/token"

Found = TypeVar("Found")
Files = Mapping[str, str | bytes]


class Platform:
    """`rondo up` on `folder`/data; it may be stopped and started again.

    Without `packages` environments are empty: they need no network and are made in no time.
    `program` is a `rondo` other than the installed one; with `disk_mib` its data lies on a file
    system of that size (small_disk.py). `variables` are added to its environment. Its cluster is a
    copy (cluster.py), but on a small disk and by another `program`, which may be nobody that can
    read it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        packages: bool = False,
        program: Sequence[str] = (),
        disk_mib: int = 0,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._program = program or [str(Path(sys.executable).with_name("rondo"))]
        self.data = self._folder = folder / "data"
        if disk_mib:
            self._program = on_small_disk(self.data, disk_mib, *self._program)
        self._small = disk_mib > 0
        self._plain = not (program or disk_mib)
        self._ready_file = folder / "ready.json"
        self._output = folder / "output.txt"
        self._environment = {**os.environ, **(variables or {})}
        if not packages:
            (folder / "base.in").touch()
            self._environment["RONDO_BASE"] = str(folder / "base.in")
        self._process: subprocess.Popen[bytes] | None = None
        self.access: dict[str, str] = {}

    def start(self) -> None:
        """Returns once it serves."""
        if self._plain:
            lay_cluster(self._folder)
        command = [*self._program, "up", "--port", "0", "--data", str(self._folder)]
        command += ["--ready-file", str(self._ready_file)]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(command, env=self._environment, stderr=output)
        deadline = time.monotonic() + PATIENCE
        while not self._ready_file.exists():
            assert self._process.poll() is None, self.shown()
            assert time.monotonic() < deadline, self.shown()
            time.sleep(0.02)
        self.access = json.loads(self._ready_file.read_bytes())
        if self._small:
            self.disk = SmallDisk(self._process.pid, self._folder)
            self.data = self.disk.folder

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE)
            self._process = None

    def shown(self) -> str:
        """What the terminal has shown, and the last lines of each process's log."""
        logs = sorted((self.data / "log").glob("*.log"))
        ends = (f"== {log.name}\n{log.read_text()[-4000:]}" for log in logs)
        return "\n".join([self._output.read_text(), *ends])

    @property
    def supervisor(self) -> int:
        """The pid of `rondo up` itself."""
        assert self._process is not None, "the platform does not run"
        return self._process.pid

    def pid(self, name: str) -> int | None:
        """The pid of a service, of `nats` or of `postgres`; none while it is being restarted."""
        mark = _MARKS.get(name, f"-m\0services.{name}\0")
        found = (pid for pid in children(self.supervisor) if mark in _command_line(pid))
        return next(found, None)

    def of_inference(self, name: str) -> list[int]:
        """The pids of its processes that are called so in OF_INFERENCE."""
        service, mark = self.pid("inference"), OF_INFERENCE[name]
        found = children(service) if service is not None else []
        return [pid for pid in found if mark in _command_line(pid)]

    def signal(self, name: str, sig: signal.Signals = signal.SIGKILL) -> bool:
        """Whether there was a process to send it to."""
        pid = self.pid(name)
        if pid is not None:
            os.kill(pid, sig)
        return pid is not None

    @property
    def dsn(self) -> str:
        sockets = self.data / "sockets"
        if sockets.is_symlink():  # else as it is: on a small disk that is the way into it
            sockets = sockets.resolve()
        return embedded_dsn(sockets / "postgres", self.data / "secrets" / "postgres-passfile")

    @asynccontextmanager
    async def nats(self) -> AsyncIterator[Nats]:
        token = (self.data / "secrets" / "nats-token").read_text().strip()
        server = self.data / "nats" / "server.json"
        async with nats_client.connect("nats://127.0.0.1", token, server=server) as connection:
            yield connection

    def executor_environment(self, folder: Path) -> dict[str, str]:
        """Of one more executor of this platform, with a folder of its own."""
        return {
            "RONDO_NATS_URL": "nats://127.0.0.1",
            "RONDO_NATS_SERVER": str(self.data / "nats" / "server.json"),
            "RONDO_NATS_TOKEN_FILE": str(self.data / "secrets" / "nats-token"),
            "RONDO_BLOBS_URL": f"file://{self.data / 'blobs'}",
            "RONDO_PUBLIC_URL": self.access["url"],
            "RONDO_TASK_KEY_FILE": str(self.data / "secrets" / "task-key"),
            "RONDO_ENVIRONMENTS": str(self.data / "environments"),
            "RONDO_DATA": str(folder),
            "RONDO_LISTEN": "127.0.0.1:0",
            "RONDO_FIRST_UID": "30000",
        }

    async def events(self) -> list[Recorded]:
        """All of the event log."""
        found: list[Recorded] = []
        async with self.nats() as nats:
            log = EventLog(nats)
            end = await log.end()
            if end:
                async for batch in log.follow(0):
                    found += batch
                    if found[-1].seq >= end:
                        break
        return found


@contextmanager
def running(platform: Platform) -> Iterator[Platform]:
    """Started, and stopped whatever happens."""
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()


def _command_line(pid: int) -> str:
    try:
        return command_line(pid)
    except FileNotFoundError:  # it has just ended
        return ""


async def until(
    fact: Callable[[], Awaitable[Found]], what: str = "", patience: float = PATIENCE
) -> Found:
    """What `fact` gives once it is true; fails after `patience` seconds, telling the last one.

    A 503 is an honest "not now": what the platform stands on may just have been killed.
    """
    deadline = time.monotonic() + patience
    while True:
        found: Found | Refused
        try:
            if found := await fact():
                return found
        except Refused as refused:
            if refused.status != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            found = refused
        assert time.monotonic() < deadline, f"waited in vain for {what or fact}: {found!r}"
        await asyncio.sleep(0.05)


class Refused(Exception):
    """The API answered with an error."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Api:
    """The raw API as the administrator, in a workspace of its own."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.workspace = 0

    async def post(self, path: str, body: object) -> Any:
        """The answer; Refused for an error, aiohttp's own when there is none."""
        async with self.session.post(f"/v1/api/{path}", json=body) as answer:
            return await answered(answer)

    async def log_in(self, platform: Platform) -> None:
        """Once more in tests that take longer than a token is good for."""
        form = {
            "grant_type": "password",
            "client_id": "sdk-client",
            "username": platform.access["user"],
            "password": platform.access["password"],
        }
        async with self.session.post(_TOKEN, data=form) as answer:
            token = (await answered(answer))["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    async def upload(self, files: Files, name: str = "sample") -> str:
        """The orchestration's id, once it is accepted."""
        form = aiohttp.FormData()
        form.add_field(
            "file", archive(files), filename=f"{name}.zip", content_type="application/octet-stream"
        )
        metadata = json.dumps({"workspace_id": self.workspace, "name": name})
        form.add_field("metadata", metadata, content_type="application/json")
        async with self.session.post("/v1/api/orchestration/upload", data=form) as answer:
            return str((await answered(answer))["id"])

    async def ready(self, files: Files, name: str = "sample") -> str:
        """Uploads; the orchestration's id once it is packaged."""
        id = await self.upload(files, name)

        async def packaged() -> bool:
            found = await self.post("orchestration/get_by_id", {"id": id})
            assert found["status"] != "error", found["reason"]
            return bool(found["status"] == "ready")

        await until(packaged, "packaging", PACKAGED_WITHIN)
        return id

    async def run(self, orchestration: str, how: str = "once", **more: object) -> str:
        """The new task's id; `how` is once, scheduled or continuously."""
        body = {"orch_id": orchestration, "workspace_id": self.workspace, **more}
        return str((await self.post(f"task/run_{how}", body))["id"])

    async def task(self, id: str) -> Any:
        return await self.post("task/get_by_id", {"id": id})

    async def runs(self, task: str) -> list[Any]:
        return list(await self.post("task/list_task_runs", {"task_id": task}))

    async def details(self, task: str, run: str) -> Any:
        return await self.post("task/get_run_details", {"task": task, "pod_id": run})

    async def ended(self, task: str, count: int = 1) -> list[Any]:
        """The details of a task's runs, oldest first, once `count` of them have ended."""

        async def enough() -> list[Any]:
            over = [run for run in await self.runs(task) if run["status"] != "running"]
            return over if len(over) >= count else []

        found = await until(enough, f"{count} ended runs of task {task}")
        details = [await self.details(task, run["run_id"]) for run in found]
        return sorted(details, key=lambda run: str(run["scheduled_at"]) + str(run["attempt"]))

    async def log(self, run: str) -> Any:
        return await self.post("task/get_logs_for_run", {"id": run})

    async def lines(self, run: str) -> list[str]:
        """The texts of an ended run's lines, without their stamps; the log must be complete."""
        found = await self.log(run)
        assert found["complete"], f"{len(found['logs'])} lines of run {run}, incomplete"
        return [line.split(" ", 3)[3] for line in found["logs"]]


@asynccontextmanager
async def api(platform: Platform, workspace: str) -> AsyncIterator[Api]:
    """Logged in, in the workspace of that name, which is made if it is not there yet."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(platform.access["url"], timeout=timeout) as session:
        client = Api(session)
        await client.log_in(platform)
        listed = (await client.post("workspaces/list", {}))["workspaces"]
        known = {one["name"]: one["id"] for one in listed}
        if workspace not in known:
            made = await client.post("workspaces/create", {"workspace_name": workspace})
            known[workspace] = made["workspace_id"]
        client.workspace = known[workspace]
        yield client


async def answered(answer: aiohttp.ClientResponse) -> Any:
    """Its body. Refused for an error."""
    body = await answer.json()
    if answer.status >= 400:
        raise Refused(answer.status, body)
    return body


def archive(files: Files) -> bytes:
    """A ZIP of these files by their path inside: the same bytes whenever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)  # of 1980; a path alone would be of now
            entry.external_attr = 0o600 << 16
            opened.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def example(name: str) -> dict[str, bytes]:
    """The files of one of our examples."""
    folder = Path(__file__).parents[1] / "examples" / name
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
