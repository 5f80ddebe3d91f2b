"""Inferences go through the api as they are, whoever sends them."""

import asyncio
import gzip
import json
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from tests.api.service import INTERNAL, PATIENCE, Service, running
from tests.servers import PostgresServer, nats_server

PATH = "/v1/api/pipelines/infer/{0}-7/{0}"
QUERY = "?dataset%5B%5D=*&dataset.exclude%5B%5D=metadata&dataset.separator=."


async def infer(service: Service, pipeline: str, **more: Any) -> tuple[int, Any, bytes]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        url = service.url + PATH.format(pipeline)
        async with session.post(url + more.pop("query", ""), **more) as answer:
            return answer.status, answer.headers, await answer.read()


async def test_path_query_headers_and_body_arrive_as_they_were_sent(service: Service) -> None:
    sent = {"Authorization": "Bearer some.token", "Content-Type": "application/json; format=x"}
    answer = await service.call(
        "POST", PATH.format("p") + QUERY, data=b'[{"a": 1}]', headers={**sent, "format": "arrow"}
    )
    assert answer.status == 200
    assert (answer.body["path"], answer.body["body"]) == (PATH.format("p") + QUERY, '[{"a": 1}]')
    got = answer.body["headers"]
    assert {name: got[name.lower()] for name in sent} == sent
    assert got["format"] == "arrow"
    assert got["content-length"] == "10"
    assert "rondo-internal-token" not in got


async def test_a_request_id_goes_along(service: Service) -> None:
    answer = await service.call("POST", PATH.format("p"), headers={"X-Request-Id": "mine"})
    assert answer.body["headers"]["x-request-id"] == "mine"
    answer = await service.call("POST", PATH.format("p"))
    assert answer.body["headers"]["x-request-id"] == answer.headers["X-Request-Id"]


async def test_a_body_larger_than_other_requests_may_be_gets_through(service: Service) -> None:
    body = b"[" + b"1," * (4 << 20) + b"1]"
    status, _, answer = await infer(service, "p", data=BytesIO(body))
    assert status == 200
    assert len(answer) > len(body)


async def test_a_compressed_body_arrives_unpacked(service: Service) -> None:
    packed = {"Content-Encoding": "gzip"}
    body = BytesIO(gzip.compress(b'[{"a": 1}]'))
    status, _, answer = await infer(service, "p", data=body, headers=packed)
    got = json.loads(answer)
    assert (status, got["body"]) == (200, '[{"a": 1}]')
    assert "content-encoding" not in got["headers"]
    status, _, answer = await infer(service, "p", data=b"no gzip", headers=packed)
    assert (status, json.loads(answer)["msg"][:5]) == (400, "body:")


async def test_an_error_of_the_engine_is_shown_as_it_is(service: Service) -> None:
    answer = await service.call("POST", PATH.format("refused"))
    shown = {"code": 400, "status": "Error", "error": "no", "source": "engine"}
    assert (answer.status, answer.body) == (400, shown)


async def test_a_long_answer_comes_piece_by_piece(service: Service) -> None:
    status, headers, body = await infer(service, "long")
    assert (status, headers["Content-Type"], len(body)) == (200, "application/x-long", 1_000_000)


async def test_an_answer_that_breaks_off_does_so_visibly(service: Service) -> None:
    with pytest.raises(aiohttp.ClientError):
        await infer(service, "broken")


async def test_whoever_hangs_up_has_the_work_cancelled(service: Service) -> None:
    before = service.inference.hung_up
    with pytest.raises(TimeoutError):
        await infer(service, "slow", timeout=aiohttp.ClientTimeout(total=0.3))
    async with asyncio.timeout(PATIENCE):
        while service.inference.hung_up == before:  # noqa: ASYNC110 - it is in another thread
            await asyncio.sleep(0.01)


async def test_language_models_are_refused_as_the_engine_would(service: Service) -> None:
    for path in ("completions", "chat/completions"):
        answer = await service.call("POST", PATH.format("p") + f"/openai/v1/{path}", json={})
        assert answer.status == 501
        assert answer.body["status"] == "Error"
        assert "no large language models" in answer.body["error"]


async def test_without_the_service_callers_may_come_again_at_their_own_pace(
    tmp_path: Any, postgres: PostgresServer
) -> None:
    dsn = await postgres.new_database("forward_alone")
    away = {"RONDO_INFERENCE_URL": "http://127.0.0.1:9"}
    with nats_server() as nats, running(tmp_path, nats.url, dsn, away) as service:
        answer = await service.call("POST", PATH.format("p"), json=[])
    assert (answer.status, answer.body["code"], answer.body["source"]) == (503, 503, "api")
    assert "Retry-After" not in answer.headers
    assert INTERNAL not in str(answer.body)
