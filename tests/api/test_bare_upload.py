"""Uploads whose body is the file, and what is left of those that come to nothing."""

import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from tests.api.service import running
from tests.api.test_upload import kept, until_true
from tests.api.world import World, form
from tests.servers import NatsServer

ONNX = {"Content-Type": "application/octet-stream"}


def address(workspace: int, name: str = "rf") -> str:
    return f"/v1/api/models/upload_stream?workspace_id={workspace}&name={name}"


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1000):
        yield b"x" * 1000


async def test_more_than_the_limit_is_refused_however_it_is_sent(
    tmp_path: Path, nats_process: NatsServer, dsn: str
) -> None:
    limit = {"RONDO_MAX_UPLOAD_BYTES": "100000"}
    with running(tmp_path, nats_process.url, dsn, limit) as small:
        token = await small.login()
        order = {"workspace_name": "w"}
        workspace = (await small.post("workspaces/create", order, token)).body["workspace_id"]
        bodies: list[Any] = [b"x" * 100_001, in_pieces(3_000_000)]
        for body in bodies:
            answer = await small.call("POST", address(workspace), token, data=body, headers=ONNX)
            assert (answer.status, answer.body["reason"]) == (413, "too_large")
        assert list(small.data.iterdir()) == []
        listed = await small.post("models/list", {"workspace_id": workspace}, token)
        assert listed.body == {"models": []}


async def test_a_client_that_goes_away_leaves_nothing(world: World) -> None:
    workspace = await world.workspace()
    before = kept(world.service)
    host, _, port = world.service.url.removeprefix("http://").partition(":")
    head = (
        f"POST {address(workspace)} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        f"Authorization: Bearer {world.token}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"x" * 200_000)
        await until_true(lambda: kept(world.service) != before)
    await until_true(lambda: kept(world.service) == before)


@pytest.mark.parametrize("bare", [False, True])
async def test_a_log_that_takes_no_event_leaves_nothing(
    tmp_path: Path, nats_process: NatsServer, nats: Nats, dsn: str, bare: bool
) -> None:
    with running(tmp_path, nats_process.url, dsn) as service:
        world = World(service, EventLog(nats), await service.login())
        workspace = await world.workspace()
        stream = json.loads(await nats.api("STREAM.INFO.EVENTS"))["config"]
        await nats.api("STREAM.UPDATE.EVENTS", {**stream, "sealed": True})
        if bare:
            sent: dict[str, Any] = {"data": b"onnx", "headers": ONNX}
            path = address(workspace)
        else:
            metadata = json.dumps({"workspace_id": workspace, "name": "rf"})
            sent, path = {"data": form(b"onnx", metadata)}, "/v1/api/models/upload"
        answer = await service.call("POST", path, world.token, **sent)
        assert answer.status >= 500, answer.body
        assert kept(service) == []
