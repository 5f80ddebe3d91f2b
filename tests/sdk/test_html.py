"""What notebooks show: the titles that the MLOps documentation shows, and nothing that runs."""

import re
from collections.abc import Callable

from rondo import Client, Connection, Orchestration
from rondo.instants import parse_instant
from rondo.log_lines import Logs

from tests.platform import PATIENCE
from tests.sdk.conftest import SAYS

Ready = Callable[[str], Orchestration]

TIME = r"\d{4}-\d\d-[A-Z][a-z]{2} \d\d:\d\d:\d\d"


def _titles(table: str) -> list[str]:
    return re.findall("<th>(.*?)</th>", table)


def _fields(card: str) -> list[str]:
    return re.findall("<tr><td>(.*?)</td>", card)


def test_orchestrations(client: Client, ready: Ready) -> None:
    orchestration = ready(SAYS)
    table = client.list_orchestrations(client.get_current_workspace().id())._repr_html_()
    assert _titles(table) == [
        "id", "name", "status", "filename", "sha", "created at", "updated at", "workspace id",
        "workspace name",
    ]  # fmt: skip
    sha = orchestration.sha()
    assert f"<td>{sha[:6]}...{sha[-6:]}</td>" in table
    card = orchestration._repr_html_()
    assert {"ID", "Name", "File Name", "SHA", "Status", "Workspace Name"} <= set(_fields(card))
    assert f"<td>SHA</td><td>{sha}</td>" in card


def test_tasks_and_runs(client: Client, ready: Ready) -> None:
    task = ready(SAYS).run_once("<b>bold</b>", {})
    run = task.wait(PATIENCE)
    assert _fields(task._repr_html_()) == [
        "ID", "Name", "Last Run Status", "Type", "Active", "Schedule", "Created At", "Updated At",
        "Workspace ID", "Workspace Name",
    ]  # fmt: skip
    assert re.search(f"<td>Created At</td><td>{TIME}</td>", task._repr_html_())
    assert "&lt;b&gt;bold&lt;/b&gt;" in task._repr_html_()
    assert "<b>" not in task._repr_html_()
    table = client.list_tasks(workspace_id=client.get_current_workspace().id())._repr_html_()
    assert _titles(table) == [
        "id", "name", "last run status", "type", "active", "schedule", "created at", "updated at",
        "workspace id", "workspace name",
    ]  # fmt: skip
    assert "<td>success</td><td>Temporary Run</td><td>True</td><td>-</td>" in table
    runs = task.last_runs()._repr_html_()
    assert _titles(runs) == ["task id", "pod id", "status", "created at", "updated at"]
    assert _fields(run._repr_html_())[:3] == ["Task", "Pod ID", "Status"]
    logs = run.logs()._repr_html_()
    assert re.search(f"{TIME} the last line &lt;&amp;&gt;", logs)


def test_workspaces_connections_and_people(client: Client) -> None:
    workspace = client.get_current_workspace()
    client.create_connection(workspace.name(), "HTTP", {"token": "hunter2"})
    workspace.add_connection(workspace.name())
    connections = workspace.list_connections()._repr_html_()
    assert _titles(connections) == [
        "name", "connection type", "details", "created at", "linked workspaces",
    ]  # fmt: skip
    assert "<td>HTTP</td><td>*****</td>" in connections
    assert f"<td>[&#x27;{workspace.name()}&#x27;]</td>" in connections
    assert f"<td>{workspace.name()}</td>" in client.list_workspaces()._repr_html_()
    assert _titles(workspace.users()._repr_html_()) == ["id", "email", "username", "user type"]


def test_nothing_is_said_in_words(client: Client) -> None:
    empty = client.create_workspace(client.get_current_workspace().name() + "-empty").id()
    assert client.list_orchestrations(empty)._repr_html_() == "(no orchestrations)"
    assert client.list_tasks(workspace_id=empty)._repr_html_() == "(no tasks)"
    assert Logs({"logs": []})._repr_html_() == "(no logs yet)"


def test_details_of_connections_are_never_shown(client: Client) -> None:
    data = {
        "id": "1", "name": "warehouse", "type": "HTTP", "details": {"token": "hunter2"},
        "created_at": "2026-01-02T03:04:05Z", "workspace_names": ["mine"],
    }  # fmt: skip
    connection = Connection(client, data)
    for shown in (connection._repr_html_(), repr(connection), str(connection.to_json())):
        assert "hunter2" not in shown
    assert _fields(connection._repr_html_()) == [
        "Name", "Connection Type", "Details", "Created At", "Linked Workspaces",
    ]  # fmt: skip
    assert connection.details() == {"token": "hunter2"}


def test_times_of_any_precision() -> None:
    assert parse_instant("2026-01-02T03:04:05Z stdout").isoformat() == "2026-01-02T03:04:05+00:00"
    assert parse_instant("2026-01-02T03:04:05.123456789+00:00").microsecond == 123456
    assert (
        parse_instant("2026-01-02 03:04:05.5+02:00").isoformat()
        == "2026-01-02T03:04:05.500000+02:00"
    )
