"""Whatever somebody writes is a schedule or is refused; nothing else comes of it."""

from datetime import UTC, datetime
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from libs.domain import cron, zones
from libs.domain.errors import Rejected
from tests.power import drawn

FIELD = st.one_of(
    st.sampled_from(["*", "?", "*/7", "L", "LW", "5L", "1#5", "mon", "1-5/2", "0", "59", "2024"]),
    st.integers(-1, 2100).map(str),
    st.text(alphabet="0123456789*,-/#LW?²", max_size=6),
)
WRITTEN = st.one_of(
    st.text(max_size=40),
    st.lists(FIELD, min_size=4, max_size=8).map(" ".join),
)


@drawn(200)
@given(WRITTEN)
def test_written_by_chance(expression: str) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    try:
        parsed = cron.parse(expression)
    except Rejected:
        return
    found = list(islice(parsed.after(start, zones.named("Europe/Berlin")), 5))
    assert all(at > start for at in found)
    assert found == sorted(set(found))
