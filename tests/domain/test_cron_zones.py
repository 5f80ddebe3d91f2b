"""Ticks around every change of every zone's clock until 2037, against a model that looks at each
minute."""

import random
from datetime import datetime, timedelta
from itertools import pairwise, takewhile

from hypothesis import given
from hypothesis import strategies as st

from libs.domain import cron, zones
from tests.domain.clocks import DAY, Change, Written, all_changes
from tests.power import drawn


def some(first: int, last: int, most: int = 4) -> st.SearchStrategy[frozenset[int] | None]:
    return st.none() | st.frozensets(st.integers(first, last), min_size=1, max_size=most)


SECONDS = st.sampled_from([(0,), (0,), (0, 30), (59,)])
WRITTEN = st.builds(
    Written, some(0, 59), some(0, 23, 8), some(1, 31, 12), some(0, 6), seconds=SECONDS
)


def agrees(written: Written, change: Change, starts: list[int]) -> None:
    """`starts` are seconds from the day before the change on."""
    zone = zones.named(change.zone)
    first, last = change.at - 2 * DAY, change.at + 2 * DAY
    expected = [at for at in written.ticks(change) if at > first]
    parsed = cron.parse(written.expression)

    def after(instant: datetime) -> list[datetime]:
        return list(takewhile(lambda at: at < last, parsed.after(instant, zone)))

    assert after(first) == expected
    assert all(a < b for a, b in pairwise(expected))
    for start in starts:
        instant = change.at - DAY + timedelta(seconds=start)
        rest = [at for at in expected if at > instant]
        assert after(instant) == rest
        until = min(instant + DAY, last - timedelta(seconds=60))
        between = [at for at in rest if at <= until]
        newest, count = parsed.newest(instant, until, zone, 7)
        assert (newest, count) == (between[-7:], len(between))


@drawn(60)
@given(st.data(), WRITTEN, st.lists(st.integers(0, 2 * 86_400), min_size=1, max_size=5))
def test_i3_by_chance(data: st.DataObject, written: Written, starts: list[int]) -> None:
    agrees(written, data.draw(st.sampled_from(all_changes())), starts)


def kinds() -> list[Change]:
    """A change of each kind, the last of it."""
    return list({change.kind: change for change in all_changes()}.values())


def around(change: Change, chance: random.Random) -> Written:
    """Hours near those that come twice or not at all."""
    shown = change.at.astimezone(zones.named(change.zone))
    near = [(shown.hour + chance.randint(-3, 2)) % 24 for _ in range(chance.randint(1, 4))]
    step = chance.choice([1, 7, 15, 20, 30, 60])
    return Written(
        minutes=chance.choice([None, frozenset(range(0, 60, step))]),
        hours=chance.choice([None, frozenset(near), frozenset(near)]),
        days=chance.choice([None, None, frozenset({shown.day})]),
        weekdays=chance.choice([None, None, frozenset({shown.isoweekday() % 7})]),
        seconds=chance.choice([(0,), (0,), (15, 45)]),
    )


def test_i3_every_kind_of_change() -> None:
    chance = random.Random(2037)
    for change in kinds():
        for _ in range(8):
            starts = [chance.randrange(2 * 86_400) for _ in range(3)]
            agrees(around(change, chance), change, starts)
