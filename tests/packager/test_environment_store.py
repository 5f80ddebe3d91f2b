"""Which environments go: the longest unused, beyond the limits, and never one that is needed."""

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from services.packager.environment_store import Limits, StoredEnvironment, excess

NOW = 1_000_000.0
DAY = 86400.0


def removed_ids(
    stored: list[StoredEnvironment], needed: Collection[str] = (), **limits: float
) -> list[str]:
    return [one.id for one in excess(stored, needed, Limits(**limits), NOW)]  # type: ignore[arg-type]


def env(id: str, days: float, size: int = 1) -> StoredEnvironment:
    return StoredEnvironment(id, size, size, NOW - days * DAY)


def test_what_is_unused_for_long_goes() -> None:
    assert removed_ids([env("old", 8), env("new", 6)], unused_seconds=7 * DAY) == ["old"]


def test_beyond_the_number_the_longest_unused_go() -> None:
    stored = [env("a", 1), env("c", 3), env("b", 2)]
    assert removed_ids(stored, environments=1) == ["c", "b"]


def test_beyond_the_size_the_longest_unused_go_until_it_fits() -> None:
    stored = [env("a", 1, 10), env("b", 2, 10), env("c", 3, 10)]
    assert removed_ids(stored, own_bytes=20) == ["c"]
    assert removed_ids(stored, own_bytes=19) == ["c", "b"]


def test_what_is_needed_stays_and_what_was_used_last_stays_with_it() -> None:
    stored = [env("a", 1), env("b", 2), env("c", 300)]
    assert removed_ids(stored, needed={"c"}, environments=1) == ["b"]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 100)), max_size=8),
    st.sets(st.integers(0, 7)),
    st.integers(0, 8),
    st.integers(0, 400),
)
def test_nothing_needed_ever_goes_and_what_stays_fits(
    environments: list[tuple[float, int]], needed: set[int], max_number: int, size: int
) -> None:
    stored = [env(str(n), days, own) for n, (days, own) in enumerate(environments)]
    keep = {str(n) for n in needed}
    out = set(
        removed_ids(stored, keep, environments=max_number, own_bytes=size, unused_seconds=30 * DAY)
    )
    assert not out & keep
    free = [one for one in stored if one.id not in out | keep]
    assert len(free) <= max_number
    assert sum(one.own_bytes for one in free) <= size
    assert all(one.used_at >= NOW - 30 * DAY for one in free)
