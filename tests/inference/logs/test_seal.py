"""Whatever is killed when: each inference is in the log once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from uuid import UUID

import msgspec

from services.inference.logs.log_query import LogQuery
from services.inference.record import RecordBody
from tests.inference.logs import append_many, seal_until
from tests.inference.logs.conftest import Logs
from tests.inference.logs.records import AT, PIPELINE, head, json_body
from tests.inference.logs.test_read import OTHER, everything

ENVIRONMENT = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[3]))


def append(logs: Logs, first: int, rows: int) -> None:
    writer = logs.writer()
    for number in range(first, first + rows):
        pipeline = PIPELINE if number % 3 else OTHER
        writer.append(head(time=AT + number, pipeline=pipeline), json_body([[float(number)]]))
    writer.close()


async def check(logs: Logs, rows: int) -> None:
    for pipeline in (PIPELINE, OTHER):
        mine = [float(n) for n in range(rows) if (pipeline == OTHER) == (n % 3 == 0)]
        assert await everything(logs, LogQuery(limit=7), pipeline) == mine
        assert await logs.reader.count(pipeline) == len(mine)


async def test_a_sealer_killed_at_any_step_neither_loses_nor_doubles(logs: Logs, dsn: str) -> None:
    folder = str(logs.folder.parent)
    for step in count(1):
        append(logs, 9 * (step - 1), 9)
        program = [sys.executable, seal_until.__file__, str(step), folder, dsn]
        process = await asyncio.create_subprocess_exec(
            *program, env=ENVIRONMENT, stdout=subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
        await check(logs, 9 * step)
        await logs.sealer.tick()
        assert not list(logs.folder.iterdir())
        await check(logs, 9 * step)
        if said:
            break
    assert step > 8


async def test_gateways_killed_under_load_while_files_are_sealed_and_read(logs: Logs) -> None:
    draw = random.Random(1)
    appended: set[int] = set()
    for first in range(0, 3_000_000, 1_000_000):
        program = [sys.executable, append_many.__file__, str(logs.folder), str(first), "9000"]
        process = await asyncio.create_subprocess_exec(
            *program, env=ENVIRONMENT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(draw.randrange(30, 200)):
            appended.add(int(await process.stdout.readline()))
        await logs.sealer.tick()
        process.send_signal(signal.SIGKILL)
        rest = (await process.stdout.read()).decode()
        appended |= {int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")}
        await process.wait()
        found = await everything(logs, LogQuery())
        assert len(set(found)) == len(found)
        assert appended <= set(map(int, found))
        assert len(found) <= len(appended) + first // 1_000_000 + 1
    await logs.sealer.tick()
    assert await everything(logs, LogQuery()) == found
    assert not list(logs.folder.iterdir())


async def test_two_sealers_at_once_seal_each_file_once(logs: Logs) -> None:
    for first in range(0, 45, 9):
        append(logs, first, 9)
    counts = await asyncio.gather(logs.sealer.tick(), logs.sealer.tick())
    assert sum(counts) >= 5
    await logs.sealer.tick()
    await check(logs, 45)


async def test_types_and_columns_of_other_requests_do_not_change_those_of_one(logs: Logs) -> None:
    """Segments are of requests with the same types; what is missing in some is null."""
    writer = logs.writer()
    bodies = [b'[{"a":1}]', b'[{"a":"x"}]', b'[{"a":2,"b":true}]', b'[{"a":null}]', b"{}"]
    for number, inputs in enumerate(bodies):
        body = RecordBody(1, "json", inputs, b'{"out.y":[[1]]}', {"out.y": "float"}, "{}", [1])
        writer.append(head(time=AT + number), msgspec.msgpack.encode(body))
    writer.close()
    await logs.sealer.tick()
    assert await logs.database.fetchval("SELECT count(*) FROM segment") == 2
    page = await logs.reader.page(PIPELINE, LogQuery(dataset=("in",)))
    assert page.table["in.a"].to_pylist() == ["1.0", "x", "2.0", None, None]
    numbers = await logs.reader.page(PIPELINE, LogQuery(start=AT + 2))
    assert numbers.table["in.a"].to_pylist() == [2.0, None, None]


async def test_what_a_replica_makes_up_spoils_its_own_records_alone(logs: Logs) -> None:
    good = json_body([[1.0]])
    fake = [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([2**40, "json", b"[]", b"{}", {}, "", []]),
        msgspec.msgpack.encode([-5, "json", b"[]", b"{}", {}, "", []]),
        msgspec.msgpack.encode([1, "arrow", b"ARROW1", b"\xff" * 9, {}, "", [2**63]]),
        msgspec.msgpack.encode([1, "json", b"[1]", b'{"time":[9],"request.id":["x"]}', {}, "", []]),
        msgspec.msgpack.encode([1, "json", b"[{}]", b'{"out.x":[[1]]}', {"out.x": "blob"}, "", []]),
    ]
    writer = logs.writer()
    for number, body in enumerate(fake):
        writer.append(head(time=AT + 2 * number), good)
        writer.append(head(time=AT + 2 * number + 1), body)
    writer.close()
    for _ in range(2):
        table = (await logs.reader.page(PIPELINE, LogQuery())).table
        assert [one for one in table["in.tensor"].to_pylist() if one] == [[1.0]] * len(fake)
        assert table.num_rows == 2 * len(fake) - 1  # a request of no rows has none
        dropped = [one for one in table["metadata.dropped"].to_pylist() if one]
        assert len(dropped) == len(fake) - 1
        await logs.sealer.tick()


async def test_a_run_is_linked_to_what_it_asked_for(logs: Logs) -> None:
    run = UUID(int=7, version=4)
    writer = logs.writer()
    for number in range(6):
        writer.append(head(time=AT + number, run=run if number % 2 else None), json_body([[1.0]]))
    for _ in range(2):
        assert await logs.reader.pipelines_of(run) == {PIPELINE: 3}
        page = await logs.reader.page(PIPELINE, LogQuery(run=run, dataset=("request",)))
        assert page.table["request.run"].to_pylist() == [str(run)] * 3
        writer.close()
        await logs.sealer.tick()
