"""Logging in, and what is current from the start."""

import os

import wallaroo

wl = wallaroo.Client()
current = wl.get_current_workspace()
assert current.name() == f"{wl.auth.user_email()} - Default Workspace", current.name()
assert current.created_by() == wl.auth.user_id()
assert [user.email() for user in current.users()] == [wl.auth.user_email()]
assert wallaroo.Client().get_current_workspace().id() == current.id()
assert not wl.in_task()
assert wl.auth.auth_header()["Authorization"].startswith("Bearer ")
assert os.path.exists(os.environ["XDG_CACHE_HOME"] + "/wallaroo_sdk/auth/keycloak.json")
print("done")
