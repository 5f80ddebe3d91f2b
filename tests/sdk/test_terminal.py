"""The command line at a real terminal: progress is shown there, and passwords are asked for."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rondo import Client

Terminal = Callable[..., tuple[int, str]]


@pytest.fixture
def terminal(settings: dict[str, str], tmp_path: Path) -> Terminal:
    """Runs `rondo` at a terminal of its own, typing each answer when its question is shown. Gives
    the exit status and all that was on the screen."""

    def run(*arguments: str, answers: dict[str, str] | None = None, **more: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "rondo", *arguments]
        with subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**settings, **more},
            cwd=tmp_path,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            screen = _screen(ours, list((answers or {}).items()))
        os.close(ours)
        return process.returncode, screen

    return run


def _screen(terminal: int, answers: list[tuple[str, str]]) -> str:
    shown, begins = "", 0
    while True:
        try:
            shown += os.read(terminal, 1 << 16).decode()
        except OSError:  # nobody holds the other side any more
            return shown
        if answers and answers[0][0] in shown[begins:]:
            begins = len(shown)
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")


def test_progress_of_uploads_and_packaging(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "main.py").write_text("print(1)")
    (tmp_path / "job" / "noise.bin").write_bytes(os.urandom(8 << 20))
    status, screen = terminal("upload", "job")
    assert status == 0, screen
    assert "\r\x1b[Kuploading job.zip [" in screen
    assert "% of 8,3" in screen
    assert "packaging job.zip: " in screen
    before, _, after = screen.rpartition("\r\x1b[K")
    assert "Status" in after
    assert "Status" not in before


def test_no_progress_where_lines_can_not_be_drawn_over(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print(1)")
    status, screen = terminal("upload", ".", "--json", TERM="dumb")
    assert (status, screen.lstrip()[0]) == (0, "{"), screen


def test_passwords_are_asked_for_and_not_shown(
    terminal: Terminal, settings: dict[str, str], client: Client
) -> None:
    bare = {"RONDO_USER": "", "RONDO_PASSWORD": ""}
    email = f"{settings['RONDO_WORKSPACE']}@example.org"
    client.create_user(email, "a first one")
    status, screen = terminal(
        "login", answers={"user: ": email, "password: ": "a first one"}, **bare
    )
    assert status == 0, screen
    asked = {"current password: ": "a first one", "new password: ": "a second one"}
    typed = {**asked, "new password, again: ": "not the same"}
    assert terminal("password", answers=typed, **bare)[0] == 2
    typed = {**asked, "new password, again: ": "a second one"}
    status, shown = terminal("password", answers=typed, **bare)
    assert status == 0, shown
    assert " one" not in screen + shown
    assert email in terminal("whoami", **bare)[1]
