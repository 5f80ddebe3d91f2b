"""Reading ahead: in order, whole, no further than asked for, with the stream's own end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from libs.eventlog.prefetch import prefetch

PATIENCE = 20.0


class Broken(Exception):
    pass


class Source:
    """Numbers from 1 in batches of two; `given` is how many have been read."""

    def __init__(self, count: int, end: Exception | None = None) -> None:
        self.given = 0
        self._count = count
        self._end = end

    async def __aiter__(self) -> AsyncIterator[list[int]]:
        while self.given < self._count:
            self.given += 2
            yield [self.given - 1, self.given]
            await asyncio.sleep(0)
        if self._end:
            raise self._end


async def settled() -> None:
    """All that can go on without anybody has done so."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_what_came_meanwhile_is_taken_at_once_and_no_more_is_read_than_asked_for() -> None:
    source = Source(100)
    async with prefetch(aiter(source), 10) as ahead:
        await settled()
        assert source.given == 10
        assert await ahead.take(None) == [*range(1, 11)]
        await settled()
        assert await ahead.take(None) == [*range(11, 21)]


@pytest.mark.parametrize("most", [1, 3, 1000])
async def test_all_of_it_comes_in_order_and_then_the_end(most: int) -> None:
    found: list[int] = []
    async with prefetch(aiter(Source(100)), most) as ahead, asyncio.timeout(PATIENCE):
        while (batch := await ahead.take(None)) is not None:
            found += batch
        assert await ahead.take(None) is None
    assert found == [*range(1, 101)]


async def test_a_stream_that_breaks_does_so_after_what_came_before() -> None:
    async with prefetch(aiter(Source(4, Broken())), 10) as ahead:
        await settled()
        assert await ahead.take(None) == [1, 2, 3, 4]
        with pytest.raises(Broken):
            await ahead.take(None)


async def test_nothing_after_a_while_and_the_stream_is_left_as_it_is() -> None:
    closed = asyncio.Event()

    async def quiet() -> AsyncIterator[list[int]]:
        try:
            yield [1]
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with prefetch(quiet(), 10) as ahead:
        assert await ahead.take(None) == [1]
        assert await ahead.take(0.01) == []
        assert not closed.is_set()
    assert closed.is_set()
