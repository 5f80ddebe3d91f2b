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
from tests.packager.test_build import Place, place, versions

__all__ = ["place"]

MIB = 1 << 20
PATIENCE = 60.0  # seconds that a busy machine may take for what is due


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

    def __init__(self, place: Place, clock: Clock, limits: BuildLimits, most: int | None) -> None:
        self.clock = clock
        self.shown: list[Building] = []
        self.index = SlowIndex(self._resolving, self._given, most)
        self._most = most
        self._place = place
        self._limits = limits
        self.builder: Builder

    def start(self) -> None:
        self._place.base.write_text("")
        self.builder = self._place.builder({"UV_DEFAULT_INDEX": self.index.url}, self._limits)

    async def seen(self, holds: Callable[[Building], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                now = self.builder.under_way()
                self.shown += now
                if any(map(holds, now)):
                    return
                await asyncio.sleep(0.01)

    async def _resolving(self) -> None:
        if "installing" not in {one.step for one in self.builder.under_way()}:  # it asks again then
            await self.seen(lambda one: one.step == "resolving")

    async def _given(self, sent: int) -> None:
        # uv says on its own time that it fetches; what it has read the kernel knows.
        await self.seen(lambda one: one.fetching == [SHOWN] and one.bytes >= sent)
        self.clock.now += self.clock.in_a_piece
        self.clock.runs = sent == self._most


@asynccontextmanager
async def watching(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    most: int | None = None,
    **limits: float,
) -> AsyncIterator[Watching]:
    monkeypatch.setattr(build_watch, "time", SimpleNamespace(monotonic=clock.monotonic))
    monkeypatch.setattr(build_watch, "_LOOK_EVERY", 0.02)
    found = Watching(place, clock, BuildLimits(**limits), most)  # type: ignore[arg-type]
    async with serving(found.index):
        found.start()
        yield found


async def test_what_gets_on_may_take_long_and_shows_how_far_it_is(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(place, monkeypatch, Clock(2), idle_seconds=3) as watched:
        built = await watched.builder.build([NAME], name="an upload")
    assert watched.clock.now > 3 * 3
    assert versions(built.python) == {NAME: "1.0"}
    assert {one.orchestration for one in watched.shown} == {"an upload"}
    assert {"resolving", "installing"} <= {one.step for one in watched.shown}
    fetched = [one.bytes for one in watched.shown if one.fetching == [SHOWN]]
    assert fetched == sorted(fetched)
    assert fetched[-1] - fetched[0] > MIB
    assert watched.builder.under_way() == []


async def test_what_gets_nowhere_is_given_up_and_said_to_be_fetched(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(place, monkeypatch, Clock(0), most=MIB, idle_seconds=3) as watched:
        with pytest.raises(Rejected) as refused:
            await watched.builder.build([NAME])
    _, _, said = refused.value.message.partition("requirements.txt: nothing has come for ")
    seconds, _, rest = said.partition(" s, ")
    assert 3 < int(seconds) < 9
    assert rest.startswith(f"still fetching {SHOWN}; ")
    assert place.folders() == set()


async def test_the_hard_limit_names_what_was_being_fetched(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(place, monkeypatch, Clock(4), seconds=8, idle_seconds=5) as watched:
        with pytest.raises(Rejected) as refused:
            await watched.builder.build([NAME])
    limit = f"not installed within the limit of 8 s, still fetching {SHOWN}; "
    assert limit in refused.value.message


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), FileNotFoundError(2, "x")]
)
async def test_a_disk_that_fails_is_worth_another_try(place: Place, error: OSError) -> None:
    builds = place.builder()
    with pytest.raises(Unavailable, match="the folder of environments: "):
        async with builds._watched.build(""):
            raise error


def test_what_uv_says_is_read() -> None:
    said = "Resolved 3 packages in 2ms\nDownloading a-b (1.5MiB)\nDownloading c (2.1GiB)\n"
    assert fetching(said) == ["a-b (1.5MiB)", "c (2.1GiB)"]
    assert fetching(said + " Downloaded c\nerror: gone\n") == ["a-b (1.5MiB)"]
    assert fetching("") == []
