"""The main.py of a task: what it can see of the platform by itself, without logging in."""

import json
import os

import wallaroo

print(wallaroo.__version__)
wl = wallaroo.Client()
workspace = wl.get_current_workspace()
arguments = wl.task_args()
print("in a task:", wl.in_task())
print("arguments:", json.dumps(arguments, sort_keys=True))
print("workspace:", workspace.id(), workspace.name())
print("workspaces:", [one.name() for one in wl.list_workspaces()])
connection = wl.get_connection(arguments["connection"])
print("connection:", connection.connection_type(), json.dumps(connection.details()))
print("connections:", [one.name() for one in workspace.list_connections()])
orchestrations = wl.list_orchestrations(workspace_id=workspace.id())
print("orchestrations:", [(one.name(), one.status()) for one in orchestrations])
tasks = wl.list_tasks(workspace_id=workspace.id())
this = [task for task in tasks if str(task.id()) == os.environ["WALLAROO_TASK_ID"]]
print("this task:", [(task.name(), task.status(), task.input_data()) for task in this])
