"""I3 over whole lives of a schedule: every tick is asked for once, or counted as missed once."""

from datetime import datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from libs.domain import schedule as schedules
from libs.domain.schedule import Busy, Span, Tick
from libs.domain.values import Schedule
from tests.domain.decider import START
from tests.power import drawn


class Look(msgspec.Struct, frozen=True):
    """An evaluation: how long after the last one, and what it finds open.

    `ended` is how long before it the last run ended, none when there was none.
    """

    seconds: float
    open: bool
    ended: float | None


EVERY = st.sampled_from([1, 5, 20, 60])
LOOKS = st.lists(
    st.builds(
        Look,
        st.one_of(st.floats(0, 3), st.floats(0, 300)),
        st.booleans(),
        st.one_of(st.none(), st.floats(0, 100)),
    ),
    max_size=25,
)
POLICIES = st.builds(
    Schedule,
    expression=st.just(""),
    misfire=st.sampled_from(["latest", "all", "none"]),
    misfire_cap=st.integers(1, 30),
    overlap=st.sampled_from(["allow", "skip", "queue"]),
)


class Account:
    """Plays a schedule of every `step` seconds. START is a tick's instant for all of them, so a
    tick's number is its distance from there, without asking the code under test."""

    def __init__(self, schedule: Schedule, step: int) -> None:
        expression = "0 * * * * *" if step == 60 else f"*/{step} * * * * *"
        self.schedule = msgspec.structs.replace(schedule, expression=expression)
        self.step = timedelta(seconds=step)
        self.now = self.after = START
        self.accounted = 0

    def number(self, instant: datetime) -> int:
        return (instant - START) // self.step

    def look(self, look: Look) -> list[Tick]:
        self.now += timedelta(seconds=look.seconds)
        until = None if look.ended is None else self.now - timedelta(seconds=look.ended)
        busy = Busy(look.open, until)
        ticks = schedules.due(self.schedule, [Span(self.after)], self.now, busy)
        self._keeps_its_policy(ticks, busy)
        for tick in ticks:
            assert (tick.at - START) % self.step == timedelta()
            self.accounted += tick.missed + 1
            assert self.number(tick.at) == self.accounted
            self.after = tick.at
        assert self.after <= self.now
        return ticks

    def _keeps_its_policy(self, ticks: list[Tick], busy: Busy) -> None:
        if self.schedule.overlap != "allow":
            assert len(ticks) <= (0 if busy.now else 1)
        if self.schedule.overlap == "skip" and busy.until is not None:
            assert all(tick.at > busy.until for tick in ticks)
        if self.schedule.misfire == "all":
            assert len(ticks) <= self.schedule.misfire_cap
        else:
            assert len(ticks) <= 1


@drawn(150)
@given(schedule=POLICIES, step=EVERY, looks=LOOKS)
def test_i3_every_tick_is_accounted_for_once(
    schedule: Schedule, step: int, looks: list[Look]
) -> None:
    account = Account(schedule, step)
    for look in looks:
        account.look(look)
    # On time for the next tick and with nothing open, no policy leaves anything behind.
    to_next = START + (account.number(account.now) + 1) * account.step - account.now
    account.look(Look(to_next.total_seconds(), False, None))
    while account.look(Look(0, False, None)):
        pass
    assert account.accounted == account.number(account.now)
