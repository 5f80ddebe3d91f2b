"""A platform that is away, killed under a wait, or answers nonsense."""

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from rondo import AsyncClient, Client, Orchestration, Password, Tokens
from rondo.errors import ServerError, Unavailable, Unreachable

from tests.platform import PATIENCE, Platform
from tests.sdk.proxy import proxied

TOKEN = Tokens("any")
MODEL = Path(__file__).parents[2] / "examples" / "houseprice" / "houseprice.onnx"
HOUSE = {"tensor": [3, 2, 1800, 7500, 1.5, 4, 8, 30]}


@contextmanager
def _answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that says the same to all, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(1 << 16))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_killed_api_is_waited_for(
    client: Client, platform: Platform, ready: Callable[[str], Orchestration]
) -> None:
    task = ready("import time; time.sleep(1)").run_once("outlives it", {})
    assert platform.signal("api")
    assert task.wait(PATIENCE).status() == "success"


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address whose port is taken, so that nobody comes to listen on it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_nobody_there(nowhere: str) -> None:
    client = Client(nowhere, login=TOKEN)
    with pytest.raises(Unreachable) as error:
        client.list_workspaces()
    assert (error.value.code, error.value.status) == ("unreachable", None)


async def test_nobody_there_for_asyncio(nowhere: str) -> None:
    with pytest.raises(Unreachable):
        await AsyncClient(nowhere, login=TOKEN).list_workspaces()


def test_what_done_twice_is_done_once_is_tried_again() -> None:
    """Reads, and what creates under a key of its own: the same one each time."""
    away = b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with _answering(away) as (url, asked):
        client = Client(url, login=TOKEN)
        for call in (client.list_workspaces, lambda: client.create_workspace("once")):
            asked.clear()
            with pytest.raises(Unavailable):
                call()
            assert len(asked) > 2
        (key,) = {*re.findall(rb"\r\nIdempotency-Key: (\w+)", b"".join(asked))}
        assert len(key) == 32
        asked.clear()
        with pytest.raises(Unavailable):
            client.create_user("ada@example.org")
        assert len(asked) == 1


def test_answers_that_are_lost(platform: Platform, login: Password, zipped: Path) -> None:
    """Each command is done, its answer cut after a byte; it is sent again, and done once."""
    with proxied(platform.access["url"]) as proxy:
        client, name = Client(proxy.url, login=login), f"lost-{uuid4().hex}"
        before = len(client.list_workspaces())

        def lossy(call: Callable[[], Any]) -> Any:
            proxy.cuts = [1]
            return call()

        workspace = client.set_current_workspace(lossy(lambda: client.create_workspace(name)))
        assert len(client.list_workspaces()) == before + 1
        lossy(lambda: client.create_connection(name, "HTTP", {"token": "x"}))
        orchestration = lossy(lambda: client.upload_orchestration(path=zipped))
        assert [one.id() for one in client.list_orchestrations(workspace.id())] == [
            orchestration.id()
        ]
        orchestration.wait(PATIENCE)
        task = lossy(lambda: orchestration.run_once("once"))
        assert [one.id() for one in orchestration.list_tasks()] == [task.id()]


def test_answers_about_models_that_are_lost(platform: Platform, login: Password) -> None:
    """As above; an inference is the one thing that is done twice, and logged twice."""
    with proxied(platform.access["url"]) as proxy:
        client = Client(proxy.url, login=login)
        client.set_current_workspace(client.create_workspace(f"lost-{uuid4().hex}"))
        client.list_workspaces()

        def lossy(call: Callable[[], Any]) -> Any:
            proxy.cuts = [1]
            return call()

        model = lossy(lambda: client.upload_model("houseprice", MODEL))
        (listed,) = client.list_models()
        assert [one.id() for one in listed.versions()] == [model.id()]
        pipeline = lossy(lambda: client.build_pipeline("lost")).add_model_step(model)
        lossy(lambda: pipeline.deploy(timeout=PATIENCE))
        assert len(pipeline.versions()) == 2
        (row,) = lossy(lambda: pipeline.infer([HOUSE]))
        assert [one["out.price"] for one in pipeline.logs()] == [row["out.price"]] * 2
        lossy(pipeline.undeploy)


def test_a_killed_inference_service_is_waited_for(client: Client, platform: Platform) -> None:
    model = client.upload_model("houseprice", MODEL)
    pipeline = client.build_pipeline("killed").add_model_step(model).deploy(timeout=PATIENCE)
    first = pipeline.infer([HOUSE])[0]["out.price"]
    assert platform.signal("inference")
    assert pipeline.infer([HOUSE])[0]["out.price"] == first
    assert [one["out.price"] for one in pipeline.logs()] == [first, first]
    pipeline.undeploy()


def test_what_is_accepted_but_not_visible_is_not_sent_again() -> None:
    body = b'{"code":503,"msg":"id: 7","reason":"not_visible_yet","id":"7"}'
    late = b"HTTP/1.1 503 Away\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with _answering(late) as (url, asked):
        session = Client(url, login=TOKEN).session
        assert session.create("workspaces/create", {}, "workspace_id") == "7"
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", Unavailable),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Unavailable),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"workspaces": [', Unavailable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", Unavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", ServerError),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 6\r\n\r\n<html>", ServerError),
    ],
)
def test_broken_answers(answer: bytes, error: type[Exception]) -> None:
    with _answering(answer) as (url, _):
        with pytest.raises(error):
            Client(url, login=TOKEN).create_workspace("x")
        with pytest.raises(error):
            asyncio.run(AsyncClient(url, login=TOKEN).create_workspace("x"))
