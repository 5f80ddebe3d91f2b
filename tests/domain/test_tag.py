"""A tag is a word."""

import pytest

from libs.domain import tag as tags
from libs.domain.errors import Rejected
from libs.domain.events import TagCreated, TaskStarted
from libs.domain.ids import tag_stream
from tests.domain.decider import ID, Decider


def test_a_tag_has_its_word_and_its_maker() -> None:
    events = tags.create("in production")
    assert events == [TagCreated(name="in production")]
    state = Decider(tags.evolve, tag_stream(ID), events).state
    assert (state.name, state.created_by, state.number) == ("in production", "ann", 1)


@pytest.mark.parametrize("name", ["", " ", "x" * (tags.MAX_NAME + 1), "a\nb"])
def test_what_can_not_be_seen_is_no_tag(name: str) -> None:
    with pytest.raises(Rejected, match=r"^tag: give 1 to 128"):
        tags.create(name)


def test_a_broken_log_is_no_tag() -> None:
    with pytest.raises(ValueError, match="TaskStarted is no event of a tag"):
        Decider(tags.evolve, tag_stream(ID), [TaskStarted()]).state  # noqa: B018
