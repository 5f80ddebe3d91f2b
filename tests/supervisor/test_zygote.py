"""Services forked by the zygote: as independent of it and of each other as any processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform import SERVICES, Platform, running
from tests.supervisor.instance import PATIENCE, Witness, children, command_line, wait_until


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPERATORS_OWN", "affair")
        found = Platform(tmp_path_factory.mktemp("zygote"))
    with running(found) as platform:
        yield platform


def test_a_service_is_a_process_of_its_own(platform: Platform) -> None:
    pids = [pid(platform, service) for service in SERVICES]
    assert {parent(each) for each in pids} == {supervisor(platform)}
    assert [os.getsid(each) for each in pids] == pids
    assert [linked(each, "cwd") for each in pids] == [str(platform.data / one) for one in SERVICES]
    assert {linked(each, "fd/0") for each in pids} == {os.devnull}
    logs = [str(platform.data / "log" / f"{service}.log") for service in SERVICES]
    assert [linked(each, "fd/2") for each in pids] == logs


def test_services_share_no_socket_with_anybody(platform: Platform) -> None:
    """But for the one that callers come by, which the supervisor keeps open for the API."""
    family = [supervisor(platform), *(pid(platform, service) for service in SERVICES)]
    found = [one for each in family for one in sockets(each)]
    [shared] = [one for one in set(found) if found.count(one) > 1]
    assert found.count(shared) == 2
    assert shared in sockets(family[0])
    assert shared in sockets(pid(platform, "api"))


def test_services_do_not_see_the_operator_s_environment(platform: Platform) -> None:
    assert b"affair" in Path(f"/proc/{supervisor(platform)}/environ").read_bytes()
    for service in SERVICES:
        assert b"affair" not in Path(f"/proc/{pid(platform, service)}/environ").read_bytes()


def test_the_zygote_is_gone_once_all_are_ready(platform: Platform) -> None:
    lines = [command_line(each) for each in children(supervisor(platform))]
    assert len(lines) == len(SERVICES) + len(["nats", "postgres", "guard"])
    assert not [line for line in lines if "rondo zygote" in line]


def test_a_killed_service_comes_again_alone(platform: Platform) -> None:
    before = {service: pid(platform, service) for service in SERVICES}
    platform.signal("packager")
    wait_until(lambda: f"{'packager':<10} ready again" in platform.shown())
    assert {each for each in SERVICES if pid(platform, each) != before[each]} == {"packager"}


def test_services_start_where_nothing_can_be_forked(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.supervisor.unforked"]
    with running(Platform(tmp_path, program=program)) as platform:
        assert "No module named 'no'" in platform.shown()
        assert "services start in interpreters of their own" in platform.shown()
        assert len({pid(platform, service) for service in SERVICES}) == len(SERVICES)


def test_why_a_forked_service_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "libs.supervisor.cli", "up", "--port", "0"]
    command += ["--data", str(tmp_path / "data")]
    environment = os.environ | {"RONDO_SLOTS": "many"}
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 1
    assert "executor ended with status 2" in ended.stderr
    assert "RONDO_SLOTS" in ended.stderr


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with running(Platform(tmp_path)) as platform:
        witness = Witness(children(supervisor(platform)))
        os.kill(supervisor(platform), signal.SIGKILL)
        witness.all_end(within=8)


@pytest.mark.parametrize("words", [["short"], ["long" * 50, "and more"]])
def test_a_process_shows_another_command_line(words: list[str]) -> None:
    script = (
        "import sys; from libs.linux.process_title import show_as; show_as(sys.argv[1].split('|'));"
    )
    script += "print(open('/proc/self/cmdline').read(), end='')"
    # The argument itself makes room for it, so the environment is needed only by what is longer.
    shown = subprocess.run(
        [sys.executable, "-c", script, "|".join(words)], capture_output=True, text=True, check=True
    )
    assert shown.stdout.rstrip("\0").split("\0") == words


def pid(platform: Platform, service: str) -> int:
    found = platform.pid(service)
    assert found, f"{service} does not run"
    return found


def supervisor(platform: Platform) -> int:
    return parent(pid(platform, "api"))


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def linked(pid: int, what: str) -> str:
    return os.readlink(f"/proc/{pid}/{what}")


def sockets(pid: int) -> set[str]:
    found = {linked(pid, f"fd/{each.name}") for each in Path(f"/proc/{pid}/fd").iterdir()}
    return {each for each in found if each.startswith("socket:")}
