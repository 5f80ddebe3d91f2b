"""Pipeline logs as the inference service offers them: a process that is started when it is needed.

We listen for it, so that it is asked before it is there, and after it has ended. It seals what the
gateways have given up, reads, and ends when it has had nothing to do for a while.
"""

import asyncio
import fcntl
import hmac
import logging
import os
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import aiohttp
from aiohttp import web

from libs.domain.errors import Unavailable
from libs.domain.events import PipelineDeleted
from libs.eventlog.envelope import Recorded
from libs.eventlog.react import Reaction
from libs.service.config import Secret
from libs.service.http import calling
from libs.telemetry.registry import Reading
from services.inference.logs.config import RECORDS
from services.inference.logs.frames import SUFFIX

logger = logging.getLogger(__name__)

TOKEN_HEADER = "Rondo-Internal-Token"  # noqa: S105 - its name
PREFIX = "/internal/logs/"
_LOOK_SECONDS = 60.0
_RETENTION_SECONDS = 6 * 3600.0
_FIRST_RETENTION_SECONDS = 900.0  # a start has enough to do
_ATTEMPTS = 3
_END_SECONDS = 10.0
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=60, sock_read=120)
_PASSED_BACK = ("Content-Type", "Rondo-Log-Status", "Rondo-Log-Next")
_NOT_FOR_IT = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "RONDO_LISTEN_FDS")


class PipelineLogs:
    """`environ` configures the process as it does the service; `data` is the service's folder."""

    def __init__(
        self, environ: Mapping[str, str], data: Path, token: Secret, listener: socket.socket
    ) -> None:
        self._environ = {k: v for k, v in environ.items() if k not in _NOT_FOR_IT}
        self._folder, self._token, self._listener = data / RECORDS, token, listener
        self._session = calling(f"unix:{listener.getsockname()}")
        self._process: Process | None = None
        self._starting = asyncio.Lock()
        self._starts = 0

    def add_routes(self, app: web.Application) -> None:
        """For the api, which knows who may see what."""
        app.router.add_post(PREFIX + "{what:.+}", self._forward)

    def reaction(self) -> Reaction:
        """Forgets the logs of pipelines that are deleted."""
        return Reaction(
            name="pipeline-logs",
            subjects=("event.*.pipeline.*",),
            kinds=(PipelineDeleted,),
            handle=self._forget,
        )

    async def run(self) -> None:
        """For ever: has files sealed that nobody writes to, and old logs deleted."""
        until_retention = _FIRST_RETENTION_SECONDS
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            until_retention -= _LOOK_SECONDS
            if until_retention < 0 or await asyncio.to_thread(sealable, self._folder):
                try:
                    await self._running()
                except Unavailable as problem:
                    logger.warning("%s", problem)
            if until_retention < 0:
                until_retention = _RETENTION_SECONDS

    async def readings(self) -> Iterable[Reading]:
        """For a MetricRegistry."""
        files, size = await asyncio.to_thread(_extent, self._folder)
        return [
            Reading(
                "rondo_pipeline_logs_unsealed_files", "Write-ahead files of inferences.", files
            ),
            Reading("rondo_pipeline_logs_unsealed_bytes", "What is in them.", size),
            Reading("rondo_pipeline_logs_starts", "Starts of the process for them.", self._starts),
        ]

    async def close(self) -> None:
        """Ends the process. What it was at is done again."""
        await self._session.close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _END_SECONDS)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    async def _forget(self, fact: Recorded) -> None:
        until = int(fact.at.timestamp() * 1000)
        path = f"pipelines/{UUID(fact.stream.id)}/forget"
        async with self._asked(path, b'{"until":%d}' % until) as answer:
            if answer.status != 204:
                raise Unavailable(f"pipeline logs: {answer.status} {await answer.text()}")

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get(TOKEN_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(token, self._token.reveal().encode()):
            return web.Response(status=404)
        try:
            async with self._asked(request.match_info["what"], await request.read()) as answer:
                return await _passed_on(request, answer)
        except Unavailable as problem:
            return web.json_response({"code": "unavailable", "msg": str(problem)}, status=503)

    @asynccontextmanager
    async def _asked(self, path: str, body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises Unavailable. All that is asked may be asked again."""
        for _ in range(_ATTEMPTS):
            process = await self._running()
            asking = asyncio.ensure_future(self._session.post(path, data=body, timeout=_TIMEOUT))
            ended = asyncio.ensure_future(process.wait())
            try:
                await asyncio.wait({asking, ended}, return_when=asyncio.FIRST_COMPLETED)
                if asking.done() and asking.exception() is None:
                    async with asking.result() as answer:
                        yield answer
                    return
            finally:
                asking.cancel()
                ended.cancel()
        raise Unavailable("the process for pipeline logs does not stay; its log says why")

    async def _running(self) -> Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await self._start()
                self._starts += 1
            return self._process

    async def _start(self) -> Process:
        descriptor = self._listener.fileno()
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", __package__, str(os.getpid())),
                env={**self._environ, "RONDO_LISTEN_FDS": str(descriptor)},
                pass_fds=(descriptor,),
                stdin=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise Unavailable(f"the process for pipeline logs can't be started: {error}") from error


@asynccontextmanager
async def pipeline_logs(
    environ: Mapping[str, str], data: Path, token: Secret
) -> AsyncIterator[PipelineLogs]:
    """For as long as the service serves."""
    with (
        tempfile.TemporaryDirectory(prefix="rondo-logs-") as folder,  # a path short enough
        socket.socket(socket.AF_UNIX) as listener,
    ):
        listener.bind(f"{folder}/socket")
        listener.listen(128)
        logs = PipelineLogs(environ, data, token, listener)
        try:
            yield logs
        finally:
            await logs.close()


def sealable(folder: Path) -> bool:
    """Whether there is a file that nobody writes to."""
    return any(map(_is_given_up, folder.glob(f"*{SUFFIX}")))


def _is_given_up(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _extent(folder: Path) -> tuple[int, int]:
    sizes = []
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return len(sizes), sum(sizes)


async def _passed_on(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = answer.content_length
    await response.prepare(request)
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
    except aiohttp.ClientError as error:
        raise ConnectionAbortedError(str(error)) from error  # nobody takes a part for the whole
    return response
