"""Events are read alike, in one look or header by header."""

import random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.domain.events import RunStarted, encode
from libs.domain.ids import run_stream
from libs.eventlog import envelope
from libs.eventlog.envelope import Context, from_headers, from_message, to_headers
from libs.eventlog.message import Message
from tests.eventlog.blocks import block

STREAM, EVENT = run_stream(7, UUID(int=7)), RunStarted(executor="e")
words = st.text(st.characters(exclude_categories=("C", "Z")), max_size=9)


@given(st.lists(words, min_size=4, max_size=4), st.dictionaries(words, words), st.randoms())
def test_as_written_with_more_behind_and_in_any_order(
    said: list[str], more: dict[str, str], chance: random.Random
) -> None:
    actor, correlation, causation, traceparent = said
    context = Context(
        source="api",
        actor=actor,
        correlation=correlation,
        causation=causation,
        traceparent=traceparent,
    )
    written = {
        **to_headers(STREAM, EVENT, context),
        **{f"X-{name}": of for name, of in more.items()},
    }
    lines = [*written.items()]
    chance.shuffle(lines)
    expected = from_headers(3, STREAM.subject, written, encode(EVENT))
    for given_headers in (written, dict(lines)):
        message = Message(STREAM.subject, block(given_headers), encode(EVENT))
        assert from_message(3, message) == expected


def test_what_we_write_is_read_in_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    context = Context(source="api", actor="me", causation="c", traceparent="t")
    written = to_headers(STREAM, EVENT, context)
    message = Message(STREAM.subject, block(written), encode(EVENT))
    expected = from_headers(1, STREAM.subject, written, encode(EVENT))
    monkeypatch.delattr(envelope, "from_headers")
    assert from_message(1, message) == expected


@pytest.mark.parametrize("subject", ["event.1.run", "event.1.planet.x", "event.x.run.y", "a"])
def test_other_subjects_are_no_events(subject: str) -> None:
    written = block(to_headers(STREAM, EVENT, Context(source="a", actor="b")))
    with pytest.raises(ValueError, match=r"invalid|unpack|aggregate"):
        from_message(1, Message(subject, written, encode(EVENT)))
