"""Hostile uploads and requests over HTTP: each gets the documented answer, and a pipeline beside
them does not notice, nor does anybody's memory."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from rondo import AsyncClient, Password
from rondo.errors import ModelFailed, ModelUploadFailed

from tests.inference import models
from tests.platform import Platform, api, running
from tests.served import Callers, Served

ARROW, JSON = "application/vnd.apache.arrow.file", "application/json"
MIB = 1 << 20
MAX_MORE_BYTES = 150 * MIB  # of memory that api and gateway together may have gained
ROWS = 10_000_000
NUMBERS = pa.schema([pa.field("tensor", pa.list_(pa.float32()))])
STEP = "def process_data(data): return data\n"
GOOD = {"tensor": [1.0, 2.0, 3.0]}

Make = Callable[[Path], Path]
Body = Callable[[], bytes]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(Platform(tmp_path_factory.mktemp("zoo"))) as platform:
        yield platform


@asynccontextmanager
async def served(platform: Platform, folder: Path) -> AsyncIterator[Served]:
    async with api(platform, uuid4().hex) as client:
        one = Served(client, "houses")
        await one.update(models.linear(folder / "linear.onnx"))
        await one.deploy()
        await one.running()
        yield one


@asynccontextmanager
async def undisturbed(platform: Platform, folder: Path) -> AsyncIterator[None]:
    """Callers of another pipeline never have to try again, and memory is given back."""
    async with served(platform, folder) as neighbour:
        callers = Callers(neighbour, random.Random(7))
        before = memory(platform)
        async with callers.asking(2):
            await callers.more(10)
            yield
            await callers.more(10)
    assert (callers.retries, callers.refused) == (0, set())
    assert memory(platform) - before < MAX_MORE_BYTES


def memory(platform: Platform) -> int:
    """Resident bytes of the api and of the inference service, which is a gateway."""
    pids = [platform.pid(name) for name in ("api", "inference")]
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return sum(pages) * 4096


def holding(content: bytes) -> Make:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


def bomb(path: Path) -> Path:
    """A step whose ZIP unpacks to a quarter of a gigabyte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("step/step.py", STEP)
        with archive.open("step/zeros", "w") as file:
            for _ in range(256):
                file.write(bytes(MIB))
    return path


# What is uploaded as what, and a word of the refusal.
UPLOADS: dict[str, tuple[str, Make, str]] = {
    "random bytes": ("onnx", holding(random.Random(1).randbytes(MIB)), "can't be loaded"),
    "zeros": ("onnx", holding(bytes(30 * MIB)), "can't be loaded"),
    "no bytes": ("onnx", holding(b""), "empty"),
    "half a model": ("onnx", models.truncated, "can't be loaded"),
    "weights elsewhere": ("onnx", models.weights_elsewhere, "another file"),
    "unknown operators": ("onnx", models.unknown_operator, "Frobnicate"),
    "an output that no answer can say": ("onnx", models.sequence, "can't be served"),
    "an archive that is none": ("python", holding(b"PK" * 1000), "ZIP"),
    "an archive of zeros": ("python", bomb, "zip bomb"),
    "a file elsewhere": ("python", lambda path: models.step(path, {"../step.py": STEP}), "leaves"),
}


async def test_hostile_uploads_are_refused_in_words(platform: Platform, tmp_path: Path) -> None:
    login = Password(platform.access["user"], platform.access["password"])
    client = AsyncClient(platform.access["url"], login=login)
    client.set_current_workspace(await client.create_workspace("zoo"))
    said: dict[str, str] = {}
    files = {what: make(tmp_path / what) for what, (_, make, _) in UPLOADS.items()}
    async with undisturbed(platform, tmp_path):
        for what, path in files.items():
            framework = UPLOADS[what][0]
            schemas = (NUMBERS, NUMBERS) if framework == "python" else ()
            with pytest.raises((ModelUploadFailed, ModelFailed)) as refused:
                await client.upload_model("animal", path, framework, *schemas)
            said[what] = str(refused.value)
    assert {what: text for what, text in said.items() if UPLOADS[what][2] not in text} == {}


def arrow(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def rows(width: int, count: int = 2) -> pa.Table:
    flat = pa.array(np.zeros(count * width, np.float32))
    return pa.table({"tensor": pa.FixedSizeListArray.from_arrays(flat, width)})


def records(*found: object) -> bytes:
    return json.dumps(found).encode()


REQUESTS: dict[str, tuple[str, Body, int]] = {
    "random bytes": (JSON, lambda: random.Random(2).randbytes(100_000), 400),
    "no bytes": (JSON, lambda: b"", 400),
    "half a text": (JSON, lambda: records(*[GOOD] * 100)[:1000], 400),
    "text for numbers": (JSON, lambda: records({"tensor": ["a", "b", "c"]}), 400),
    "too wide": (JSON, lambda: records({"tensor": [1.0] * 4}), 400),
    "too deep": (JSON, lambda: records({"tensor": [[1.0, 2.0, 3.0]] * 2}), 400),
    "a number for a list": (JSON, lambda: records({"tensor": 1.0}), 400),
    "rows of two widths": (JSON, lambda: records(GOOD, {"tensor": [1.0]}), 400),
    "no column that fits": (JSON, lambda: records({"a": [1.0] * 3, "b": 2}), 400),
    "no rows": (JSON, lambda: b"[]", 200),
    "brackets": (JSON, lambda: b"[" * 100_000, 400),
    "a million digits": (JSON, lambda: b'[{"tensor": [%b]}]' % (b"9" * MIB), 400),
    "a million rows and one": (JSON, lambda: b"[%b{}]" % (b'{"x":1},' * 1_000_000), 413),
    "more than may come": (JSON, lambda: b"[%b{}]" % (b'{"x":1},' * 14_000_000), 413),
    "random bytes as Arrow": (ARROW, lambda: random.Random(3).randbytes(100_000), 400),
    "half a file": (ARROW, lambda: arrow(rows(3, 1000))[:5000], 400),
    "other bytes within": (ARROW, lambda: arrow(rows(3, 99)).replace(bytes(64), b"x" * 64), 400),
    "Arrow of text": (ARROW, lambda: arrow(pa.table({"tensor": [["a", "b", "c"]]})), 400),
    "Arrow too wide": (ARROW, lambda: arrow(rows(4)), 400),
    "Arrow too deep": (ARROW, lambda: arrow(pa.table({"tensor": [[[1.0] * 3] * 2]})), 400),
    "Arrow without that column": (ARROW, lambda: arrow(pa.table({"a": [1], "b": [2]})), 400),
    "Arrow without rows": (ARROW, lambda: arrow(rows(3, 0)), 200),
    "Arrow of two widths": (ARROW, lambda: arrow(pa.table({"tensor": [[1.0] * 3, [1.0]]})), 400),
    "Arrow of more than may come": (ARROW, lambda: arrow(rows(3, ROWS)), 413),
    "ten million rows in few bytes": (ARROW, lambda: arrow(rows(3, ROWS), "zstd"), 413),
}


async def test_hostile_requests_are_refused_in_words(platform: Platform, tmp_path: Path) -> None:
    found: dict[str, int] = {}
    async with served(platform, tmp_path) as target, undisturbed(platform, tmp_path):
        for what, (kind, body, _) in REQUESTS.items():
            found[what], text = await reply(target, body(), kind)
            assert found[what] == 200 or json.loads(text)["error"], what
        await target.infer(7.0)
        assert (await target.logged()) == {7.0: 1}
    assert found == {what: status for what, (_, _, status) in REQUESTS.items()}


async def test_a_body_that_unpacks_to_a_gigabyte_is_refused(
    platform: Platform, tmp_path: Path
) -> None:
    body = gzip.compress(b" " * (1 << 30), 1)
    async with served(platform, tmp_path) as target, undisturbed(platform, tmp_path):
        status, text = await reply(target, body, JSON, **{"Content-Encoding": "gzip"})
    assert (status, "MiB" in json.loads(text)["error"]) == (413, True)


async def test_somebody_else_s_pipeline_is_not_there(platform: Platform, tmp_path: Path) -> None:
    email, password = f"{uuid4()}@example.org", "a password for tests"
    async with served(platform, tmp_path) as target:
        await target.client.post("users/create", {"email": email, "password": password})
        stranger = Platform(tmp_path)
        stranger.access = platform.access | {"user": email, "password": password}
        await target.client.log_in(stranger)
        status, text = await reply(target, records(GOOD), JSON)
    assert (status, json.loads(text)["source"]) == (403, "api")


async def reply(target: Served, body: bytes, kind: str, **headers: str) -> tuple[int, bytes]:
    headers["Content-Type"] = kind
    data = io.BytesIO(body)
    async with target.client.session.post(target.path, data=data, headers=headers) as answer:
        return answer.status, await answer.read()
