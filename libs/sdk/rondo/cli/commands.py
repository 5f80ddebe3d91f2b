"""The commands for orchestrations, tasks and runs: each prints, and returns its exit status."""

import json
import os
import re
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

from rondo.archive import excluded_files
from rondo.cli import output
from rondo.client import Client
from rondo.errors import EntityNotFoundError, RondoError
from rondo.orchestration import Orchestration
from rondo.task import Task
from rondo.task_run import TaskRun

_ORCHESTRATION = ("ID", "Name", "Status", "File Name", "Created At", "Workspace Name")
_TASK = ("ID", "Name", "Last Run Status", "Type", "Schedule", "Created At", "Workspace Name")
_RUN = ("Pod ID", "Status", "Created At", "Updated At")
_WORKSPACE = ("ID", "Name", "Created At")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def upload(arguments: Namespace) -> int:
    """`rondo upload`."""
    client = in_workspace(arguments)
    name = arguments.name or Path(arguments.path).resolve().name.removesuffix(".zip")
    include_all = arguments.include_all
    if not include_all and not arguments.quiet and Path(arguments.path).is_dir():
        output.excluded(excluded_files(Path(arguments.path)))
    orchestration = client.upload_orchestration(
        path=arguments.path, name=name, include_all=include_all
    )
    if not arguments.no_wait:
        orchestration.wait()
    output.one(orchestration, arguments)
    return 0


def run(arguments: Namespace) -> int:
    """`rondo run`."""
    json_args = _json_object(arguments.args)
    orchestration = _orchestration(in_workspace(arguments), arguments)
    name = arguments.name or orchestration.name() or "task"
    how = {"timeout": arguments.timeout, "mode": arguments.mode, "grace": arguments.grace}
    if arguments.continuously:
        task = orchestration.run_continuously(name, json_args, **how)
    else:
        task = orchestration.run_once(name, json_args, attempts=arguments.attempts, **how)
    if arguments.follow:
        _follow(task.newest_run(), arguments.json, arguments.json)
    if arguments.follow or arguments.wait:
        return _wait(task, arguments)
    output.one(task, arguments)
    return 0


def schedule(arguments: Namespace) -> int:
    """`rondo schedule`."""
    json_args = _json_object(arguments.args)
    orchestration = _orchestration(in_workspace(arguments), arguments)
    task = orchestration.run_scheduled(
        arguments.name or orchestration.name() or "task",
        arguments.schedule,
        json_args,
        arguments.timeout,
        zone=arguments.zone,
        misfire=arguments.misfire,
        overlap=arguments.overlap,
        mode=arguments.mode,
        grace=arguments.grace,
    )
    output.one(task, arguments)
    output.upcoming(task.upcoming(), arguments)
    return 0


def ps(arguments: Namespace) -> int:
    """`rondo ps`."""
    client = connected(arguments)
    tasks = client.list_tasks(arguments.killed, workspace_name=workspace_name(arguments))
    output.show(tasks, _TASK, arguments)
    if not arguments.json and not arguments.quiet:
        with suppress(RondoError):  # it is only a hint
            if held := client.session.get("/readyz").get("held"):
                print(f"rondo: {held}", file=sys.stderr)
    return 0


def runs(arguments: Namespace) -> int:
    """`rondo runs`."""
    last_runs = _task(arguments).last_runs(arguments.limit, arguments.status)
    output.show(last_runs, _RUN, arguments)
    return 0


def logs(arguments: Namespace) -> int:
    """`rondo logs`."""
    task_run = _run(connected(arguments), arguments.id)
    stamps = arguments.stamps or arguments.json
    if arguments.follow:
        _follow(task_run, stamps, arguments.json, arguments.limit)
        return 0
    lines = task_run.logs(arguments.limit)
    output.lines(lines if stamps else lines.texts(), arguments.json)
    return 0


def _follow(run: TaskRun, stamps: bool, as_json: bool, limit: int | None = None) -> None:
    lines = run.follow(stamps=True, limit=limit)
    if stamps:
        output.lines(lines, as_json)
    else:
        output.follow(lines)


def kill(arguments: Namespace) -> int:
    """`rondo kill`."""
    task = _task(arguments)
    return _print_status(task, task.kill(arguments.keep_logs), arguments)


def pause(arguments: Namespace) -> int:
    """`rondo pause`."""
    task = _task(arguments)
    return _print_status(task, task.pause(), arguments)


def resume(arguments: Namespace) -> int:
    """`rondo resume`."""
    if arguments.all:
        connected(arguments).session.command("admin/resume", {}, repeatable=True)
        print("the platform goes on: what is due is run, webhooks are sent", file=sys.stderr)
        return 0
    task = _task(arguments)
    return _print_status(task, task.resume(), arguments)


def orchestrations(arguments: Namespace) -> int:
    """`rondo orchestrations`."""
    name = workspace_name(arguments)
    items = connected(arguments).list_orchestrations(workspace_name=name)
    output.show(items, _ORCHESTRATION, arguments)
    return 0


def workspaces(arguments: Namespace) -> int:
    """`rondo workspaces`."""
    client = connected(arguments)
    if arguments.create:
        client.create_workspace(arguments.create)
    output.show(client.list_workspaces(), _WORKSPACE, arguments)
    return 0


def connected(arguments: Namespace) -> Client:
    """A client for the platform of the command."""
    return Client(arguments.url, time_format=output.TIME_FORMAT)


def workspace_name(arguments: Namespace) -> str | None:
    """The workspace of the command, if it names one: by option or by RONDO_WORKSPACE."""
    return arguments.workspace or os.environ.get("RONDO_WORKSPACE")


def in_workspace(arguments: Namespace) -> Client:
    """A client whose current workspace is that of the command."""
    client = connected(arguments)
    if name := workspace_name(arguments):
        client.set_current_workspace(client.get_workspace(name))
    return client


def _orchestration(client: Client, arguments: Namespace) -> Orchestration:
    id_or_name = arguments.orchestration
    if _UUID.fullmatch(id_or_name):
        return client.get_orchestration(id_or_name)
    workspace = client.get_current_workspace()
    items = client.list_orchestrations(workspace.id())
    matches = [item for item in items if item.name() == id_or_name]
    if not matches:
        where = f"in workspace {workspace.name()!r}; see `rondo orchestrations`"
        message = f"there is no orchestration {id_or_name!r} {where}"
        raise EntityNotFoundError(message, "not_found", 404)
    return matches[-1]


def _task(arguments: Namespace) -> Task:
    return connected(arguments).get_task_by_id(arguments.task)


def _run(client: Client, id: str) -> TaskRun:
    """The run with that id, or the newest run of the task with that id, once there is one."""
    try:
        task = client.get_task_by_id(id)
    except EntityNotFoundError:
        return TaskRun(client, {"run_id": id})
    return task.newest_run()


def _wait(task: Task, arguments: Namespace) -> int:
    run = task.wait()
    details = run.details()
    if arguments.json and not arguments.follow:
        output.dump(details)
    elif not arguments.follow:
        output.one(run, arguments)
    if details["status"] != "success":
        why = details["detail"] or details["reason"] or "see its log"
        message = f"run {run.id()}: {details['status']}, {output.harmless(why)}"
        print(f"rondo: {message}", file=sys.stderr)
    return int(details["status"] != "success")


def _print_status(task: Task, status: str, arguments: Namespace) -> int:
    if arguments.json:
        output.dump(task.to_json())
    else:
        print(f"{task.id()}  {status}")
    return 0


def _json_object(arguments: str | None) -> dict[str, Any]:
    """The object of `--args`, itself or in a file. Raises ValueError when it is no JSON object."""
    if arguments is None:
        return {}
    text = Path(arguments[1:]).read_text("utf-8") if arguments.startswith("@") else arguments
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"--args: no JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError('--args: give a JSON object, such as {"name": "Ada"}')
    return value
