"""The command line as a process: what it prints, and how it exits."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from rondo import Client

from tests.platform import PATIENCE
from tests.sdk import SDK
from tests.sdk.conftest import FAILS, SAYS, WAITS, Following, Rondo, decoded

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def uploaded(rondo: Rondo, tmp_path: Path) -> Callable[[str, str], str]:
    """Uploads a folder with this main.py; its id."""

    def upload(name: str, main: str) -> str:
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(main)
        return str(decoded(rondo("upload", name, "--json"))["id"])

    return upload


def test_the_road_of_a_run(rondo: Rondo, uploaded: Callable[[str, str], str]) -> None:
    orchestration = uploaded("says", SAYS)
    run = rondo("run", "says", "--args", '{"n": 1}', "--wait", "--json")
    assert decoded(run)["status"] == "success"
    followed = rondo("run", orchestration, "-f", "--args", '{"n": 2}')
    assert followed.returncode == 0, followed.stderr
    assert "given {'n': 2}\n" in followed.stdout
    (second, first) = decoded(rondo("ps", "--json"))
    assert {second["input_data"]["n"], first["input_data"]["n"]} == {1, 2}
    assert second["id"] in rondo("ps").stdout
    (its,) = decoded(rondo("runs", first["id"], "--json"))
    assert its["status"] == "success"
    by_run, by_task = rondo("logs", its["run_id"]), rondo("logs", first["id"])
    assert by_run.stdout == by_task.stdout
    assert "the last line <&>" in by_run.stdout
    stamped = rondo("logs", its["run_id"], "--json", "-n", "1").stdout
    assert set(json.loads(stamped)) == {"time", "stream", "text"}
    assert decoded(rondo("orchestrations", "--json"))[0]["id"] == orchestration


def test_in_a_new_interpreter_by_choice(rondo: Rondo, uploaded: Callable[[str, str], str]) -> None:
    uploaded("chooses", "print('here')")
    for kind in ("run", "chooses"), ("schedule", "chooses", "0 0 1 1 *"):
        chosen = decoded(rondo(*kind, "--mode", "exec", "--json"))
        assert Client().session.read("task/get_by_id", {"id": chosen["id"]})["mode"] == "exec"
    run = Client().get_task_by_id(decoded(rondo("ps", "--json"))[1]["id"]).wait(PATIENCE)
    assert run.details()["new_interpreter"]


def test_a_bar_is_shown_as_the_run_draws_it(
    rondo: Rondo, uploaded: Callable[[str, str], str]
) -> None:
    uploaded(
        "draws",
        "import sys, time\nfor n in range(9):\n"
        "    sys.stdout.write(f'\\r{n}/8')\n    time.sleep(0.2)\nprint('!')",
    )
    followed = rondo("run", "draws", "-f")
    *states, last = followed.stdout.splitlines()[1:]  # which takes a return for an end
    assert last == "8/8!"
    assert states == sorted(set(states))
    task = decoded(rondo("ps", "--json"))[0]["id"]
    assert rondo("logs", task).stdout == "8/8!\n"
    pieces = rondo("logs", task, "--json").stdout.splitlines()
    assert json.loads(pieces[0])["partial"]


def test_a_run_that_fails(rondo: Rondo, uploaded: Callable[[str, str], str]) -> None:
    uploaded("fails", FAILS)
    done = rondo("run", "fails", "--wait")
    assert done.returncode == 1
    assert "failure" in done.stderr
    followed = rondo("run", "fails", "-f", "--json")
    assert followed.returncode == 1
    assert {json.loads(line)["text"] for line in followed.stdout.splitlines()} == {"on purpose"}


def test_schedules_and_kills(rondo: Rondo, uploaded: Callable[[str, str], str]) -> None:
    uploaded("waits", WAITS)
    task = decoded(rondo("schedule", "waits", "* * * * * *", "--overlap", "skip", "--json"))
    assert task["schedule"] == "* * * * * *"
    followed = rondo("logs", "-n", "1", task["id"])
    assert followed.returncode == 0
    assert "paus" in rondo("pause", task["id"]).stdout
    assert rondo("resume", task["id"]).returncode == 0
    assert decoded(rondo("kill", "--keep-logs", task["id"], "--json"))["id"] == task["id"]
    assert rondo("kill", task["id"]).returncode == 0


def test_the_next_instants_of_a_schedule(rondo: Rondo, uploaded: Callable[[str, str], str]) -> None:
    uploaded("says", SAYS)
    yearly = ("schedule", "says", "0 0 12 1 7 ? 2098-2099", "--zone", "Europe/Berlin")
    instants = ["2098-07-01 12:00:00+02:00", "2099-07-01 12:00:00+02:00"]
    shown = rondo(*yearly).stdout
    assert shown.endswith(f"Next runs:\n  Tue {instants[0]}\n  Wed {instants[1]}\n")
    told = decoded(rondo(*yearly, "--json"))["upcoming"]
    assert told == [instant.replace(" ", "T") for instant in instants]
    assert len(rondo(*yearly, "--quiet").stdout.splitlines()) == 1
    refused = rondo("schedule", "says", "0 12 * * ? *")
    assert refused.returncode == 4
    assert "'0 0 12 * * ? *'" in refused.stderr
    assert "docs/schedules.md" in refused.stderr


def test_a_log_while_it_grows(
    rondo: Rondo, uploaded: Callable[[str, str], str], following: Following
) -> None:
    uploaded("waits", "print('a\\nb\\nc')\n" + WAITS)
    task = decoded(rondo("run", "waits", "--json"))["id"]
    with following("logs", "-f", task) as lines:
        assert [next(lines) for _ in range(4)] == ["a\n", "b\n", "c\n", "begun\n"]
        with following("logs", "-f", "-n", "2", "--json", task) as last:
            assert [json.loads(next(last))["text"] for _ in range(2)] == ["c", "begun"]
            assert rondo("kill", "--keep-logs", task).returncode == 0
            assert (list(lines), list(last)) == ([], [])


def test_events(rondo: Rondo, uploaded: Callable[[str, str], str], following: Following) -> None:
    orchestration = uploaded("says", SAYS)
    listed = rondo("events", "--json").stdout.splitlines()
    events = [json.loads(line) for line in listed]
    assert [one["type"] for one in events[:2]] == ["WorkspaceCreated", "OrchestrationUploaded"]
    assert rondo("events", "--quiet").stdout.split() == [one["id"] for one in events]
    ready = rondo("events", "--type", "OrchestrationReady,TaskCreated", "--since", "5m").stdout
    sequence, *_, kind, subject = ready.split()
    assert (kind, subject) == ("OrchestrationReady", f"orchestration/{orchestration}")
    with following("events", "-f", "--after", sequence, "--json") as lines:
        task = decoded(rondo("run", "says", "--json"))["id"]
        told = json.loads(next(lines))
        assert (told["type"], told["subject"]) == ("TaskCreated", f"task/{task}")
    assert rondo("events", "--since", "yesterday").returncode == 4
    assert rondo("events", "--since", "5m", "--after", "1").returncode == 2


def test_connections(rondo: Rondo, settings: dict[str, str]) -> None:
    name, secret = f"source-{uuid4().hex}", '{"token": "hunter2"}'
    create = ["connections", "create", name, "--type", "FTP"]
    assert rondo(*create, stdin="{hunter2").returncode == 2
    done = rondo(*create, stdin=secret)
    assert done.returncode == 0, done.stderr
    assert rondo(*create, stdin=secret).returncode == 4
    assert rondo("connections", "attach", name).returncode == 0
    mine = settings["RONDO_WORKSPACE"]
    assert mine in [one["name"] for one in decoded(rondo("workspaces", "--json"))]
    listed = rondo("connections", "-w", mine, "--json")
    assert [one["name"] for one in decoded(listed)] == [name]
    assert rondo("connections", "detach", name).returncode == 0
    assert decoded(rondo("connections", "-w", mine, "--json")) == []
    assert name in rondo("connections").stdout
    assert rondo("connections", "delete", name).returncode == 0
    assert rondo("connections", "delete", name).returncode == 3
    assert rondo("connections", "delete").returncode == 2
    assert Client().list_connections()._repr_html_().find(name) == -1
    for shown in (done, listed):
        assert "hunter2" not in shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["fly"], 2, "invalid choice"),
        (["kill"], 2, "required"),
        (["run", "x", "--args", "[1]"], 2, "JSON object"),
        (["run", "x", "--args", "{"], 2, "no JSON"),
        (["upload", "missing.zip"], 2, "missing.zip"),
        (["kill", NOBODY], 3, "there is no task"),
        (["logs", NOBODY], 3, "there is no run"),
        (["login", "--ready-file", "missing"], 2, "missing"),
        (["login", "--ready-file", "/dev/null"], 2, "`rondo up`"),
        (["run", "never uploaded"], 3, "there is no orchestration"),
        (["ps", "-w", "never made"], 3, "there is no workspace"),
        (["kill", "nonsense"], 4, "UUID"),
        (["ps", "--url", "http://127.0.0.1:1"], 5, "127.0.0.1:1"),
    ],
)
def test_exit_statuses(rondo: Rondo, arguments: list[str], status: int, said: str) -> None:
    done = rondo(*arguments)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_asdecoded(rondo: Rondo) -> None:
    done = rondo("kill", NOBODY, "--json")
    assert json.loads(done.stderr)["code"] == "not_found"


def test_logging_in(rondo: Rondo, environment: dict[str, str], tmp_path: Path) -> None:
    url, user = environment["RONDO_URL"], environment["RONDO_USER"]
    bare = {"RONDO_USER": "", "RONDO_PASSWORD": "", "RONDO_URL": ""}
    assert rondo("ps", **bare).returncode == 2
    wrong = rondo("login", url, "--user", user, stdin="wrong\n", **bare)
    assert wrong.returncode == 4
    password = environment["RONDO_PASSWORD"]
    done = rondo("login", url, "--user", user, stdin=password + "\n", **bare)
    assert done.returncode == 0, done.stderr
    assert password not in done.stdout + done.stderr
    assert rondo("ps", **bare).returncode == 0
    assert rondo("logout", **bare).returncode == 0
    assert rondo("ps", **bare).returncode == 2
    (tmp_path / "password").write_text(password)
    again = rondo("login", url, "--user", user, "--password-file", "password", **bare)
    assert again.returncode == 0
    cache = Path(environment["XDG_CACHE_HOME"], "rondo", "logins.json")
    assert password not in cache.read_text()


def test_completion(rondo: Rondo) -> None:
    script = rondo("completion", "bash").stdout
    ask = 'COMP_WORDS=(rondo schedule --z); COMP_CWORD=2; _rondo; echo "${COMPREPLY[@]}"'
    found = subprocess.check_output(["bash", "-c", f"{script}\n{ask}"], text=True)  # noqa: S607
    assert found == "--zone\n"
    first = 'COMP_WORDS=(rondo wo); COMP_CWORD=1; _rondo; echo "${COMPREPLY[@]}"'
    found = subprocess.check_output(["bash", "-c", f"{script}\n{first}"], text=True)  # noqa: S607
    assert found == "workspaces\n"
    action = 'COMP_WORDS=(rondo tokens rev); COMP_CWORD=2; _rondo; echo "${COMPREPLY[@]}"'
    found = subprocess.check_output(["bash", "-c", f"{script}\n{action}"], text=True)  # noqa: S607
    assert found == "revoke\n"
    assert "__fish_seen_subcommand_from tokens' -a revoke" in rondo("completion", "fish").stdout
    assert "bashcompinit" in rondo("completion", "zsh").stdout
    assert "__fish_seen_subcommand_from run' -l attempts" in rondo("completion", "fish").stdout


def test_commands_of_other_packages(rondo: Rondo, tmp_path: Path) -> None:
    """They are found by their entry points, and get all arguments."""
    info = tmp_path / "packages" / "more-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[rondo.commands]\nmore = more:main\n")
    (info.parent / "more.py").write_text("def main(argv):\n    print(argv)\n    return 7\n")
    path = f"{SDK}:{info.parent}"
    done = rondo("more", "--than", "this", PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (7, "['more', '--than', 'this']\n")
    _, _, others = rondo("--help", PYTHONPATH=path).stdout.partition("also installed: ")
    assert "more" in others.replace(",", "").split()
