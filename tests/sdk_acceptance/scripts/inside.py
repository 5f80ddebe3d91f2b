"""The main.py of a task: what it can see of the platform by itself, without logging in."""

import json
import os
from typing import Any

import pandas as pd
import pyarrow as pa
import requests
import wallaroo

print(wallaroo.__version__)
wl = wallaroo.Client()


def get_workspace(name: str) -> Any:
    workspace = None
    for ws in wl.list_workspaces():
        if ws.name() == name:
            workspace = ws
    if workspace is None:
        workspace = wl.create_workspace(name)
    return workspace


arguments = {"workspace_name": "elsewhere"}
if wl.in_task():
    arguments = wl.task_args()
print("in a task:", wl.in_task(), wl.get_current_workspace().name() == arguments["workspace_name"])
print("arguments:", json.dumps(arguments, sort_keys=True))
workspace = get_workspace(arguments["workspace_name"])
wl.set_current_workspace(workspace)
print("workspace:", wl.get_current_workspace().id(), workspace.name())
print("workspaces:", [one.name() for one in wl.list_workspaces()])
connection = wl.get_connection(arguments["connection"])
print("connection:", connection.connection_type(), json.dumps(connection.details()))
headers = {"Accept": "application/json"}
response = requests.get(connection.details()["host"] + "/healthz", headers=headers, timeout=60)
print("fetched:", response.json())
table = pa.Table.from_pandas(pd.read_csv("./data/houses.csv"))
sink = pa.BufferOutputStream()
with pa.ipc.new_file(sink, table.schema) as writer:
    writer.write(table)
with pa.ipc.open_file(sink.getvalue()) as reader:
    print("data:", reader.read_all().to_pandas()["price"].sum())
print("connections:", [one.name() for one in workspace.list_connections()])
orchestrations = wl.list_orchestrations(workspace_id=workspace.id())
print("orchestrations:", [(one.name(), one.status()) for one in orchestrations])
tasks = wl.list_tasks(workspace_id=workspace.id())
this = [task for task in tasks if str(task.id()) == os.environ["WALLAROO_TASK_ID"]]
print("this task:", [(task.name(), task.status(), task.input_data()) for task in this])
