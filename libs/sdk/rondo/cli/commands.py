"""What each command does. They print, and give the exit status."""

import json
import os
import re
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

from rondo.archive import left_out
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
    client = in_workspace(arguments)
    name = arguments.name or Path(arguments.path).resolve().name.removesuffix(".zip")
    everything = arguments.include_all
    if not everything and not arguments.quiet and Path(arguments.path).is_dir():
        output.left_out(left_out(Path(arguments.path)))
    orchestration = client.upload_orchestration(
        path=arguments.path, name=name, include_all=everything
    )
    if not arguments.no_wait:
        orchestration.wait()
    output.one(orchestration, arguments)
    return 0


def run(arguments: Namespace) -> int:
    given = _given(arguments.args)
    orchestration = _orchestration(in_workspace(arguments), arguments)
    name = arguments.name or orchestration.name() or "task"
    how = {"timeout": arguments.timeout, "mode": arguments.mode, "grace": arguments.grace}
    if arguments.continuously:
        task = orchestration.run_continuously(name, given, **how)
    else:
        task = orchestration.run_once(name, given, attempts=arguments.attempts, **how)
    if arguments.follow:
        _follow(task.newest_run(), arguments.json, arguments.json)
    if arguments.follow or arguments.wait:
        return _ended(task, arguments)
    output.one(task, arguments)
    return 0


def schedule(arguments: Namespace) -> int:
    given = _given(arguments.args)
    orchestration = _orchestration(in_workspace(arguments), arguments)
    task = orchestration.run_scheduled(
        arguments.name or orchestration.name() or "task",
        arguments.schedule,
        given,
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
    named = arguments.workspace or os.environ.get("RONDO_WORKSPACE")
    client = connected(arguments)
    output.show(client.list_tasks(arguments.killed, workspace_name=named), _TASK, arguments)
    if not arguments.json and not arguments.quiet:
        with suppress(RondoError):  # it is only a hint
            if held := client.session.get("/readyz").get("held"):
                print(f"rondo: {held}", file=sys.stderr)
    return 0


def runs(arguments: Namespace) -> int:
    found = _task(arguments).last_runs(arguments.limit, arguments.status)
    output.show(found, _RUN, arguments)
    return 0


def logs(arguments: Namespace) -> int:
    chosen = _run(connected(arguments), arguments.id)
    stamps = arguments.stamps or arguments.json
    if arguments.follow:
        _follow(chosen, stamps, arguments.json, arguments.limit)
        return 0
    found = chosen.logs(arguments.limit)
    output.lines(found if stamps else found.texts(), arguments.json)
    return 0


def _follow(run: TaskRun, stamps: bool, as_json: bool, limit: int | None = None) -> None:
    lines = run.follow(stamps=True, limit=limit)
    if stamps:
        output.lines(lines, as_json)
    else:
        output.follow(lines)


def kill(arguments: Namespace) -> int:
    task = _task(arguments)
    return _told(task, task.kill(arguments.keep_logs), arguments)


def pause(arguments: Namespace) -> int:
    task = _task(arguments)
    return _told(task, task.pause(), arguments)


def resume(arguments: Namespace) -> int:
    if arguments.all:
        connected(arguments).session.command("admin/resume", {}, repeatable=True)
        print("the platform goes on: what is due is run, webhooks are sent", file=sys.stderr)
        return 0
    task = _task(arguments)
    return _told(task, task.resume(), arguments)


def orchestrations(arguments: Namespace) -> int:
    named = arguments.workspace or os.environ.get("RONDO_WORKSPACE")
    found = connected(arguments).list_orchestrations(workspace_name=named)
    output.show(found, _ORCHESTRATION, arguments)
    return 0


def workspaces(arguments: Namespace) -> int:
    client = connected(arguments)
    if arguments.create:
        client.create_workspace(arguments.create)
    output.show(client.list_workspaces(), _WORKSPACE, arguments)
    return 0


def connected(arguments: Namespace) -> Client:
    return Client(arguments.url, time_format=output.TIME_FORMAT)


def in_workspace(arguments: Namespace) -> Client:
    """In the workspace that the command is for."""
    client = connected(arguments)
    named = arguments.workspace or os.environ.get("RONDO_WORKSPACE")
    if named:
        client.set_current_workspace(client.get_workspace(named))
    return client


def _orchestration(client: Client, arguments: Namespace) -> Orchestration:
    wanted = arguments.orchestration
    if _UUID.fullmatch(wanted):
        return client.get_orchestration(wanted)
    workspace = client.get_current_workspace()
    found = [one for one in client.list_orchestrations(workspace.id()) if one.name() == wanted]
    if not found:
        where = f"in workspace {workspace.name()!r}; see `rondo orchestrations`"
        raise EntityNotFoundError(f"there is no orchestration {wanted!r} {where}", "not_found", 404)
    return found[-1]


def _task(arguments: Namespace) -> Task:
    return connected(arguments).get_task_by_id(arguments.task)


def _run(client: Client, id: str) -> TaskRun:
    """The run of that id, or the newest of the task of that id, waited for if need be."""
    try:
        task = client.get_task_by_id(id)
    except EntityNotFoundError:
        return TaskRun(client, {"run_id": id})
    return task.newest_run()


def _ended(task: Task, arguments: Namespace) -> int:
    ended = task.wait()
    details = ended.details()
    if arguments.json and not arguments.follow:
        output.dump(details)
    elif not arguments.follow:
        output.one(ended, arguments)
    if details["status"] != "success":
        why = details["detail"] or details["reason"] or "see its log"
        print(
            f"rondo: run {ended.id()}: {details['status']}, {output.harmless(why)}", file=sys.stderr
        )
    return int(details["status"] != "success")


def _told(task: Task, status: str, arguments: Namespace) -> int:
    if arguments.json:
        output.dump(task.to_json())
    else:
        print(f"{task.id()}  {status}")
    return 0


def _given(arguments: str | None) -> dict[str, Any]:
    """ValueError for what is no JSON object."""
    if arguments is None:
        return {}
    text = Path(arguments[1:]).read_text("utf-8") if arguments.startswith("@") else arguments
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"--args: no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError('--args: give a JSON object, such as {"name": "Ada"}')
    return found
