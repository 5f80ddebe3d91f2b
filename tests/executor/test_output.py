"""A run's output on its way to the log stream, by real pipes and a real server."""

import asyncio
import os
import time
from uuid import uuid4

from libs.eventlog import follow, streams
from libs.eventlog.wire import Nats
from libs.runlog import chunks, message
from libs.service.room import Room
from services.executor.output import Output

PATIENCE = 20.0


def slow_clock() -> int:
    """Loses a tenth against the clock that sleeps go by, as one does that is being set right."""
    return time.monotonic_ns() * 9 // 10


async def test_a_line_is_readable_while_the_program_goes_on(nats: Nats) -> None:
    run = uuid4()
    output = Output(nats, 1, uuid4(), run, Room(None, 0), slow_clock)
    (stdout, program), (stderr, other) = os.pipe(), os.pipe()
    for pipe in (stdout, stderr):
        os.set_blocking(pipe, False)
    pumping = asyncio.create_task(output.pump(stdout, stderr))
    for already, text in enumerate((b"one\n", b"two\n")):
        os.write(program, text)
        async with asyncio.timeout(PATIENCE):
            assert await text_after(already, nats, message.subject(1, run)) == text
    os.close(program)
    os.close(other)
    await pumping
    assert await output.close() == 2


async def text_after(seq: int, nats: Nats, subject: str) -> bytes:
    """The text of the line that comes next in the stream."""
    async for batch in follow.follow(nats, streams.LOGS, seq, (subject,)):
        [line] = chunks.lines(batch[0].message.data)
        return line.split(b" ", 3)[3] + b"\n"
    raise AssertionError("following never ends")
