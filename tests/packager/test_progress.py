"""A build lasts as long as it gets on, and says what it is at: the real uv at a slow index."""

import asyncio

import pytest

from libs.domain.errors import Rejected, Unavailable
from libs.telemetry.status import Building
from services.packager.build import Builder, BuildLimits
from services.packager.progress import fetching
from tests.packager.slow_index import NAME, SHOWN, SlowIndex, serving
from tests.packager.test_build import Place, place, versions

__all__ = ["place"]

MIB = 1 << 20


def builder(place: Place, index: SlowIndex, **limits: float) -> Builder:
    place.base.write_text("")
    return place.builder({"UV_DEFAULT_INDEX": index.url}, BuildLimits(**limits))  # type: ignore[arg-type]


async def seen(builds: Builder) -> list[Building]:
    """All that the builder says of itself, until it is cancelled."""
    found: list[Building] = []
    try:
        while True:
            found += builds.under_way()
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return found


async def test_what_gets_on_may_take_long_and_shows_how_far_it_is(place: Place) -> None:
    async with serving(SlowIndex(rate=MIB // 4)) as index:  # eight seconds
        builds = builder(place, index, idle_seconds=3)
        watching = asyncio.create_task(seen(builds))
        built = await builds.build([NAME], name="an upload")
        watching.cancel()
        shown = await watching
    assert versions(built.python) == {NAME: "1.0"}
    assert {one.orchestration for one in shown} == {"an upload"}
    assert {"resolving", "installing"} <= {one.step for one in shown}
    fetched = [one.bytes for one in shown if one.fetching == [SHOWN]]
    assert fetched == sorted(fetched)
    assert fetched[-1] - fetched[0] > MIB
    assert builds.under_way() == []


async def test_what_gets_nowhere_is_given_up_and_said_to_be_fetched(place: Place) -> None:
    async with serving(SlowIndex(rate=8 * MIB, most=MIB)) as index:
        with pytest.raises(Rejected) as refused:
            await builder(place, index, idle_seconds=3).build([NAME])
    assert f"nothing has come for 3 s, still fetching {SHOWN}; " in refused.value.message
    assert place.folders() == set()


async def test_the_hard_limit_names_what_was_being_fetched(place: Place) -> None:
    async with serving(SlowIndex(rate=MIB // 20)) as index:
        with pytest.raises(Rejected) as refused:
            await builder(place, index, seconds=8, idle_seconds=5).build([NAME])
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
