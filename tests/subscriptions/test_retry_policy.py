"""When a webhook is tried again: pauses that double up to a limit, until it is given up."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.webhooks.retry_policy import MAX_PAUSE_SECONDS, RetryPolicy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
THREE_DAYS = 3 * 86400.0


def pause(policy: RetryPolicy, tries: int, spread: float = 1.0) -> float:
    """Seconds, right after the first try."""
    return (policy.next_try(tries, NOON, NOON, spread) - NOON).total_seconds()


def test_pauses_double_up_to_four_hours() -> None:
    policy = RetryPolicy(5, THREE_DAYS)
    assert [pause(policy, tries) for tries in (1, 2, 3, 4)] == [5, 10, 20, 40]
    assert [pause(policy, tries) for tries in (12, 13, 10_000)] == [10240, 14400, 14400]


def test_the_spread_shortens_a_pause_by_up_to_a_half() -> None:
    policy = RetryPolicy(8, THREE_DAYS)
    assert [pause(policy, 1, spread) for spread in (0.0, 0.5, 1.0)] == [4, 6, 8]


@given(
    tries=st.integers(1, 10**6),
    spread=st.floats(0, 1),
    since=st.floats(0, THREE_DAYS),
    first_pause=st.floats(0.01, 10**6),
)
def test_the_last_try_is_when_it_is_time_to_give_up(
    tries: int, spread: float, since: float, first_pause: float
) -> None:
    policy, now = RetryPolicy(first_pause, THREE_DAYS), NOON + timedelta(seconds=since)
    next_try = policy.next_try(tries, NOON, now, spread)
    end = NOON + timedelta(seconds=THREE_DAYS)
    assert now <= next_try <= min(end, now + timedelta(seconds=MAX_PAUSE_SECONDS))
    assert policy.gives_up(NOON, next_try) == (next_try == end)
