"""What every executor backend promises: how runs begin, what they see, say and leave."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from libs.domain.errors import Rejected
from tests.executor.harness import BACKENDS, DAEMON, Harness, living, mark, needs

MiB = 1 << 20


@pytest.fixture(params=BACKENDS, ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    runs: Harness = await request.param.open(tmp_path)
    yield runs
    await runs.backend.close()
    assert runs.remains() == []


async def test_exit_code_0_is_success(runs: Harness) -> None:
    outcome, out, err = await runs.run("print('hello')")
    assert (outcome.status, outcome.reason, outcome.exit_code) == ("success", "exited", 0)
    assert (out, err) == ("hello\n", "")
    assert outcome.cpu_seconds > 0
    assert outcome.max_rss_bytes > MiB


async def test_any_other_is_failure(runs: Harness) -> None:
    outcome, _, _ = await runs.run("raise SystemExit(3)")
    assert (outcome.status, outcome.reason, outcome.exit_code) == ("failure", "exited", 3)
    assert outcome.detail == "ended with exit code 3"


async def test_a_traceback_names_the_users_file_and_nothing_of_ours(runs: Harness) -> None:
    outcome, _, err = await runs.run("import os\ndef f():\n    1 / 0\nf()\n")
    assert outcome.exit_code == 1
    lines = err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: division by zero"
    places = [line for line in lines if line.startswith("  File ")]
    assert [place.rpartition("/")[2] for place in places] == [
        'main.py", line 4, in <module>',
        'main.py", line 3, in f',
    ]


async def test_a_signal_is_named(runs: Harness) -> None:
    outcome, _, _ = await runs.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (outcome.status, outcome.reason, outcome.signal) == ("failure", "signal", "SIGSEGV")
    assert outcome.exit_code is None
    assert outcome.detail == "ended by SIGSEGV"


async def test_a_timeout_ends_it_by_sigterm_first(runs: Harness) -> None:
    script = """
        import signal, sys
        def last_words(*_):
            print("bye")
            sys.exit(0)
        signal.signal(signal.SIGTERM, last_words)
        print("ready")
        while True:
            signal.pause()
    """
    outcome, out, _ = await runs.run(script, timeout=5.0, grace=20.0)
    assert (outcome.status, outcome.reason, out) == ("timed_out", "timeout", "ready\nbye\n")


async def test_who_ignores_sigterm_is_killed_after_the_grace(runs: Harness) -> None:
    script = """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready")
        while True:
            signal.pause()
    """
    run = await runs.start(runs.spec(script, grace=0.2))
    await run.out.until("ready")
    await run.running.stop("killed")
    outcome = await run.outcome()
    assert (outcome.status, outcome.reason, outcome.signal) == ("killed", "killed", "SIGKILL")


async def test_stopping_twice_keeps_the_first_reason(runs: Harness) -> None:
    run = await runs.start(runs.spec("import signal; signal.pause()"))
    await asyncio.gather(run.running.stop("killed"), run.running.stop("timed_out"))
    await run.running.stop("timed_out")
    assert (await run.outcome()).status == "killed"


async def test_stopping_what_has_ended_changes_nothing(runs: Harness) -> None:
    run = await runs.start(runs.spec("print(1)"))
    await run.outcome()
    await run.running.stop("killed")
    assert (await run.outcome()).status == "success"


async def test_i7_stop_kills_a_daemon_that_hid(runs: Harness) -> None:
    needs(runs, "whole_tree")
    hidden = mark()
    script = f"{DAEMON}\nimport signal; daemon('{hidden}'); print('ready'); signal.pause()"
    run = await runs.start(runs.spec(script))
    await run.out.until("ready")
    assert living(hidden)
    await run.running.stop("killed")
    assert not living(hidden)


async def test_the_end_of_the_main_process_ends_its_daemons(runs: Harness) -> None:
    needs(runs, "whole_tree")
    hidden = mark()
    outcome, out, _ = await runs.run(f"{DAEMON}\ndaemon('{hidden}'); print('done')")
    assert (outcome.status, out) == ("success", "done\n")
    assert not living(hidden)


async def test_a_child_that_holds_the_pipes_does_not_hold_up_the_end(runs: Harness) -> None:
    waiting = mark()
    outcome, out, _ = await runs.run(
        f"import subprocess; subprocess.Popen(['sleep', '{waiting}']); print('done')"
    )
    assert (outcome.status, out) == ("success", "done\n")
    assert not living(waiting)


async def test_closing_stdout_is_allowed(runs: Harness) -> None:
    outcome, out, err = await runs.run("import os, sys; print(1); os.close(1); os.close(2)")
    assert (outcome.exit_code, out, err) == (0, "1\n", "")


async def test_bytes_pass_as_they_are(runs: Harness) -> None:
    run = await runs.start(runs.spec(r"import os; os.write(1, b'\xff\x00\xfe\n' * 50000)"))
    assert (await run.outcome()).status == "success"
    assert run.out.content == b"\xff\x00\xfe\n" * 50000


async def test_output_comes_unbuffered(runs: Harness) -> None:
    run = await runs.start(runs.spec("import signal; print('now', end=''); signal.pause()"))
    await run.out.until("now")
    await run.running.stop("killed")


async def test_it_finds_its_arguments_data_and_modules(runs: Harness) -> None:
    script = """
        import json, os, sys, near
        print(json.load(open("arguments.json")), open("./data/x.txt").read(), near.NAME)
        print(json.load(open(os.path.expanduser("~/arguments.json"))))
        print(sys.argv == [__file__], sys.path[0] == os.path.dirname(__file__) == os.getcwd())
    """
    beside = {"project/data/x.txt": b"data", "project/near.py": b"NAME = 'near'"}
    _, out, err = await runs.run(
        script, beside, entrypoint="project/main.py", arguments=b'{"a": 1}'
    )
    assert (out, err) == ("{'a': 1} data near\n{'a': 1}\nTrue True\n", "")


async def test_it_gets_its_private_files(runs: Harness) -> None:
    script = """
        import os
        path = os.path.expanduser("~/.cache/token")
        print(open(path).read(), oct(os.stat(path).st_mode), os.stat(path).st_uid == os.getuid())
    """
    _, out, err = await runs.run(script, files={".cache/token": b"secret"})
    assert (out, err) == ("secret 0o100600 True\n", "")


async def test_its_files_are_its_own_copy(runs: Harness) -> None:
    spec = runs.spec("open('main.py', 'a').write('#'); print(open('main.py').read().count('#'))")
    for _ in range(2):
        run = await runs.start(msgspec.structs.replace(spec, run_id=uuid4()))
        assert (await run.outcome()).status == "success"
        assert await run.out.all() == "3\n"


async def test_what_it_locks_up_is_taken_away_too(runs: Harness) -> None:
    script = """
        import os
        os.makedirs("a/b/c")
        open("a/b/c/file", "w").close()
        os.symlink("/etc", "a/b/link")
        for folder in "a/b/c", "a/b", "a":
            os.chmod(folder, 0)
        for _ in range(3000):
            os.mkdir("deep")
            os.chdir("deep")
    """
    outcome, _, err = await runs.run(script)
    assert (outcome.status, err) == ("success", "")
    await runs.backend.close()
    assert not runs.remains()


async def test_its_environment_is_scrubbed(runs: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_PLATFORM", "secret")
    task = uuid4()
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    _, out, err = await runs.run(script, task_id=task, variables={"WALLAROO_URL": "http://x"})
    assert err == ""
    environment = json.loads(out)
    assert environment.pop("PATH").endswith("/usr/local/bin:/usr/bin:/bin")
    assert environment.pop("HOME")
    assert environment.pop("TMPDIR")
    assert environment == {
        "USER": "jovyan",
        "LOGNAME": "jovyan",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "WALLAROO_TASK_ID": str(task),
        "WALLAROO_URL": "http://x",
    }


async def test_it_inherits_only_the_streams(runs: Harness) -> None:
    script = """
        import os, signal
        print([n for n in range(3, 4096) if os.path.lexists(f"/proc/self/fd/{n}")])
        print(os.read(0, 1), os.getsid(0) == os.getpid(), signal.pthread_sigmask(0, ()))
        ignored = int(open("/proc/self/status").read().split("SigIgn:")[1].split()[0], 16)
        valid = sorted(signal.valid_signals())  # not the two that the C library keeps to itself
        print([signal.Signals(n).name for n in valid if ignored >> n - 1 & 1])
    """
    _, out, err = await runs.run(script)
    assert err == ""
    # The last two are Python's own.
    assert out.splitlines() == ["[]", "b'' True set()", "['SIGPIPE', 'SIGXFSZ']"]


@pytest.mark.parametrize("entrypoint", ["/etc/passwd", "../main.py", "absent.py"])
async def test_an_impossible_entrypoint_is_rejected(runs: Harness, entrypoint: str) -> None:
    spec = msgspec.structs.replace(runs.spec("print(1)"), entrypoint=entrypoint)
    with pytest.raises(Rejected, match=r"^entrypoint: "):
        await runs.backend.prepare(spec)


async def test_variables_that_cannot_be_said_are_rejected(runs: Harness) -> None:
    for variables in ({"A=B": "1"}, {"A": "\0"}, {"A": "x" * MiB}):
        with pytest.raises(Rejected, match=r"^variables: "):
            await runs.backend.prepare(runs.spec("print(1)", variables=variables))


async def test_a_run_that_is_already_there_is_rejected(runs: Harness) -> None:
    spec = runs.spec("import signal; signal.pause()")
    run = await runs.start(spec)
    with pytest.raises(Rejected, match=r"^run_id: "):
        await runs.backend.prepare(spec)
    await run.running.stop("killed")


async def test_a_missing_interpreter_is_an_outcome(runs: Harness, tmp_path: Path) -> None:
    absent = tmp_path / "absent" / "bin" / "python"
    absent.parents[1].mkdir()
    spec = runs.spec("print(1)", python=absent)
    run = await runs.start_anyhow(spec, new=True)
    outcome = await run.outcome()
    assert (outcome.status, outcome.reason) == ("failure", "start_failed")
    assert str(absent) in outcome.detail


async def test_many_at_once(runs: Harness) -> None:
    ended = await asyncio.gather(*(runs.run(f"print({n})", slot=n) for n in range(20)))
    assert [(outcome.status, out) for outcome, out, _ in ended] == [
        ("success", f"{n}\n") for n in range(20)
    ]
