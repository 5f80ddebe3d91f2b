"""Zygotes: what they preload, when a run is no fork, and what happens if one dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from libs.domain.errors import Unavailable
from services.executor.backend import RunSpec
from tests.executor.harness import LOCAL, PATIENCE, Harness, Kind, ended, living, mark
from tests.executor.modules import MODULES


@pytest.fixture(params=[kind for kind in LOCAL if kind.mode == "fork"], ids=str)
async def runs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    runs: Harness = await request.param.open(tmp_path)
    if not runs.able("Runs are forked"):
        pytest.skip("this machine does not allow it")
    yield runs
    await runs.backend.close()


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Of an environment with the modules."""
    program = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")]
    subprocess.run(program, check=True)
    [packages] = (tmp_path / "env").glob("lib/python*/site-packages")
    for name, content in MODULES.items():
        (packages / f"{name}.py").write_text(content)
    return tmp_path / "env" / "bin" / "python"


async def lines(runs: Harness, spec: RunSpec, new: bool = False) -> list[str]:
    run = await runs.start_anyhow(spec, new)
    outcome = await run.outcome()
    assert outcome.status == "success", (outcome, await run.err.all())
    return (await run.out.all()).splitlines()


async def test_a_harmless_module_is_there_before_the_script(runs: Harness, python: Path) -> None:
    look = "import sys, os; print('good' in sys.modules, os.environ.get('SET_BY_GOOD'))"
    before = "import good, os; print(good.BY == os.getpid(), os.environ.get('SET_BY_GOOD'))"
    assert await lines(runs, runs.spec(before, python=python)) == ["False 1"]
    assert await lines(runs, runs.spec(look, python=python)) == ["False None"]


async def test_a_fork_says_why_it_imports_by_itself(runs: Harness, python: Path) -> None:
    said = {
        "import good": "",
        "import os\nos.environ['A'] = 'b'\nimport good": "main.py, line 2, may change what the"
        " imports after it do",
        "import json\nprint(1)\njson.loads('2')": "",
        "import printing\nimport good": "import printing: it prints something when it is imported",
    }
    for script, reason in said.items():
        run = await runs.start(runs.spec(script, python=python))
        assert (await run.outcome()).own_imports == reason


@pytest.mark.parametrize(
    "name",
    [
        "with_thread",
        "with_file",
        "with_socket",
        "with_handler",
        "with_mask",
        "with_child",
        "printing",
    ],
)
async def test_others_are_left_to_the_runs(runs: Harness, python: Path, name: str) -> None:
    look = f"import sys; print({name!r} in sys.modules)"
    script = f"import {name}; print({name}.VALUE)"
    expected = await lines(runs, runs.spec(script, python=python, mode="exec"), new=True)
    assert await lines(runs, runs.spec(script, python=python)) == expected
    assert await lines(runs, runs.spec(look, python=python)) == ["False"]


async def test_a_script_is_compiled_once_for_all_its_runs(runs: Harness, python: Path) -> None:
    if not runs.able("Each run sees a file system"):
        pytest.skip("its runs find it at different places")
    spec = runs.spec("import counting, os; print(counting.VALUE.count(os.getpid()))", python=python)
    async with asyncio.timeout(PATIENCE):
        while await lines(runs, _with(spec)) != ["0"]:
            pass
    other = runs.spec("import counting; print('another one, at the same place')", python=python)
    assert await lines(runs, other) == ["another one, at the same place"]


async def test_what_the_compiler_says_is_said_in_each_run(runs: Harness) -> None:
    spec = runs.spec("print('\\d' if 1 is 1 else 0)")
    for _ in range(4):
        run = await runs.start(_with(spec))
        await run.outcome()
        assert "SyntaxWarning" in await run.err.all()


@pytest.mark.parametrize(("name", "code"), [("failing", 1), ("exiting", 3), ("absent", 1)])
async def test_an_import_that_fails_does_so_in_the_run(
    runs: Harness, python: Path, name: str, code: int
) -> None:
    run = await runs.start(runs.spec(f"import {name}", python=python))
    assert (await run.outcome()).exit_code == code
    assert await lines(runs, runs.spec("print('next')", python=python)) == ["next"]


async def test_a_module_beside_the_script_comes_before_a_loaded_one(
    runs: Harness, python: Path
) -> None:
    await lines(runs, runs.spec("import good, json", python=python))
    for name, new in ("good", True), ("json", True), ("leaning", False):
        script = f"import leaning, {name}; print({name}, leaning.good)"
        own = runs.spec(script, {f"{name}.py": b"good = 1"}, python=python)
        [shown] = await lines(runs, own, new=new)
        assert "site-packages" not in shown.split(">")[0]


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "OMP_NUM_THREADS", "LC_ALL"])
async def test_what_only_a_new_interpreter_heeds_makes_one(runs: Harness, name: str) -> None:
    spec = runs.spec("import os; print(os.environ[NAME])".replace("NAME", repr(name)))
    for value in ("0", "1"):
        changed = {"variables": {name: value}}
        assert await lines(runs, _with(spec, **changed), new=True) == [value]


async def test_no_two_runs_draw_the_same(runs: Harness) -> None:
    script = """
        import multiprocessing, os, random, secrets, tempfile, uuid
        print(random.random(), secrets.token_hex(8), uuid.uuid4(), os.urandom(8).hex(),
              multiprocessing.current_process().authkey.hex(), tempfile.mktemp())
    """
    first, second = [await lines(runs, runs.spec(script)) for _ in range(2)]
    assert not set(first[0].split()) & set(second[0].split())


async def test_generators_of_packages_draw_as_in_a_new_interpreter(
    runs: Harness, python: Path
) -> None:
    script = """
        import drawing, os
        print(drawing.BY == os.getpid(), *(each.random() for each in drawing.FIXED))
        print(*(each.random() for each in drawing.CHANCE))
    """
    new = await lines(runs, runs.spec(script, python=python, mode="exec"), new=True)
    drawn = [await lines(runs, runs.spec(script, python=python)) for _ in range(4)]
    assert {fixed for fixed, _ in drawn} == {new[0].replace("True", "False")}
    by_chance = [each for _, chance in [new, *drawn] for each in chance.split()]
    assert len(set(by_chance)) == len(by_chance)


async def test_a_package_may_seed_what_all_draw_from(runs: Harness, python: Path) -> None:
    script = "import seeding, random; print(random.random())"
    new = await lines(runs, runs.spec(script, python=python, mode="exec"), new=True)
    for _ in range(3):
        assert await lines(runs, runs.spec(script, python=python)) == new


@pytest.mark.parametrize(
    ("module", "file"),
    [("reading", "settings.ini"), ("reading_home", ".readrc"), ("asking", ".config/asking.toml")],
)
async def test_what_packages_look_at_in_the_upload_makes_a_new_interpreter(
    runs: Harness, python: Path, module: str, file: str
) -> None:
    script = f"import {module}; print({module}.VALUE)"
    beside: dict[str, bytes]
    for beside in {}, {"other": b"x"}, {file: b"mine"}:
        spec = runs.spec(script, beside, python=python, mode="exec")
        expected = await lines(runs, spec, new=True)
        assert await lines(runs, _with(spec, mode="fork"), new=file in beside) == expected


async def test_what_packages_look_at_of_the_run_makes_a_new_interpreter(
    runs: Harness, python: Path
) -> None:
    for name, new in ("OTHER", False), ("READ", True):
        spec = runs.spec("import asking; print(asking.READ)", python=python, variables={name: "1"})
        assert await lines(runs, spec, new=new) == ["1" if new else "None"]
    assert await lines(runs, runs.spec("import copying; print(1)", python=python)) == ["1"]
    spec = runs.spec("import naming; print(len(naming.VALUE))", python=python)
    assert await lines(runs, spec, new=True) == ["36"]


async def test_a_killed_zygote_takes_its_runs_with_it_and_is_replaced(runs: Harness) -> None:
    hidden = mark()
    script = f"import subprocess, signal; subprocess.Popen(['sleep', '{hidden}']); print('ready')"
    run = await runs.start(runs.spec(f"{script}; signal.pause()"))
    await run.out.until("ready")
    zygote = _zygote_of(run.pid)
    os.kill(zygote, signal.SIGKILL)
    outcome = await run.outcome()
    assert (outcome.status, outcome.reason) == ("failure", "launcher_lost")
    await ended(zygote)
    assert not living(hidden)
    assert await lines(runs, runs.spec("print('again')")) == ["again"]


async def test_i7_a_package_that_keeps_its_runs_from_ending_does_not(
    runs: Harness, python: Path
) -> None:
    """It makes the shims, which are forks of the zygote, deaf: we have another for that."""
    run = await runs.start(runs.spec("import deafening, signal; signal.pause()", python=python))
    pid = run.pid
    await run.running.stop("killed")
    await ended(pid)
    assert (await run.outcome()).status == "killed"


async def test_a_run_cannot_harm_its_zygote(runs: Harness) -> None:
    script = """
        import os, signal
        for pid in {os.getppid(), ZYGOTE} - {os.getpid()}:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
            for file in "mem", "environ":
                try:
                    print(pid, len(open(f"/proc/{pid}/{file}", "rb").read(1)))
                except OSError:
                    pass
        print("done")
    """
    before = await runs.start(runs.spec("import time; print('ready'); time.sleep(60)"))
    await before.out.until("ready")
    script = script.replace("ZYGOTE", str(_zygote_of(before.pid)))
    assert await lines(runs, runs.spec(script, slot=1)) == ["done"]
    assert await lines(runs, runs.spec("print('next')")) == ["next"]


async def test_zygotes_that_are_not_used_give_way(tmp_path: Path, python: Path) -> None:
    runs = await Kind("fork", namespaces=True).open(tmp_path, zygotes=1)
    assert await lines(runs, runs.spec("print(1)")) == ["1"]
    assert await lines(runs, runs.spec("print(2)", python=python)) == ["2"]
    assert len(list((tmp_path / "templates").iterdir())) == 1
    assert await lines(runs, runs.spec("print(1)")) == ["1"]
    await runs.backend.close()


async def test_an_environment_that_cannot_start_is_not_tried_for_each_run(runs: Harness) -> None:
    spec = runs.spec("print(1)", python=Path("/bin/false"))
    why = await runs.backend.prefetch(spec)
    assert "its template has ended" in why
    assert await runs.backend.prefetch(spec) == why
    await runs.backend.close()
    with pytest.raises(Unavailable):
        await runs.backend.prefetch(spec)


def _zygote_of(pid: int) -> int:
    """The process that forked the shim of a run."""
    for _ in range(2):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def _with(spec: RunSpec, **changed: Any) -> RunSpec:
    return msgspec.structs.replace(spec, run_id=uuid4(), **changed)
