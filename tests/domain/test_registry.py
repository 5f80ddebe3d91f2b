"""The list of aggregates: whole, and in agreement with the events and the names of streams."""

from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import pytest

from libs.domain.events import AGGREGATE_OF, EVENT_TYPES, Event
from libs.domain.history import Fact
from libs.domain.ids import PLATFORM, Aggregate, StreamId, stream_of
from libs.domain.registry import AGGREGATES
from tests.golden.examples import EXAMPLES

ID = UUID("7f9c1f52-9b52-4d0e-8f43-0d7e7f5d2b11")


def test_the_registry_has_every_name_that_a_subject_may_have() -> None:
    assert set(AGGREGATES) == set(get_args(Aggregate))


def test_every_event_belongs_to_one_aggregate_and_every_aggregate_has_events() -> None:
    listed = [kind for one in AGGREGATES.values() for kind in one.events]
    assert listed == list(EVENT_TYPES)
    assert len({kind.__name__ for kind in listed}) == len(listed) == len(AGGREGATE_OF)
    assert {kind.AGGREGATE for kind in EVENT_TYPES} == set(AGGREGATES)


@pytest.mark.parametrize("name", AGGREGATES)
def test_an_aggregate_begins_with_its_first_event(name: Aggregate) -> None:
    one = AGGREGATES[name]
    event = EXAMPLES[one.created_by.__name__][1]
    assert isinstance(one.evolve(None, fact(name, event)), one.state)


@pytest.mark.parametrize("name", AGGREGATES)
def test_an_aggregate_takes_its_own_events_only(name: Aggregate) -> None:
    one = AGGREGATES[name]
    state = one.evolve(None, fact(name, EXAMPLES[one.created_by.__name__][1]))
    for kind in EVENT_TYPES:
        given = fact(name, EXAMPLES[kind.__name__][1])
        if kind in one.events:
            assert isinstance(one.evolve(state, given), one.state)
        else:
            with pytest.raises(ValueError, match=f"{kind.__name__} is no event of"):
                one.evolve(state, given)


@pytest.mark.parametrize("name", AGGREGATES)
def test_members_read_what_lies_in_their_workspace(name: Aggregate) -> None:
    stream = stream_of(name, 5, ID)
    assert StreamId.of_subject(stream.subject) == stream
    assert stream.workspace == (5 if AGGREGATES[name].members_read else PLATFORM)


def fact(name: Aggregate, event: Event) -> Fact:
    id = 5 if name == "workspace" else ID
    return Fact(
        stream=stream_of(name, 5, id), event=event, at=datetime(2026, 3, 2, tzinfo=UTC), actor="ann"
    )
