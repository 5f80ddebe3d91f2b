"""What a program can ask about the task that it runs as."""

import json
import os
from pathlib import Path
from typing import Any

_HOME = Path("/home/jovyan")  # the folder of a task, whatever HOME says


def in_task() -> bool:
    """Whether this program runs as a task of the platform."""
    return bool(os.environ.get("WALLAROO_TASK_ID"))


def task_args() -> dict[Any, Any]:
    """The arguments that this task was started with.

    Raises FileNotFoundError outside of tasks.
    """
    if not in_task():
        raise FileNotFoundError("task_args() is for tasks; ask in_task() first")
    private = Path.home() / "arguments.json"  # where a platform can't give each task its own /home
    path = private if private.exists() else _HOME / "arguments.json"
    arguments: dict[Any, Any] = json.loads(path.read_bytes())
    return arguments
