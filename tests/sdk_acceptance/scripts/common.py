"""What the scripts share: a client in a workspace of its own, archives, and waiting for facts."""

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import wallaroo

PATIENCE = 120.0
MAIN = """import json, os
print("arguments", json.load(open("/home/jovyan/arguments.json"))
      if os.path.exists("/home/jovyan/arguments.json") else "elsewhere")
for number in range(5):
    print("line", number)
"""


def client() -> Any:
    """Logged in, in a new workspace."""
    wl = wallaroo.Client()
    wl.set_current_workspace(wl.create_workspace(unique("w")))
    return wl


def unique(start: str) -> str:
    return f"{start}-{uuid4().hex}"


def archive(**files: str) -> bytes:
    """A ZIP of these files, always the same; names are without their suffix .py."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, text in files.items():
            opened.writestr(zipfile.ZipInfo(f"{name}.py"), text)
        opened.writestr(zipfile.ZipInfo("requirements.txt"), "")
    return buffer.getvalue()


def until(fact: Callable[[], Any], what: str) -> Any:
    """What `fact` gives once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := fact()):
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.2)
    return found


def ready(wl: Any, main: str = MAIN, name: str = "sample") -> Any:
    """An orchestration that can run."""
    orchestration = wl.upload_orchestration(
        bytes_buffer=archive(main=main), file_name="sample.zip", name=name
    )
    until(lambda: orchestration.status() in ("ready", "error"), "it is packaged")
    assert orchestration.status() == "ready"
    return orchestration


def kill(task: Any) -> None:
    """Returns once it is true. A task that runs nothing may be gone at once."""
    assert task.kill() in ("pending_kill", "killed")
    until(lambda: task.status() == "killed", "it is killed")


def refusal(call: Callable[[], Any]) -> str:
    """The text of the error that `call` must raise."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("this should have been refused")
