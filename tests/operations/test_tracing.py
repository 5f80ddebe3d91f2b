"""Traces: one run is one trace through all services, at a receiver that is a real process."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.platform import Platform, api, running, until
from tests.servers import free_port, wait_for_port

Span = dict[str, str]


class Receiver:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._file = folder / "spans.jsonl"
        command = [sys.executable, "-m", "tests.operations.otlp", str(self.port), str(self._file)]
        self.process = subprocess.Popen(command)
        wait_for_port(self.port, self.process)

    def spans(self) -> list[Span]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return [json.loads(line) for line in lines]

    def traces(self) -> dict[str, list[Span]]:
        found = defaultdict(list)
        for span in self.spans():
            found[span["trace"]].append(span)
        return found


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    found = Receiver(tmp_path)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()


@pytest.fixture
def traced(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{receiver.port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with running(Platform(tmp_path)) as platform:
        yield platform


async def test_one_run_is_one_trace_across_the_services(
    traced: Platform, receiver: Receiver
) -> None:
    async with api(traced, "traces") as client:
        orchestration = await client.ready({"main.py": "print('traced')"})
        given = f"00-{'ab' * 16}-{'cd' * 8}-01"
        client.session.headers["traceparent"] = given
        task = await client.run(orchestration)
        del client.session.headers["traceparent"]
        (run,) = await client.ended(task)

        async def exported() -> list[Span]:
            spans = receiver.traces()["ab" * 16]
            return spans if any(span["name"] == "append RunFinished" for span in spans) else []

        spans = await until(exported, "the spans of the run")

        async def closed() -> bool:
            names = {span["name"] for span in receiver.traces()["ab" * 16]}
            return "executor RunRequested" in names

        await until(closed, "the span of the whole run")
    spans = receiver.traces()["ab" * 16]
    by_name = {span["name"]: span for span in spans}
    assert {name: span["service"] for name, span in by_name.items()} == {
        "POST /v1/api/task/run_once": "rondo-api",
        "append TaskCreated": "rondo-api",
        "append RunRequested": "rondo-api",
        "executor RunRequested": "rondo-executor",
        "append RunStarted": "rondo-executor",
        "append RunFinished": "rondo-executor",
    }
    asked = ["append RunRequested", "POST /v1/api/task/run_once"]
    chain = ["append RunFinished", "executor RunRequested", *asked]
    order = ["append TaskCreated", "POST /v1/api/task/run_once"]
    for child, parent in [*pairwise(chain), *pairwise(order)]:
        assert by_name[child]["parent"] == by_name[parent]["id"], f"{child} under {parent}"
    assert by_name[chain[-1]]["parent"] == "cd" * 8
    assert by_name["executor RunRequested"]["rondo.run"] == run["run_id"]
    requested = next(e for e in await traced.events() if type(e.event).__name__ == "RunRequested")
    assert requested.traceparent == f"00-{'ab' * 16}-{by_name['append RunRequested']['id']}-01"


async def test_packaging_is_in_the_trace_of_the_upload(
    traced: Platform, receiver: Receiver
) -> None:
    async with api(traced, "traces") as client:
        await client.ready({"main.py": "print('traced')"})

        async def packaged() -> list[list[Span]]:
            names = ("POST /v1/api/orchestration/upload", "packager OrchestrationUploaded")
            return [
                spans
                for spans in receiver.traces().values()
                if set(names) <= {span["name"] for span in spans}
            ]

        assert len(await until(packaged, "the spans of packaging")) == 1


_OFF = """
import sys
import services.api.__main__, services.executor.__main__, services.logs.__main__
import services.packager.__main__, services.scheduler.__main__
from libs.telemetry.tracing import open_tracing

where = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
off = {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}
for environ in ({}, *(where | one for one in off)):
    assert not open_tracing("api", "one", environ).on
loaded = [name for name in sys.modules if name.startswith(("opentelemetry", "prometheus"))]
sys.exit(repr(loaded) if loaded else 0)
"""


def test_where_nobody_traces_nothing_of_it_is_loaded() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _OFF], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
