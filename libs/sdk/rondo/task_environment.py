"""What a task finds around itself."""

import json
import os
from pathlib import Path
from typing import Any

_HOME = Path("/home/jovyan")  # where tasks live, whatever they call their home


def in_task() -> bool:
    """Whether this runs as a task of the platform."""
    return bool(os.environ.get("WALLAROO_TASK_ID"))


def task_args() -> dict[Any, Any]:
    """The arguments that this task was started with. FileNotFoundError outside of tasks."""
    if not in_task():
        raise FileNotFoundError("task_args() is for tasks; ask in_task() first")
    private = Path.home() / "arguments.json"  # where a platform can't give each task its own /home
    path = private if private.exists() else _HOME / "arguments.json"
    found: dict[Any, Any] = json.loads(path.read_bytes())
    return found
