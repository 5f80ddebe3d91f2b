"""Zones: whose rules they have, which names are some, and what was stored under others."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, reset_tzpath

import pytest
import tzdata

from libs.domain import cron, zones
from libs.domain.errors import Rejected
from tests.domain.clocks import DAY, FIRST, LAST, changes, distinct

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def old_system(tmp_path: Path) -> Iterator[None]:
    """A machine on which Casablanca is what Berlin is, and Vancouver too."""
    berlin = files(tzdata).joinpath("zoneinfo/Europe/Berlin").read_bytes()
    for name in ("Africa/Casablanca", "America/Vancouver", "localtime"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(berlin)
    reset_tzpath([str(tmp_path)])
    ZoneInfo.clear_cache()
    zones.stored.cache_clear()
    yield
    reset_tzpath()
    ZoneInfo.clear_cache()
    zones.stored.cache_clear()


@pytest.mark.parametrize(
    ("zone", "hour"), [("Africa/Casablanca", 9), ("America/Vancouver", 16), ("UTC", 9)]
)
@pytest.mark.parametrize("found", [zones.named, zones.stored])
@pytest.mark.usefixtures("old_system")
def test_the_packages_rules_come_before_the_systems(
    zone: str, hour: int, found: Callable[[str], ZoneInfo]
) -> None:
    at = next(cron.parse("0 9 * * *").after(DECEMBER, found(zone)))
    assert at.hour == hour


@pytest.mark.parametrize(
    "name",
    [
        "localtime",
        "posixrules",
        "Factory",
        "right/UTC",
        "posix/Europe/Berlin",
        "",
        "Europe",
        "Europe/Bonn",
        "../UTC",
        "/usr/share/zoneinfo/UTC",
        "zone.tab",
        "UTC+1",
        "U\0TC",
        "Z" * 5000,
    ],
)
def test_what_is_no_zone(name: str) -> None:
    with pytest.raises(Rejected) as caught:
        zones.named(name)
    assert caught.value.code == "invalid"
    assert caught.value.message.startswith("zone: ")
    assert "; give " in caught.value.message
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("utc", "'utc' is written 'UTC'"),
        ("europe/berlin", "'europe/berlin' is written 'Europe/Berlin'"),
        ("EUROPE/BERLIN", "'Europe/Berlin'"),
        ("america/argentina/buenos_aires", "'America/Argentina/Buenos_Aires'"),
        ("right/Europe/Berlin", "give 'Europe/Berlin'"),
        ("posix/UTC", "give 'UTC'"),
    ],
)
def test_what_would_be_one(name: str, remedy: str) -> None:
    with pytest.raises(Rejected, match=remedy):
        zones.named(name)


@pytest.mark.parametrize(
    ("name", "hour"),
    [
        ("right/Europe/Berlin", 8),
        ("posix/Europe/Berlin", 8),
        ("europe/berlin", 8),
        ("Factory", 9),
        ("localtime", 8),
        ("Mars/Olympus", 9),
        ("", 9),
        ("..", 9),
    ],
)
@pytest.mark.usefixtures("old_system")
def test_i4_a_zone_that_was_stored_goes_on(name: str, hour: int) -> None:
    at = next(cron.parse("0 9 * * *").after(DECEMBER, zones.stored(name)))
    assert (at.hour, at.minute, at.second) == (hour, 0, 0)


def test_every_zone_of_the_package_is_one() -> None:
    for name in distinct():
        assert zones.named(name).key == name
        assert zones.stored(name) is zones.named(name)


def test_no_clock_is_set_twice_within_the_days_that_lie_between_two_looks() -> None:
    """Else libs/domain/zones.py would have to look more often."""
    for name in distinct():
        history = [one.at for one in changes(name)]
        assert all(later - earlier > 4 * DAY for earlier, later in pairwise(history)), name


@pytest.mark.parametrize("name", ["Australia/Lord_Howe", "Pacific/Apia", "UTC", "Africa/Cairo"])
def test_stretches_end_with_a_change_or_with_the_year(name: str) -> None:
    zone, at = zones.named(name), FIRST
    years = {datetime(year, 1, 1, tzinfo=UTC) for year in range(FIRST.year, LAST.year + 1)}
    ends = set()
    while at < LAST:
        part = zones.stretch(zone, int(at.timestamp()))
        for inside in (int(at.timestamp()), part.end - 1):
            assert zones.stretch(zone, inside).end == part.end
            offset = datetime.fromtimestamp(inside, zone).utcoffset()
            assert offset == timedelta(seconds=part.ahead)
        at = datetime.fromtimestamp(part.end, UTC)
        ends.add(at)
    assert ends == years - {FIRST} | {one.at for one in changes(name)}
