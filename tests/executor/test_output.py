"""A run's output on its way to the log stream, by real pipes and a real server."""

import asyncio
import os
import select
import sys
import time
from asyncio.subprocess import DEVNULL
from uuid import UUID, uuid4

from libs.eventlog import follow, streams
from libs.eventlog.nats_client import Nats
from libs.runlog import chunks, message
from libs.runlog.redraws import FIRST
from libs.service.disk_reserve import DiskReserve
from services.executor.log_publisher import LogPublisher
from services.executor.pipe_output import PipeOutput

PATIENCE = 20.0


def slow_clock() -> int:
    """Loses a tenth against the clock that sleeps go by, as one does that is being set right."""
    return time.monotonic_ns() * 9 // 10


async def test_a_line_is_readable_while_the_program_goes_on(nats: Nats) -> None:
    run = uuid4()
    output = LogPublisher(nats, 1, uuid4(), run, DiskReserve(None, 0), slow_clock)
    (stdout, program), (stderr, other) = os.pipe(), os.pipe()
    pumping = asyncio.create_task(output.pump(PipeOutput(stdout, stderr), asyncio.Event().wait))
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


TQDM = """
import sys, time
from tqdm import tqdm
print("begins")
for _ in tqdm(range(400), mininterval=0.02, desc="fit"):
    time.sleep(0.005)
print("ends")
"""
RICH = """
import sys, time
from rich.console import Console
from rich.progress import track
for _ in track(range(40), "fit", console=Console(file=sys.stderr, force_terminal=True, width=60)):
    time.sleep(0.05)
"""
DOWNLOAD = """
import sys, time
for n in range(0, 101):  # as downloaders do it: the text, then back to its beginning
    sys.stdout.write(f"Downloading {n}%\\r")
    sys.stdout.flush()
    time.sleep(0.02)
sys.stdout.write("\\nDownloaded\\r\\n")
"""
PROMPT = """
import time
print("sure? ", end="", flush=True)
time.sleep(2)
input()
"""


async def printed(nats: Nats, script: str) -> list[tuple[str, str, str]]:
    """Stream, flag and text of each line that a script's output becomes."""
    run = uuid4()
    output = LogPublisher(nats, 1, uuid4(), run, DiskReserve(None, 0))
    (stdout, out), (stderr, err) = os.pipe(), os.pipe()
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", script), stdin=DEVNULL, stdout=out, stderr=err
    )
    os.close(out)
    os.close(err)
    async with asyncio.timeout(PATIENCE):
        await output.pump(PipeOutput(stdout, stderr), program.wait)
        await program.wait()
    return await logged(nats, run, await output.close())


async def logged(nats: Nats, run: UUID, count: int) -> list[tuple[str, str, str]]:
    """Stream, flag and text of all the lines of a run, which are so many."""
    found: list[bytes] = []
    async for batch in follow.follow(nats, streams.LOGS, 0, (message.subject(1, run),)):
        for each in batch:
            found += chunks.lines(each.message.data)
        if len(found) >= count:
            break
    assert len(found) == count
    return [
        (stream, flag, text)
        for _, stream, flag, text in (line.decode().split(" ", 3) for line in found)
    ]


async def test_tqdm_shows_how_far_it_is_and_ends_as_it_ended(nats: Nats) -> None:
    found = await printed(nats, TQDM)
    assert [text for stream, _, text in found if stream == "stdout"] == ["begins", "ends"]
    bar = [(flag, text) for stream, flag, text in found if stream == "stderr"]
    assert 3 <= len(bar) <= 15  # in 2 s or more, of 100 states
    assert all(text.count("\r") <= 1 and text.startswith("\rfit:") for _, text in bar[:-1])
    flag, last = bar[-1]
    assert flag == "F"
    assert "400/400" in (last or bar[-2][1])


async def test_rich_shows_how_far_it_is(nats: Nats) -> None:
    found = await printed(nats, RICH)
    assert 3 <= len(found) <= 15
    assert any("100%" in text for _, _, text in found[-2:])


async def test_a_return_after_the_text_is_a_redraw_too(nats: Nats) -> None:
    found = await printed(nats, DOWNLOAD)
    assert found[-1] == ("stdout", "F", "Downloaded\r")
    assert "".join(text for _, _, text in found[:-1]).rstrip("\r").endswith("Downloading 100%")
    assert 3 <= len(found) <= 10


async def test_a_prompt_that_nobody_answers_is_there_before_the_error(nats: Nats) -> None:
    found = await printed(nats, PROMPT)
    assert found[0] == ("stdout", "P", "sure? ")
    assert found[-1] == ("stderr", "F", "EOFError: EOF when reading a line")


class ShortReserve(DiskReserve):
    """On a disk that is nearly full until it is relieved."""

    def __init__(self) -> None:
        super().__init__(None, 0)
        self.relieved = False

    def short(self, wanted: int = 0) -> bool:
        return not self.relieved


async def test_a_run_that_ends_while_the_disk_is_nearly_full_is_logged_at_once(nats: Nats) -> None:
    output = LogPublisher(nats, 1, uuid4(), uuid4(), ShortReserve())
    (stdout, program), (stderr, other) = os.pipe(), os.pipe()
    ended = asyncio.Event()
    pumping = asyncio.create_task(output.pump(PipeOutput(stdout, stderr), ended.wait))
    os.write(program, b"one\n")
    os.close(program)
    os.close(other)
    done, _ = await asyncio.wait([pumping], timeout=0.2)
    assert not done  # it might print more
    ended.set()
    async with asyncio.timeout(PATIENCE):
        await pumping
        assert await output.close() == 1


async def test_who_waits_for_space_is_told_so_in_its_log(nats: Nats) -> None:
    reserve = ShortReserve()
    output = LogPublisher(nats, 1, uuid4(), run := uuid4(), reserve)
    (stdout, program), (stderr, other) = os.pipe(), os.pipe()
    pumping = asyncio.create_task(output.pump(PipeOutput(stdout, stderr), asyncio.Event().wait))
    os.write(program, b"one\n")
    asyncio.get_running_loop().call_later(0.6, setattr, reserve, "relieved", True)
    os.close(program)
    os.close(other)
    async with asyncio.timeout(PATIENCE):
        await pumping
        assert await output.close() == 2
    first, second = [text for _, _, text in await logged(nats, run, 2)]
    assert first == "one"
    assert second.startswith("RONDO: output waited ")


async def until_read(pipe: int) -> None:
    while select.select([pipe], [], [], 0)[0]:  # noqa: ASYNC110 - a fact of the kernel
        await asyncio.sleep(0.01)


async def test_a_line_is_whole_though_the_disk_was_full_in_the_middle_of_it(nats: Nats) -> None:
    reserve, run, ended = ShortReserve(), uuid4(), asyncio.Event()
    output = LogPublisher(nats, 1, uuid4(), run, reserve)
    (stdout, program), (stderr, other) = os.pipe(), os.pipe()
    os.write(program, b"the beginning of a line ")
    pumping = asyncio.create_task(output.pump(PipeOutput(stdout, stderr), ended.wait))
    await until_read(stdout)
    os.write(program, b"and its rest\n")
    await asyncio.sleep(2 * FIRST / 1e9)  # for longer than a prompt waits to be shown
    reserve.relieved = True
    os.close(program)
    os.close(other)
    await pumping
    found = await logged(nats, run, await output.close())
    assert ("stdout", "F", "the beginning of a line and its rest") in found


async def test_a_line_is_whole_though_we_were_slow_to_read_its_rest(nats: Nats) -> None:
    run, ended = uuid4(), asyncio.Event()
    output = LogPublisher(nats, 1, uuid4(), run, DiskReserve(None, 0))
    (stdout, program), (stderr, other) = os.pipe(), os.pipe()
    os.write(program, b"the beginning of a line ")
    pumping = asyncio.create_task(output.pump(PipeOutput(stdout, stderr), ended.wait))
    await until_read(stdout)
    os.write(program, b"and its rest\n")
    time.sleep(2 * FIRST / 1e9)  # noqa: ASYNC251 - the event loop is to stand still
    os.close(program)
    os.close(other)
    await pumping
    found = await logged(nats, run, await output.close())
    assert found == [("stdout", "F", "the beginning of a line and its rest")]


async def test_what_a_cancelled_publisher_has_read_is_logged_when_it_closes(nats: Nats) -> None:
    output = LogPublisher(nats, 1, uuid4(), run := uuid4(), ShortReserve())
    (stdout, program), (stderr, other) = os.pipe(), os.pipe()
    pumping = asyncio.create_task(output.pump(PipeOutput(stdout, stderr), asyncio.Event().wait))
    os.write(program, b"one\ntwo")
    await asyncio.wait([pumping], timeout=0.2)  # it has read that, and waits
    pumping.cancel()
    await asyncio.wait([pumping])
    assert await output.close() == 2
    assert [text for _, _, text in await logged(nats, run, 2)] == ["one", "two"]
    os.close(program)
    os.close(other)


async def test_pieces_come_in_the_order_in_which_they_were_written() -> None:
    (stdout, to_stdout), (stderr, to_stderr) = os.pipe(), os.pipe()
    output = PipeOutput(stdout, stderr)
    pieces = []
    for first, second in ((to_stdout, to_stderr), (to_stderr, to_stdout)) * 2:
        waiting = asyncio.ensure_future(anext(output))
        await asyncio.sleep(0)  # it waits for both now
        os.write(first, b"first")
        os.write(second, b"second")
        pieces += [await waiting, await anext(output)]
    await output.aclose()
    for pipe in (to_stdout, to_stderr):
        os.close(pipe)
    orders = [(piece.stream, piece.data) for piece in pieces]
    turn = [("stdout", b"first"), ("stderr", b"second")]
    assert orders == [*turn, ("stderr", b"first"), ("stdout", b"second")] * 2


async def test_of_what_lies_in_both_pipes_stdout_comes_first_again_and_again() -> None:
    (stdout, to_stdout), (stderr, to_stderr) = os.pipe(), os.pipe()
    output = PipeOutput(stdout, stderr)
    for _ in range(3):
        os.write(to_stdout, b"out")
        os.write(to_stderr, b"err")
        assert [(await anext(output)).data for _ in range(2)] == [b"out", b"err"]
    await output.aclose()
    for pipe in (to_stdout, to_stderr):
        os.close(pipe)
