"""The commands and their arguments."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

from rondo.cli import (
    account,
    commands,
    connections,
    events,
    inference,
    login,
    plugins,
    tokens,
    users,
)
from rondo.cli.completion import SHELLS, completion
from rondo.version import __version__

Arguments = Callable[[argparse.ArgumentParser], None]


class Command(NamedTuple):
    """One command: `run` does it and returns the exit status, `arguments` add to its parser."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    arguments: tuple[Arguments, ...] = ()


def _connected(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="the platform; default RONDO_URL, or the last login's")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="JSON instead of tables")
    how.add_argument("-q", "--quiet", action="store_true", help="only ids")


def _workspace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-w", "--workspace", metavar="NAME", help="default RONDO_WORKSPACE")


def _task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", help="id of a task")


def _resume(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("task", nargs="?", help="id of a task")
    which.add_argument(
        "--all", action="store_true", help="a restored platform goes on (administrators)"
    )


def _login(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", nargs="?", help="the platform; default RONDO_URL")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--user", metavar="NAME", help="asked for without it")
    who.add_argument("--device", action="store_true", help="sign in with a browser, anywhere")
    who.add_argument("--ready-file", metavar="F", help="url, user and password by `rondo up`")
    parser.add_argument("--password-file", metavar="F", help="its first line; - is standard input")


def _upload(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", help="a ZIP file, or a folder, which is zipped for you")
    parser.add_argument("--name", help="default: the file's, without .zip")
    parser.add_argument("--include-all", action="store_true", help="leave nothing of a folder out")
    parser.add_argument("--no-wait", action="store_true", help="don't wait until it is packaged")


def _task_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("orchestration", help="id, or name: the newest of that name")
    parser.add_argument("--name", help="of the task; default: the orchestration's")
    parser.add_argument("--args", metavar="JSON", help="arguments; @F reads them from a file")
    parser.add_argument("--timeout", type=int, metavar="S", help="of a run, in seconds")
    modes = ["fork", "exec"]
    parser.add_argument("--mode", choices=modes, help="exec: always in a new interpreter")
    parser.add_argument(
        "--grace", type=float, metavar="S", help="a run gets to end by itself when it is to end"
    )


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--attempts", type=int, default=1, metavar="N", help="tries in all")
    parser.add_argument("--continuously", action="store_true", help="again and again, until killed")
    parser.add_argument("--wait", action="store_true", help="until it ends; 1 unless it succeeds")
    parser.add_argument("-f", "--follow", action="store_true", help="show its log, and wait")


def _schedule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("schedule", help="cron, quoted: '*/5 * * * *'; see docs/schedules.md")
    parser.add_argument("--zone", default="UTC", help="time zone, such as Europe/Berlin")
    parser.add_argument("--misfire", choices=["latest", "all", "none"], default="latest")
    parser.add_argument("--overlap", choices=["allow", "skip", "queue"], default="allow")


def _ps(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--killed", action="store_true", help="the killed ones instead")


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", help="only those; default all")
    parser.add_argument("-n", "--limit", type=int, metavar="N", help="only the last N")


def _logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="of a run, or of a task: its newest run")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")
    parser.add_argument("-n", "--limit", type=int, metavar="N", help="only the last N lines")
    parser.add_argument("--stamps", action="store_true", help="with time and stream")


def _kill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep-logs", action="store_true", help="killing deletes them otherwise")


def _connections(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=connections.ACTIONS, default="list")
    parser.add_argument("name", nargs="?", help="of the connection; for all but list")
    parser.add_argument("--type", default="HTTP", help="of a new one: your word for it")
    parser.add_argument("--details-file", default="-", metavar="F", help="JSON; default stdin")


def _workspaces(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--create", metavar="NAME", help="create this one first")


def _users(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=users.ACTIONS, default="list")
    parser.add_argument("email", nargs="?", help="of the user; for all but list")
    parser.add_argument("--admin", action="store_true", help="add: as an administrator")
    parser.add_argument("--revoke", action="store_true", help="admin: no longer one")
    parser.add_argument(
        "--password-file", metavar="F", help="its first line; - is standard input; else made up"
    )


def _tokens(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=tokens.ACTIONS, default="list")
    parser.add_argument("token", nargs="?", help="create: its name; revoke: its id")
    parser.add_argument("--days", type=int, metavar="N", help="default: until it is revoked")


def _events(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on, from now or as given")
    parser.add_argument("--type", action="append", default=[], metavar="T", help="only those")
    parser.add_argument("--aggregate", metavar="A", help="such as task, or run:ID")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--since", metavar="T", help="an instant, or 30s, 10m, 2h, 7d ago")
    start.add_argument("--after", type=int, metavar="N", help="a sequence")


def _upload_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", help="a model file")
    parser.add_argument("--name", help="of the model; default: the file's, without its end")
    parser.add_argument("--framework", default="onnx", metavar="F", help="default onnx")
    parser.add_argument("--fields", metavar="A,B", help="columns for its inputs, in their order")


def _models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="name of a model: its versions")


def _pipelines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", nargs="?", help="name of a pipeline: its versions")


def _delete_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="name of a model")
    parser.add_argument("version", nargs="?", help="only this one, by its version or its id")


def _delete_pipeline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", help="name of a pipeline")
    parser.add_argument("version", nargs="?", help="only this one, by its id")


def _pipeline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pipeline", help="name of a pipeline")


def _deploy(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--version", metavar="ID", help="of the pipeline; default its newest")
    what.add_argument(
        "--model",
        action="append",
        metavar="NAME[=VERSION]",
        help="run this model, its newest version by default; several run one after the other",
    )
    parser.add_argument("--replicas", type=int, metavar="N", help="default 1")
    parser.add_argument("--cpus", type=float, metavar="X", help="of each replica")
    parser.add_argument("--memory", metavar="M", help="of each replica, such as 1Gi")
    parser.add_argument(
        "--autoscale", nargs=2, type=int, metavar=("MIN", "MAX"), help="replicas by load"
    )
    parser.add_argument("--no-wait", action="store_true", help="don't wait until it runs")


def _infer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", help="rows as JSON; default stdin")


def _columns(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", metavar="A,B", help="only these columns, such as time,out")


def _inferences(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--limit", type=int, metavar="N", help="rows; default the last 100")
    parser.add_argument(
        "--since", metavar="T", help="all from there on: an instant, or 30s, 10m, 2h, 7d ago"
    )


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


COMMANDS = (
    Command("login", "log in, and stay so", login.login, (_login,)),
    Command("logout", "forget the login", login.logout, (_connected,)),
    Command("upload", "upload an orchestration", commands.upload, (_upload, _workspace)),
    Command("run", "run an orchestration once", commands.run, (_task_options, _run, _workspace)),
    Command(
        "schedule", "run it by a clock", commands.schedule, (_task_options, _schedule, _workspace)
    ),
    Command("ps", "list tasks", commands.ps, (_ps, _workspace)),
    Command("runs", "list a task's runs", commands.runs, (_task, _runs)),
    Command("logs", "show what a run has printed", commands.logs, (_logs,)),
    Command("kill", "stop a task for good", commands.kill, (_task, _kill)),
    Command("pause", "pause a task", commands.pause, (_task,)),
    Command("resume", "resume a paused task, or a restored platform", commands.resume, (_resume,)),
    Command("events", "show what has happened", events.events, (_events, _workspace)),
    Command("orchestrations", "list orchestrations", commands.orchestrations, (_workspace,)),
    Command("upload-model", "upload a model", inference.upload_model, (_upload_model, _workspace)),
    Command(
        "models", "list models, or the versions of one", inference.models, (_models, _workspace)
    ),
    Command("delete-model", "delete it", inference.delete_model, (_delete_model, _workspace)),
    Command(
        "pipelines",
        "list pipelines, or the versions of one",
        inference.pipelines,
        (_pipelines, _workspace),
    ),
    Command(
        "delete-pipeline", "delete it", inference.delete_pipeline, (_delete_pipeline, _workspace)
    ),
    Command("deployments", "list what is served", inference.deployments, (_workspace,)),
    Command("deploy", "serve a pipeline", inference.deploy, (_pipeline, _deploy, _workspace)),
    Command("undeploy", "serve it no more", inference.undeploy, (_pipeline, _workspace)),
    Command("infer", "ask a pipeline", inference.infer, (_pipeline, _infer, _columns, _workspace)),
    Command(
        "inferences",
        "show what a pipeline has inferred",
        inference.inferences,
        (_pipeline, _inferences, _columns, _workspace),
    ),
    Command("connections", "data sources", connections.connections, (_connections, _workspace)),
    Command("workspaces", "list workspaces", commands.workspaces, (_workspaces,)),
    Command("users", "manage users (administrators)", users.users, (_users,)),
    Command("tokens", "tokens for programs", tokens.tokens, (_tokens, _workspace)),
    Command("whoami", "show who you are", account.whoami),
    Command("password", "change your own password", account.password),
    Command("completion", "print completions for a shell", completion, (_completion,)),
)
NAMES = frozenset(command.name for command in COMMANDS)
_OFFLINE = frozenset({"login", "logout", "completion"})


def parser() -> argparse.ArgumentParser:
    """The parser for all commands."""
    top = _Parser(prog="rondo", description="ML workload orchestration")
    top.add_argument("--version", action="version", version=f"rondo {__version__}")
    subparsers = top.add_subparsers(
        required=True, metavar="COMMAND", parser_class=argparse.ArgumentParser
    )
    for command in COMMANDS:
        one = subparsers.add_parser(command.name, help=command.help, description=command.help)
        one.set_defaults(run=command.run, parser=top)
        for arguments in command.arguments:
            arguments(one)
        if command.name not in _OFFLINE:
            _connected(one)
    return top


class _Parser(argparse.ArgumentParser):
    def format_help(self) -> str:
        """The help, with the commands of other packages; only help looks for them."""
        names = plugins.names()
        self.epilog = f"also installed: {', '.join(names)}" if names else None
        return super().format_help()
