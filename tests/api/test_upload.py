"""Uploads: what clients send, in any order and form; and that a refused one leaves nothing."""

import asyncio
import hashlib
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from tests.api.service import Service, running
from tests.api.world import HELLO, World, form
from tests.archive.zips import packed
from tests.platform import PATIENCE
from tests.servers import NatsServer

ORCHESTRATION = {
    "id",
    "workspace_id",
    "name",
    "sha",
    "file_name",
    "file_size",
    "entrypoint",
    "image_path",
    "task_id",
    "owner_id",
    "created_by",
    "status",
    "reason",
    "created_at",
    "updated_at",
}


def kept(service: Service) -> list[Path]:
    """Whatever lies in the blob store and among the uploads under way."""
    found = [*service.data.rglob("*"), *service.blobs.rglob("*")]
    return [path for path in found if path.is_file()]


async def test_an_upload_is_there_at_once(world: World) -> None:
    workspace = await world.workspace()
    metadata = f'{{"workspace_id": {workspace}, "name": "first"}}'
    answer = await world.send(form(HELLO, metadata))
    assert (answer.status, answer.body.keys()) == (202, {"id"})
    found = await world.post("orchestration/get_by_id", answer.body)
    assert found.keys() == ORCHESTRATION
    assert found["sha"] == hashlib.sha256(HELLO).hexdigest()
    assert (found["name"], found["file_name"]) == ("first", "hello.zip")
    assert (found["file_size"], found["entrypoint"]) == (len(HELLO), "main.py")
    assert (found["status"], found["image_path"]) == ("pending_packaging", "")
    assert found["workspace_id"] == workspace
    assert await world.post("orchestration/list", {"workspace_id": workspace}) == [found]
    (blob,) = (world.service.blobs / f"orchestrations/{workspace}").iterdir()
    assert blob.read_bytes() == HELLO
    assert list(world.service.data.iterdir()) == []


async def test_metadata_may_have_a_file_name_and_come_first(world: World) -> None:
    workspace = await world.workspace()
    data = form(None, f'{{"workspace_id": {workspace}}}', filename="metadata")
    data.add_field("unknown", "ignored")
    data.add_field("file", HELLO, filename="hello.zip")
    answer = await world.send(data)
    assert answer.status == 202, answer.body


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("a.zip", "a.zip"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\b.zip", "b.zip"),
        ("ünï.zip", "ünï.zip"),
        ("dir/", "_"),
        ("x" * 300, "x" * 255),
    ],
)
async def test_the_files_name_is_a_name(world: World, given: str, name: str) -> None:
    workspace = await world.workspace()
    metadata = f'{{"workspace_id": {workspace}}}'
    answer = await world.send(form(HELLO, metadata, file_name=given))
    found = await world.post("orchestration/get_by_id", answer.body)
    assert found["file_name"] == name


async def test_bytes_without_a_name_are_called_underscore(world: World) -> None:
    """As raw bytes: what some clients send has no filename at all."""
    workspace = await world.workspace()
    boundary = b"--b\r\nContent-Disposition: form-data; name="
    body = (
        boundary + b'"file"\r\n\r\n' + HELLO + b"\r\n"
        + boundary + b'"metadata"\r\n\r\n{"workspace_id": %d}\r\n--b--\r\n' % workspace
    )  # fmt: skip
    answer = await world.service.call(
        "POST",
        "/v1/api/orchestration/upload",
        world.token,
        data=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    found = await world.post("orchestration/get_by_id", answer.body)
    assert found["file_name"] == "_"


async def test_the_same_bytes_twice_are_two_orchestrations(world: World) -> None:
    workspace = await world.workspace()
    first, second = [await world.upload(workspace) for _ in range(2)]
    assert first != second
    listed = await world.post("orchestration/list", {"workspace_id": workspace})
    assert [one["id"] for one in listed] == [str(first), str(second)]
    assert listed[0]["sha"] == listed[1]["sha"]


async def test_an_upload_of_many_pieces_is_kept_as_it_is(world: World) -> None:
    workspace = await world.workspace()
    data = bytes(range(256)) * 40_000
    file = packed({"main.py": "print(1)", "data.bin": data}, method=0)
    id = await world.upload(workspace, file)
    found = await world.post("orchestration/get_by_id", {"id": str(id)})
    assert (found["sha"], found["file_size"]) == (hashlib.sha256(file).hexdigest(), len(file))


def _bad(workspace: int) -> dict[str, tuple[Any, int, str]]:
    good = f'{{"workspace_id": {workspace}}}'
    deep = '{"workspace_id":' + "[" * 10_000 + "]" * 10_000 + "}"
    mains = {"main.py": "", "a/requirements.txt": "", "requirements.txt": ""}
    return {
        "no file": (form(None, good), 400, "file: "),
        "no metadata": (form(HELLO, None), 400, "metadata: "),
        "metadata is no JSON": (form(HELLO, "hello"), 400, "metadata: "),
        "metadata is a list": (form(HELLO, "[]"), 400, "metadata: "),
        "metadata is deep": (form(HELLO, deep), 400, "metadata: "),
        "metadata is long": (form(HELLO, good + " " * 70_000), 413, "metadata: "),
        "no workspace": (form(HELLO, "{}"), 400, "workspace_id: "),
        "a workspace by name": (form(HELLO, '{"workspace_id": "1"}'), 400, "workspace_id: "),
        "a workspace that is none": (form(HELLO, '{"workspace_id": 999999}'), 404, "workspace_id"),
        "not a zip": (form(b"hello", good), 400, "file: not a ZIP"),
        "nothing": (form(b"", good), 400, "file: not a ZIP"),
        "cut short": (form(HELLO[:-10], good), 400, "file: "),
        "no main.py": (form(packed({"a.txt": ""}), good), 400, "no main.py"),
        "two requirements": (form(packed(mains), good), 400, "more than one requirements.txt"),
        "an index": (
            form(packed({"main.py": "", "requirements.txt": "--index-url http://x"}), good),
            400,
            "requirements.txt: line 1",
        ),
        "two files": (_twice(good), 400, "file: there are two"),
        "no form": (b"hello", 400, "Content-Type: "),
    }


def _twice(metadata: str) -> Any:
    data = form(HELLO, metadata)
    data.add_field("file", HELLO, filename="again.zip")
    return data


async def test_what_is_refused_leaves_nothing(world: World) -> None:
    workspace = await world.workspace()
    before = kept(world.service)
    for name, (data, status, words) in _bad(workspace).items():
        answer = await world.send(data)
        assert (answer.status, answer.body["code"]) == (status, status), (name, answer.body)
        assert words in answer.body["msg"], (name, answer.body)
    assert kept(world.service) == before
    assert await world.post("orchestration/list", {"workspace_id": workspace}) == []


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary in here",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf',
        b'--b\r\nContent-Disposition: form-data; name="file"\r\nContent-Length: x\r\n\r\nhalf',
        b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
        b"--c\r\n\r\nx\r\n--c--\r\n--b--\r\n",
    ],
)
async def test_bodies_that_are_no_forms(world: World, body: bytes) -> None:
    before = kept(world.service)
    answer = await world.service.call(
        "POST",
        "/v1/api/orchestration/upload",
        world.token,
        data=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert (answer.status, answer.body["reason"]) == (400, "invalid"), answer.body
    assert kept(world.service) == before


async def test_a_client_that_goes_away_leaves_nothing(world: World) -> None:
    """The request says 1 MB, sends a part of it, and the connection is closed."""
    before = kept(world.service)
    host, _, port = world.service.url.removeprefix("http://").partition(":")
    head = (
        "POST /v1/api/orchestration/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        f"Authorization: Bearer {world.token}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"x" * 200_000)
        await until_true(lambda: kept(world.service) != before)
    await until_true(lambda: kept(world.service) == before)


async def until_true(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not fact():  # noqa: ASYNC110 - a fact of the file system
            await asyncio.sleep(0.01)


async def test_more_than_the_limit(
    tmp_path: Path, nats_process: NatsServer, dsn: str, service: Service
) -> None:
    limit = {"RONDO_MAX_UPLOAD_BYTES": "100000"}
    with running(tmp_path, nats_process.url, dsn, limit) as small:
        token = await small.login()
        path = "/v1/api/orchestration/upload"
        for size in (100_001, 3_000_000):
            data = form(b"x" * size, '{"workspace_id": 1}')
            answer = await small.call("POST", path, token, data=data)
            assert (answer.status, answer.body["reason"]) == (413, "too_large")
            assert "file: more than 100000 bytes" in answer.body["msg"]
        assert list(small.data.iterdir()) == []


async def test_a_blob_store_that_fails_leaves_nothing(
    tmp_path: Path, nats_process: NatsServer, dsn: str
) -> None:
    with running(tmp_path, nats_process.url, dsn) as service:
        token = await service.login()
        name = {"workspace_name": f"w-{uuid4()}"}
        workspace = (await service.post("workspaces/create", name, token)).body["workspace_id"]
        # Without the folder that it writes in: so it fails as root, too, whom no mode stops.
        (service.blobs / "~").rmdir()
        data = form(HELLO, f'{{"workspace_id": {workspace}}}')
        answer = await service.call("POST", "/v1/api/orchestration/upload", token, data=data)
        assert answer.status == 503, answer.body
        assert answer.headers["Retry-After"]
        assert list(service.data.iterdir()) == []
        listed = await service.post("orchestration/list", {"workspace_id": workspace}, token)
        assert listed.body == []


async def test_a_log_that_takes_no_event_leaves_nothing(
    tmp_path: Path, nats_process: NatsServer, nats: Nats, dsn: str
) -> None:
    with running(tmp_path, nats_process.url, dsn) as service:
        world = World(service, EventLog(nats), await service.login())
        workspace = await world.workspace()
        stream = json.loads(await nats.api("STREAM.INFO.EVENTS"))["config"]
        await nats.api("STREAM.UPDATE.EVENTS", {**stream, "sealed": True})
        answer = await world.send(form(HELLO, f'{{"workspace_id": {workspace}}}'))
        assert (answer.status, answer.body["reason"]) == (500, "internal")
        assert answer.body["id"] in answer.body["msg"]
        assert "sealed" not in answer.body["msg"]
        assert kept(service) == []


async def test_the_listing_of_all_has_tasks_and_workspaces(world: World) -> None:
    workspace = await world.workspace()
    older, newer = await world.orchestration(workspace), await world.upload(workspace)
    tasks = [await world.task(workspace, older) for _ in range(2)]
    answer = await world.post(
        "orchestration/list_all", {"task_run_status": [], "workspace_ids": [workspace]}
    )
    assert answer.keys() == {"orchestrations"}
    first, second = answer["orchestrations"]
    assert first.keys() == {"orchestration", "tasks", "workspace"}
    assert (first["orchestration"]["id"], second["orchestration"]["id"]) == (str(older), str(newer))
    assert first["orchestration"]["status"] == "ready"
    assert [UUID(task["id"]) for task in first["tasks"]] == tasks[::-1]
    assert second["tasks"] == []
    assert first["workspace"]["id"] == workspace
    await world.run(workspace, tasks[0], "success")
    answer = await world.post(
        "orchestration/list_all", {"task_run_status": ["success"], "workspace_ids": [workspace]}
    )
    assert [task["id"] for task in answer["orchestrations"][0]["tasks"]] == [str(tasks[0])]
