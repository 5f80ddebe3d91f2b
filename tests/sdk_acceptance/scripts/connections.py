"""Connections: created, attached, listed, read, deleted."""

from tests.sdk_acceptance.scripts.common import client, refusal, unique

wl = client()
workspace = wl.get_current_workspace()
name, details = unique("houses"), {"host": "https://example.org/a.arrow", "n": [1, None]}
made = wl.create_connection(name, "HTTPFILE", details)
assert (made.name(), made.connection_type(), made.details()) == (name, "HTTPFILE", details)
assert "already exists" in refusal(lambda: wl.create_connection(name, "HTTPFILE", {}))
assert wl.get_connection(name).details() == details
assert wl.get_connection(name).workspace_names() == []
assert "Failed to get connection" in refusal(lambda: wl.get_connection("no such connection"))

workspace.add_connection(name)
(listed,) = workspace.list_connections()
assert (listed.name(), listed.details()) == (name, details)
assert listed.workspace_names() == [workspace.name()]
everything = wl.list_connections()
assert name in {one.name() for one in everything}
for shown in (made, listed, everything, workspace.list_connections()):
    assert name in shown._repr_html_()
    assert "example.org" not in shown._repr_html_()

workspace.remove_connection(name)
assert workspace.list_connections() == []
wl.get_connection(name).delete_connection()
refusal(lambda: wl.get_connection(name))
assert wl.create_connection(name, "HTTPFILE", {}).details() == {}
print("done")
