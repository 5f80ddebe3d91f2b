"""A workspace has a name of its own and knows its members."""

import pytest

from libs.domain import workspace as workspaces
from libs.domain.errors import Rejected
from libs.domain.events import WorkspaceCreated, WorkspaceMemberAdded, WorkspaceMemberRemoved
from libs.domain.ids import StreamId, workspace_stream
from tests.domain.decider import Decider

TAKEN = frozenset({"taken"})


@pytest.mark.parametrize("name", ["a", "My workspace-1_2", "ünïcode", "n" * workspaces.MAX_NAME])
def test_a_free_name_is_taken(name: str) -> None:
    assert workspaces.create(name, "ann", TAKEN) == [WorkspaceCreated(name=name, owner="ann")]


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("", "invalid", "give 1 to"),
        ("   ", "invalid", "give 1 to"),
        ("n" * (workspaces.MAX_NAME + 1), "invalid", "give 1 to"),
        ("two\nlines", "invalid", "control characters"),
        ("nul\0", "invalid", "control characters"),
        ("taken", "conflict", "choose another"),
    ],
)
def test_a_name_is_refused_with_the_remedy(name: str, code: str, word: str) -> None:
    with pytest.raises(Rejected) as caught:
        workspaces.create(name, "ann", TAKEN)
    assert caught.value.code == code
    assert caught.value.message.startswith("workspace_name: ")
    assert word in caught.value.message


def test_members_come_and_go() -> None:
    created = Decider(
        workspaces.evolve, workspace_stream(7), [WorkspaceCreated(name="w", owner="ann")]
    )
    assert created.state.members == {"ann": "owner"}
    joined = created.after(WorkspaceMemberAdded(user="bob", role="collaborator"))
    assert joined.state.members == {"ann": "owner", "bob": "collaborator"}
    assert joined.after(WorkspaceMemberRemoved(user="bob")).state.members == {"ann": "owner"}


def test_a_subject_names_its_stream_and_back() -> None:
    stream = StreamId(7, "workspace", "7")
    assert stream.subject == "event.7.workspace.7"
    assert StreamId.of_subject(stream.subject) == stream
