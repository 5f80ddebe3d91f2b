"""A build lasts as long as it gets on, and says what it is at: the real uv at a slow index.

The time that the builder measures is the test's: it moves on when the builder has seen what the
index gave, so a busy machine makes no build idle.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from libs.domain.errors import Rejected, Unavailable
from libs.telemetry.status import Building
from services.packager import build_watch
from services.packager.build import Builder, BuildLimits
from services.packager.progress import fetching
from tests.packager.slow_index import NAME, SHOWN, SlowIndex, serving
from tests.packager.test_build import BuildFolder, build_folder, versions

__all__ = ["build_folder"]

MIB = 1 << 20
TIMEOUT_SECONDS = 60.0  # for what is due, on a busy machine


class Clock:
    """Seconds that pass `in_a_piece` of the wheel; and whenever one looks, once it `runs`."""

    def __init__(self, in_a_piece: float) -> None:
        self.now = 0.0
        self.in_a_piece = in_a_piece
        self.runs = False

    def monotonic(self) -> float:
        self.now += self.runs
        return self.now


class Watching:
    """A builder whose every state is noted, at an index that waits until it was seen."""

    def __init__(
        self, build_folder: BuildFolder, clock: Clock, limits: BuildLimits, max_bytes: int | None
    ) -> None:
        self.clock = clock
        self.shown: list[Building] = []
        self.index = SlowIndex(self._resolving, self._send, max_bytes)
        self._max_bytes = max_bytes
        self._build_folder = build_folder
        self._limits = limits
        self.builder: Builder

    def start(self) -> None:
        self._build_folder.base.write_text("")
        self.builder = self._build_folder.builder(
            {"UV_DEFAULT_INDEX": self.index.url}, self._limits
        )

    async def seen(self, holds: Callable[[Building], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                now = self.builder.active_builds()
                self.shown += now
                if any(map(holds, now)):
                    return
                await asyncio.sleep(0.01)

    async def _resolving(self) -> None:
        steps = {one.step for one in self.builder.active_builds()}
        if "installing" not in steps:  # it asks again then
            await self.seen(lambda one: one.step == "resolving")

    async def _send(self, sent: int) -> None:
        # uv says on its own time that it fetches; what it has read the kernel knows.
        await self.seen(lambda one: one.fetching == [SHOWN] and one.bytes >= sent)
        self.clock.now += self.clock.in_a_piece
        self.clock.runs = sent == self._max_bytes


@asynccontextmanager
async def watching(
    build_folder: BuildFolder,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    max_bytes: int | None = None,
    **limits: float,
) -> AsyncIterator[Watching]:
    monkeypatch.setattr(build_watch, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(build_watch, "_CHECK_INTERVAL_SECONDS", 0.02)
    watched = Watching(build_folder, clock, BuildLimits(**limits), max_bytes)  # type: ignore[arg-type]
    async with serving(watched.index):
        watched.start()
        yield watched


async def test_what_gets_on_may_take_long_and_shows_how_far_it_is(
    build_folder: BuildFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(build_folder, monkeypatch, Clock(2), idle_seconds=3) as watched:
        built = await watched.builder.build([NAME], name="an upload")
    assert watched.clock.now > 3 * 3
    assert versions(built.python) == {NAME: "1.0"}
    assert {one.orchestration for one in watched.shown} == {"an upload"}
    assert {"resolving", "installing"} <= {one.step for one in watched.shown}
    fetched = [one.bytes for one in watched.shown if one.fetching == [SHOWN]]
    assert fetched == sorted(fetched)
    assert fetched[-1] - fetched[0] > MIB
    assert watched.builder.active_builds() == []


async def test_what_gets_nowhere_is_given_up_and_said_to_be_fetched(
    build_folder: BuildFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(
        build_folder, monkeypatch, Clock(0), max_bytes=MIB, idle_seconds=3
    ) as watched:
        with pytest.raises(Rejected) as refused:
            await watched.builder.build([NAME])
    _, _, text = refused.value.message.partition("requirements.txt: nothing has come for ")
    seconds, _, rest = text.partition(" s, ")
    assert 3 < int(seconds) < 9
    assert rest.startswith(f"still fetching {SHOWN}; ")
    assert build_folder.folders() == set()


async def test_the_hard_limit_names_what_was_being_fetched(
    build_folder: BuildFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(build_folder, monkeypatch, Clock(4), seconds=8, idle_seconds=5) as watched:
        with pytest.raises(Rejected) as refused:
            await watched.builder.build([NAME])
    limit = f"not installed within the limit of 8 s, still fetching {SHOWN}; "
    assert limit in refused.value.message


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), FileNotFoundError(2, "x")]
)
async def test_a_disk_that_fails_is_worth_another_try(
    build_folder: BuildFolder, error: OSError
) -> None:
    builds = build_folder.builder()
    with pytest.raises(Unavailable, match="the folder of environments: "):
        async with builds._watch.build(""):
            raise error


def test_what_uv_says_is_read() -> None:
    text = "Resolved 3 packages in 2ms\nDownloading a-b (1.5MiB)\nDownloading c (2.1GiB)\n"
    assert fetching(text) == ["a-b (1.5MiB)", "c (2.1GiB)"]
    assert fetching(text + " Downloaded c\nerror: gone\n") == ["a-b (1.5MiB)"]
    assert fetching("") == []
