"""Paths under directories that another uid may not enter, reached by it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from libs.linux.reach import unreachable

_UID = 4242
_as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another uid")


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed home: a program and its data, something private, and a link to the program."""
    home = tmp_path_factory.mktemp("home")
    (home / "deep" / "program").mkdir(parents=True)
    (home / "deep" / "program" / "text").write_text("hello\n")
    (home / "data").mkdir()
    os.chmod(home / "data", 0o777)  # noqa: S103 - that any uid may write is what is tested
    (home / "private").write_text("not yours")
    (home / "link").symlink_to("deep/program")
    home.chmod(0o700)
    return home


def launch(*words: str | Path, drop: str = "") -> subprocess.CompletedProcess[str]:
    """What becomes of the launcher; `drop` is a capability that it lacks."""
    command = [sys.executable, "-P", "-m", "libs.linux.reach", *map(str, words)]
    if drop:
        command = ["setpriv", f"--bounding-set=-{drop}", f"--inh-caps=-{drop}", *command]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def become(*paths: Path) -> list[str]:
    user = ["--user", str(_UID), "--group", str(_UID)]
    return [*user, *(word for path in paths for word in ("--path", str(path))), "--"]


def test_barriers_are_named_from_the_outside_in(home: Path) -> None:
    inner = home / "deep"
    inner.chmod(0o750)
    found = unreachable([inner / "program"], _UID, _UID)
    assert found[-2:] == [home, inner]
    assert unreachable([inner / "program"], home.stat().st_uid, home.stat().st_gid) == []
    assert unreachable([Path("/usr/bin/env")], _UID, _UID) == []


@_as_root
def test_wanted_paths_are_reached_and_the_rest_is_out_of_sight(home: Path) -> None:
    script = "cat link/text deep/program/text; echo new > data/made; ls; id -u"
    wanted = become(home / "link", home / "data")
    result = launch(*wanted, "sh", "-c", f"cd {home} && {script}")
    assert result.stdout.split() == ["hello", "hello", "data", "deep", "link", str(_UID)], (
        result.stderr
    )
    assert (home / "data" / "made").read_text() == "new\n"
    assert (home / "data" / "made").stat().st_uid == _UID
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "private").read_text() == "not yours"


@_as_root
def test_a_barrier_inside_a_wanted_path_is_no_obstacle(home: Path) -> None:
    (home / "deep" / "program").chmod(0o700)
    text = home / "deep" / "program" / "text"
    assert launch(*become(home / "deep", text), "cat", text).stdout == "hello\n"


@_as_root
def test_what_is_not_wanted_stays_closed(home: Path) -> None:
    assert "Permission denied" in launch(*become(), "cat", home / "private").stderr


@_as_root
def test_without_the_right_to_mount_the_directory_and_the_remedy_are_named(home: Path) -> None:
    result = launch(*become(home / "data"), "true", drop="sys_admin")
    assert result.returncode == 1
    barrier = unreachable([home / "data"], _UID, _UID)[0]
    assert f"uid {_UID} may not enter {barrier}" in result.stderr
    assert "choose a folder elsewhere" in result.stderr
    assert launch(*become(Path("/usr")), "true", drop="sys_admin").returncode == 0


def test_a_missing_program_or_path_is_one_clear_line() -> None:
    result = launch("--", "/no/such/program")
    assert (result.returncode, result.stderr) == (
        1,
        "/no/such/program: No such file or directory\n",
    )


def test_an_orphan_does_not_start() -> None:
    result = launch("--die-with-parent", "SIGTERM", "--parent", "1", "--", "echo", "started")
    assert (result.returncode, result.stdout) == (1, "")
