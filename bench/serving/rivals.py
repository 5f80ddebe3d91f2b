"""The servers that ours is compared with, each a process of its own, for as long as a block lasts.

KServe and MLServer are installed when they are first needed, into environments that stay: their
dependencies are not ours.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from bench.serving import forest
from bench.serving.client import ask
from bench.serving.server import Read, Rows, Server, post
from tests.servers import free_port

_HERE = Path(__file__).parent
_ENVIRONMENTS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rondo-bench"
_RUNTIME = "onnxruntime==1.32.0"
_PATIENCE_SECONDS, _LOOK_SECONDS = 180.0, 0.02
JSON, ARROW = "application/json", "application/vnd.apache.arrow.file"


@dataclass(frozen=True)
class Rival:
    """`package` is what it needs besides the runtime; nothing for one of our own environment."""

    name: str
    script: str
    package: str
    path: str
    kind: str
    read: Read

    def body(self, count: int) -> bytes:
        if self.kind == ARROW:
            return forest.arrow(count)
        if self.name.startswith("KServe"):
            return orjson.dumps({"instances": forest.rows(count).tolist()})
        if self.name.startswith("MLServer"):
            tensor = {"name": "float_input", "shape": [count, forest.WIDTH], "datatype": "FP32"}
            flat = forest.rows(count).reshape(-1).tolist()
            return orjson.dumps({"inputs": [{**tensor, "data": flat}]})
        return orjson.dumps(forest.records(count))


def _of_records(body: bytes) -> object:
    return [record["variable"] for record in orjson.loads(body)]


def _of_table(body: bytes) -> object:
    return pa.ipc.open_file(body).read_all().column("variable").to_numpy()


PLAIN = Rival("aiohttp, JSON", "plain_aiohttp.py", "", "/json", JSON, _of_records)
PLAIN_ARROW = Rival("aiohttp, Arrow", "plain_aiohttp.py", "", "/arrow", ARROW, _of_table)
KSERVE = Rival(
    *("KServe 0.21.0", "kserve_model.py", "kserve==0.21.0", "/v1/models/forest:predict", JSON),
    lambda body: orjson.loads(body)["predictions"],
)
MLSERVER = Rival(
    *("MLServer 1.7.1", "mlserver_model.py", "mlserver==1.7.1", "/v2/models/forest/infer", JSON),
    lambda body: orjson.loads(body)["outputs"][0]["data"],
)
PEERS = (KSERVE, MLSERVER)


@asynccontextmanager
async def serving(rival: Rival, model: Path) -> AsyncIterator[tuple[Server, float]]:
    """With the seconds from the start of its process to its first answer."""
    python = _installed(rival)
    with tempfile.TemporaryDirectory(prefix="rondo-bench-", dir="/var/tmp") as folder:
        port, began = free_port(), time.perf_counter()
        command, more = _command(rival, python, model, Path(folder), port)
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**os.environ, "ORT_DISABLE_TELEMETRY": "1", "PYTHONPATH": "", **more},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            server = _server(rival, port, process.pid, model)
            await _first_answer(server, process)
            yield server, time.perf_counter() - began
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _server(rival: Rival, port: int, pid: int, model: Path) -> Server:
    requests = {n: post(rival.path, rival.kind, rival.body(n)) for n in (1, forest.COUNT)}
    session = forest.session(model)
    expected: dict[bytes, Rows] = {
        request: forest.predictions(session, n) for n, request in requests.items()
    }
    return Server(rival.name, port, pid, requests[1], requests[forest.COUNT], rival.read, expected)


async def _first_answer(server: Server, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            assert process.returncode is None, f"{server.name} ended with {process.returncode}"
            try:
                answer = await ask(server.port, server.row)
            except OSError:
                answer = b""
            if answer.startswith(b"HTTP/1.1 200"):
                return server.check(server.row, answer)
            await asyncio.sleep(_LOOK_SECONDS)


def _command(
    rival: Rival, python: Path, model: Path, folder: Path, port: int
) -> tuple[Sequence[str | Path], dict[str, str]]:
    """With what it needs in its environment."""
    if rival.name.startswith("MLServer"):
        settings: dict[str, Any] = {"name": "forest", "parameters": {"uri": str(model)}}
        settings["implementation"] = "mlserver_model.Forest"
        (folder / "model-settings.json").write_text(json.dumps(settings))
        return [python.with_name("mlserver"), "start", "."], {
            "PYTHONPATH": str(_HERE),
            "MLSERVER_PARALLEL_WORKERS": "0",  # workers of 1.7.1 die at their start
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": str(port),
            "MLSERVER_GRPC_PORT": str(free_port()),
            "MLSERVER_METRICS_PORT": str(free_port()),
        }
    return [python, _HERE / rival.script, model, str(port)], {}


def _installed(rival: Rival) -> Path:
    """The interpreter that it runs in."""
    if not rival.package:
        return Path(sys.executable)
    place = _ENVIRONMENTS / rival.package.replace("==", "-")
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, place], check=True)
        into = ["--python", str(python), rival.package, _RUNTIME]
        subprocess.run([uv, "pip", "install", "-q", *into], check=True)
        (place / "complete").touch()
    return python
