"""The API service as it is, in a thread of its own, beside services of the test's."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.service.config import Secret
from libs.service.http import serving
from libs.vault.ring import new_line
from services.api.__main__ import main
from services.api.accounts.keycloak import PATH
from services.inference.logs.config import RECORDS
from services.inference.logs.on_demand import pipeline_logs
from tests.api.inference_service import InferenceService
from tests.servers import TOKEN, free_port

ADMIN = "admin@rondo.local"
PASSWORD = "a password for tests"
INTERNAL = "internal-token"
PATIENCE = 60.0  # seconds that a busy machine may take to start a service, or to end it


def new_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class RunLogs:
    """GET /runs/{id}/lines and /follow by their contract; `texts` holds pieces to send, and whether
    to break. Those in `waits` have not ended: their answers never end. Of those in `gone` so many
    lines are not kept any more: they are in no text."""

    def __init__(self) -> None:
        self.texts: dict[str, tuple[list[bytes], bool]] = {}
        self.asked: list[dict[str, str]] = []
        self.waits: set[str] = set()
        self.gone: dict[str, int] = {}

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/runs/{id}/lines", self.lines)
        app.router.add_get("/runs/{id}/follow", self.lines)
        app.router.add_get("/healthz", self.healthz)
        return app

    async def healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def lines(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {INTERNAL}":
            return web.Response(status=401)
        self.asked.append(dict(request.query))
        pieces, breaks = self.texts.get(request.match_info["id"], ([], False))
        stored = b"".join(pieces).count(b"\n")
        if "last" in request.query:
            first = max(stored - int(request.query["last"]), 0)
            pieces = [b"".join(pieces).split(b"\n", first)[-1]]
        gone = self.gone.get(request.match_info["id"], 0)
        first = max(int(request.query.get("from", "0")), gone)
        if first > gone:
            pieces = [b"".join(pieces).split(b"\n", first - gone)[-1]]
        headers = {
            "Rondo-Complete": "true",
            "Rondo-Lines": str(stored),
            "Rondo-First": str(first),
            "Rondo-End": str(gone + stored),
        }
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if request.match_info["id"] in self.waits:
            await asyncio.Event().wait()
        if breaks:
            raise ConnectionAbortedError
        return response


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Service:
    """Where it is and what it was told; `call` is one request on a connection of its own."""

    url: str
    settings: Mapping[str, str]
    nats_url: str
    dsn: str
    key: str
    task_key: str
    blobs: Path
    data: Path
    logs: RunLogs
    inference: InferenceService
    records: Path  # of the inference service: what gateways write
    work: "Background"
    tokens: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, token: str | None = None, **more: Any) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers, **more) as response,
        ):
            raw = await response.read()
            is_json = response.content_type == "application/json"
            body = json.loads(raw) if is_json else raw.decode(errors="replace")
            return Answer(response.status, response.headers, body)

    async def post(self, path: str, body: object, token: str | None = None) -> Answer:
        return await self.call("POST", "/v1/api/" + path, token, json=body)

    async def grant(self, **fields: str) -> Answer:
        return await self.call("POST", PATH, data={"client_id": "sdk-client", **fields})

    async def login(self, name: str = ADMIN, password: str = PASSWORD) -> str:
        """An access token, asked for once a user."""
        if name not in self.tokens:
            answer = await self.grant(grant_type="password", username=name, password=password)
            self.tokens[name] = answer.body["access_token"]
        return self.tokens[name]

    async def caught_up(self) -> None:
        """Returns once reads show all events that are in the log now."""
        async with asyncio.timeout(PATIENCE):
            # It waits for its rows itself, for two seconds at a time.
            while (await self.call("GET", "/readyz")).status != 200:
                pass


@contextmanager
def running(
    folder: Path, nats_url: str, dsn: str, settings: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Serves for as long as the block lasts; it must end well, or else the test fails."""
    port, logs_port, inference_port = free_port(), free_port(), free_port()
    key, task_key = new_key(), new_key()
    secrets = {"nats_token": TOKEN, "signing_key": key, "internal_token": INTERNAL}
    secrets |= {"admin_password": PASSWORD, "task_key": task_key, "vault_key": new_line()}
    for name, secret in secrets.items():
        (folder / name).write_text(secret)
    given = {
        "RONDO_NATS_URL": nats_url,
        "RONDO_POSTGRES_DSN": dsn,
        "RONDO_LISTEN": f"127.0.0.1:{port}",
        "RONDO_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "RONDO_LOGS_URL": f"http://127.0.0.1:{logs_port}",
        "RONDO_INFERENCE_URL": f"http://127.0.0.1:{inference_port}",
        "RONDO_BLOBS_URL": (folder / "blobs").as_uri(),
        "RONDO_DATA": str(folder / "data"),
        "RONDO_ADMIN_EMAIL": ADMIN,
        **{f"RONDO_{name.upper()}_FILE": str(folder / name) for name in secrets},
        **(settings or {}),
    }
    logs, inference = RunLogs(), InferenceService()
    url = f"http://127.0.0.1:{port}"
    data, blobs, records = folder / "data", folder / "blobs", folder / "inference"

    async def work() -> None:
        about = {**given, "RONDO_DATA": str(records), "RONDO_LOG_RETENTION_DAYS": "36500"}
        async with pipeline_logs(about, records, Secret(INTERNAL)) as its_logs:
            beside = inference.application()
            its_logs.add_routes(beside)
            async with (
                serving(logs.application(), f"127.0.0.1:{logs_port}"),
                serving(beside, f"127.0.0.1:{inference_port}"),
            ):
                await main(given)

    background = Background(work)
    with background.ready(folder):
        yield Service(
            *(url, given, nats_url, dsn, key, task_key, blobs, data, logs, inference),
            *(records / RECORDS, background),
        )


class Background:
    """A service's program on an event loop in a thread of its own."""

    def __init__(self, program: Callable[[], Awaitable[None]]) -> None:
        self._program = program
        self._thread = threading.Thread(target=self._run)
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self.failed: BaseException | None = None

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._body())
        except BaseException as problem:
            self.failed = problem

    async def _body(self) -> None:
        self._task = asyncio.current_task()
        with contextlib.suppress(asyncio.CancelledError):
            await self._program()

    @contextmanager
    def ready(self, folder: Path) -> Iterator[None]:
        """From its READY=1 to its end, which has to be a good one unless it was waited for."""
        address = folder / "notify"
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told,
            pytest.MonkeyPatch.context() as environ,
        ):
            told.bind(str(address))
            told.settimeout(PATIENCE)
            environ.setenv("NOTIFY_SOCKET", str(address))
            self._thread.start()
            assert told.recv(64) == b"READY=1", self.failed
        address.unlink()
        try:
            yield
        finally:
            if self._thread.is_alive() and self._task:
                self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "it does not end"
        assert self.failed is None, self.failed

    async def ended(self) -> BaseException | None:
        """Waits for the end that is due; gives the failure."""
        await asyncio.to_thread(self._thread.join, PATIENCE)
        assert not self._thread.is_alive()
        failure, self.failed = self.failed, None
        return failure
