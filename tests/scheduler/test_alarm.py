"""The scheduler's alarm, on the machine's own clock."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from libs.linux.alarm import Alarm

SECOND = timedelta(seconds=1)


class Bell:
    def __init__(self) -> None:
        self.rung: asyncio.Queue[datetime] = asyncio.Queue()

    def ring(self) -> None:
        self.rung.put_nowait(datetime.now(UTC))


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
async def alarm(bell: Bell) -> AsyncIterator[Alarm]:
    with Alarm(bell.ring) as alarm:
        yield alarm


async def test_it_rings_at_the_instant_and_not_before(alarm: Alarm, bell: Bell) -> None:
    for microseconds in (1, 999, 20_000):
        at = datetime.now(UTC) + timedelta(microseconds=microseconds)
        alarm.set(at)
        assert await bell.rung.get() >= at
    assert bell.rung.empty()


async def test_the_instant_that_was_set_last_counts(alarm: Alarm, bell: Bell) -> None:
    alarm.set(datetime.now(UTC) + 3600 * SECOND)
    alarm.set(at := datetime.now(UTC) + SECOND / 100)
    assert at <= await bell.rung.get() < at + 3600 * SECOND


async def test_an_instant_that_is_over_rings_at_once(alarm: Alarm, bell: Bell) -> None:
    alarm.set(datetime.now(UTC) - 3600 * SECOND)
    await bell.rung.get()
    alarm.set(datetime.now(UTC))
    await bell.rung.get()


async def test_it_rings_when_the_clock_is_set(
    alarm: Alarm, bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which nobody may do here: the kernel's answer to that is what is made up."""

    def cancelled(_descriptor: int, _count: int) -> bytes:
        raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))

    monkeypatch.setattr(os, "read", cancelled)
    alarm._rings()
    await bell.rung.get()


async def test_nothing_of_it_is_left(bell: Bell) -> None:
    before = os.listdir("/proc/self/fd")
    with Alarm(bell.ring) as alarm:
        alarm.set(datetime.now(UTC))
    await asyncio.sleep(0)
    assert os.listdir("/proc/self/fd") == before
    assert bell.rung.empty()
