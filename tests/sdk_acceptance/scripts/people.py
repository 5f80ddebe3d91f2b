"""Members of a workspace, and who there is. The argument is somebody's email."""

import sys

from tests.sdk_acceptance.scripts.common import client, refusal

email = sys.argv[1]
wl = client()
workspace = wl.get_current_workspace()
found = wl.get_user_by_email(email)
assert found.email() == email
assert found.enabled()
assert wl.get_user_by_email("nobody@example.org") is None
assert email in {user.email() for user in wl.list_users()}
assert wl.get_email_by_id(found.id()) == email


def members() -> set[str]:
    return {user.email() for user in workspace.users()}


workspace.add_user(email)
assert members() == {email, wl.auth.user_email()}
assert "already exists" in refusal(lambda: workspace.add_user(email))
workspace.add_owner(email)
workspace.remove_user(email)
assert members() == {wl.auth.user_email()}
refusal(lambda: workspace.remove_user(wl.auth.user_email()))
wl.deactivate_user(email)
assert not wl.get_user_by_email(email).enabled()
wl.activate_user(email)
assert wl.get_user_by_email(email).enabled()
invited = wl.invite_user("new-" + email, "a password for tests")
assert invited["email"] == "new-" + email
print("done")
