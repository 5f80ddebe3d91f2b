"""Which time counts against a process that says nothing."""

import pytest

from libs.supervisor.silence import Silence


def after(*looks: tuple[float, str, float]) -> Silence:
    """Each is the time since the last one, the state, and the CPU used meanwhile."""
    silence, cpu = Silence(), 0.0
    for elapsed, state, used in looks:
        cpu += used
        silence.looked(elapsed, state, cpu)
    return silence


@pytest.mark.parametrize(
    ("look", "counted"),
    [
        ((1.0, "S", 0.0), 1.0),  # it sleeps, and nobody keeps it from waking up
        ((1.0, "R", 1.0), 1.0),
        ((1.0, "R", 0.5), 1.0),  # two on one processor
        ((1.0, "T", 0.0), 1.0),
        ((1.0, "R", 0.05), 0.0),  # twenty on one processor
        ((1.0, "D", 0.0), 0.0),  # a disk that is busy, or memory that comes from one
        ((1.0, "t", 0.0), 0.0),  # in a debugger
        ((600.0, "S", 0.0), 2.0),  # we were paused as well
        ((600.0, "R", 0.3), 0.0),
    ],
)
def test_time_that_it_could_not_use_does_not_count(
    look: tuple[float, str, float], counted: float
) -> None:
    assert after(look).seconds == counted


def test_whoever_speaks_begins_anew() -> None:
    silence = after((1.0, "S", 0.0), (1.0, "S", 0.0))
    silence.broken()
    silence.looked(1.0, "S", 0.0)
    assert silence.seconds == 1.0


@pytest.mark.parametrize(
    ("looks", "described"),
    [
        ([(1.0, "R", 0.9)] * 5, "it computes"),
        ([(1.0, "S", 0.01)] * 5, "it waits for something"),
        ([(1.0, "S", 0.9), (1.0, "T", 0.0)], "somebody has stopped it"),
    ],
)
def test_it_is_said_why(looks: list[tuple[float, str, float]], described: str) -> None:
    assert after(*looks).described() == described
