"""Workspaces: created, found, listed, shown."""

import wallaroo

from tests.sdk_acceptance.scripts.common import refusal, unique

wl = wallaroo.Client()
name = unique("tutorial")
made = wl.create_workspace(name)
assert made.name() == name
assert not made.archived()
assert made.created_by() == wl.auth.user_id()
assert (made.models(), made.pipelines()) == ([], [])
assert "Failed to create workspace." in refusal(lambda: wl.create_workspace(name))
assert wl.get_workspace(name).id() == made.id()
underscores = unique("multiple_pipeline_deployment_tutorial")
second = wl.get_workspace(name=underscores, create_if_not_exist=True)
assert wl.get_workspace(name=underscores, create_if_not_exist=True).id() == second.id()
assert "does not exist" in refusal(lambda: wl.get_workspace("no such workspace"))
assert wl.set_current_workspace(second).id() == second.id()
assert wl.get_current_workspace().id() == second.id()
listed = wl.list_workspaces()
assert {made.id(), second.id()} <= {one.id() for one in listed}
shown = listed._repr_html_()
assert name in shown
assert wl.auth.user_email() in shown
assert "Removed User" not in shown
assert made.to_json()["name"] == name
print("done")
