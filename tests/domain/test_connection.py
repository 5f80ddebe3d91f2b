"""A connection is attached, detached and deleted; its name is its own as long as it lives."""

from uuid import UUID

import pytest

from libs.domain import connection as connections
from libs.domain.errors import Rejected
from libs.domain.events import (
    ConnectionAttached,
    ConnectionCreated,
    ConnectionDeleted,
    ConnectionDetached,
    Event,
    TaskStarted,
)
from libs.domain.ids import StreamId, connection_stream
from tests.domain.decider import ID, Decider

CREATED = ConnectionCreated(name="sales", kind="POSTGRES", details="sealed")


def after(*events: Event) -> Decider[connections.Connection]:
    return Decider(connections.evolve, connection_stream(ID), [CREATED, *events])


def order(**more: str) -> ConnectionCreated:
    return ConnectionCreated(**{"name": "sales", "kind": "POSTGRES", "details": "sealed"} | more)


@pytest.mark.parametrize("name", ["a", "houseprice_arrow_table", "ünïcode x", "n" * 128])
def test_a_free_name_is_taken(name: str) -> None:
    assert connections.create(order(name=name), taken=False) == [order(name=name)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "name: give 1 to"),
        ({"name": " \t"}, "name: give 1 to"),
        ({"name": "n" * 129}, "name: give 1 to 128 characters"),
        ({"name": "two\nlines"}, "no control characters"),
        ({"kind": ""}, "type: give 1 to"),
        ({"kind": "nul\0"}, "type: give 1 to"),
        ({"kind": "k" * 129}, "type: give 1 to 128 characters"),
    ],
)
def test_what_is_refused_says_the_field_and_the_remedy(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(Rejected) as caught:
        connections.create(order(**wrong), taken=False)
    assert caught.value.code == "invalid"
    assert words in caught.value.message


def test_a_taken_name_is_a_conflict() -> None:
    with pytest.raises(Rejected, match="'sales' exists already; choose another") as caught:
        connections.create(order(), taken=True)
    assert caught.value.code == "conflict"


def test_it_is_attached_once_and_detached_once() -> None:
    attached = after().decides_once(
        lambda it: connections.attach(it, 7), ConnectionAttached(workspace=7)
    )
    both = attached.decides(lambda it: connections.attach(it, 5), ConnectionAttached(workspace=5))
    assert both.state.workspaces == [7, 5]
    one = both.decides_once(lambda it: connections.detach(it, 7), ConnectionDetached(workspace=7))
    assert one.state.workspaces == [5]


def test_of_a_deleted_one_nothing_is_left() -> None:
    gone = after(ConnectionAttached(workspace=7)).decides_once(
        connections.delete, ConnectionDeleted()
    )
    assert (gone.state.details, gone.state.workspaces) == ("", [])
    gone.refuses(lambda it: connections.attach(it, 5), "not_found", "connection_id", "is deleted")
    gone.decides(lambda it: connections.detach(it, 7))


def test_it_lies_in_no_workspace() -> None:
    stream = connection_stream(ID)
    assert stream.subject == f"event.0.connection.{ID}"
    assert StreamId.of_subject(stream.subject) == stream


def test_a_link_has_one_id() -> None:
    ids = {connections.link_id(id, at) for id in (ID, UUID(int=1)) for at in (5, 7)}
    assert len(ids) == 4
    assert connections.link_id(ID, 5) in ids


def test_a_broken_log_is_no_connection() -> None:
    with pytest.raises(ValueError, match="before the aggregate was created"):
        Decider(connections.evolve, connection_stream(ID), [ConnectionDeleted()]).state  # noqa: B018
    with pytest.raises(ValueError, match="TaskStarted is no event of a connection"):
        after(TaskStarted()).state  # noqa: B018
