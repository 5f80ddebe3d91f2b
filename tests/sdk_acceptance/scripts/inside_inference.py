"""The main.py of a task that infers: it finds its pipeline, deploys it, reads a table from a
connection, infers, writes down the answer, and undeploys."""

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import requests
import wallaroo

wl = wallaroo.Client()
arguments = wl.task_args()
print("email:", wl.auth.user_email() == arguments["email"])


def get_workspace(name: str) -> Any:
    workspace = None
    for ws in wl.list_workspaces():
        if ws.name() == name:
            workspace = ws
    if workspace is None:
        workspace = wl.create_workspace(name)
    return workspace


def get_pipeline(name: str) -> Any:
    try:
        return wl.pipelines_by_name(name)[0]
    except Exception:
        return wl.build_pipeline(name)


workspace = get_workspace(arguments["workspace_name"])
wl.set_current_workspace(workspace)
pipeline = get_pipeline(arguments["pipeline_name"])
pipeline.deploy()
print("status:", pipeline.status()["status"])
connection = wl.get_connection(arguments["connection"])
response = requests.get(connection.details()["host"], timeout=60)
with pa.ipc.open_file(io.BytesIO(response.content)) as reader:
    table = reader.read_all()
answer = pipeline.infer(table)
numbers = answer.to_pandas()["out.variable"].tolist()
print("arrow:", len(numbers), round(float(sum(row[0] for row in numbers)), 2))
frame = pipeline.infer(pd.DataFrame({"tensor": [[1.0] * 3]}))
print("frame:", round(float(frame["out.variable"][0][0]), 4))
logs = pipeline.logs(limit=10)
print("logs:", len(logs))
pipeline.undeploy()
try:
    pipeline.infer(table)
except Exception as error:
    print("undeployed:", "404" in str(error) or "not deployed" in str(error))
