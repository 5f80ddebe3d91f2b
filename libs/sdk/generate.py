"""Makes the blocking modules of rondo from the coroutines in rondo/aio; `--check` only compares.

One source serves both: a name loses its Async, a call its await.
"""

import re
import subprocess
import sys
from pathlib import Path

RONDO = Path(__file__).parent / "rondo"
MODULES = (
    "accounts",
    "auth",
    "calls",
    "client",
    "connection",
    "connections",
    "events",
    "grants",
    "inference",
    "model",
    "model_version",
    "models",
    "orchestration",
    "orchestrations",
    "pipeline",
    "pipeline_log",
    "pipelines",
    "polling",
    "session",
    "tag",
    "tags",
    "task",
    "task_run",
    "tasks",
    "workspace",
    "workspaces",
)
NOTE = "# Made from aio/{}.py by generate.py: change that one, then run this.\n"

_CHANGES = (
    (r"Callable\[\[\], Awaitable\[(.+?)\]\]", r"Callable[[], \1]"),
    (r"import Awaitable, Callable", "import Callable"),
    (r"AsyncGenerator\[(.+?), None\]", r"Generator[\1, None, None]"),
    (r"\baclosing\b", "closing"),
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\brondo\.aio\.", "rondo."),
)


def blocking(module: str) -> str:
    text = (RONDO / "aio" / f"{module}.py").read_text()
    for pattern, replacement in _CHANGES:
        text = re.sub(pattern, replacement, text)
    name = str(RONDO / f"{module}.py")
    text = _ruff(
        ["check", "--quiet", "--fix-only", "--unsafe-fixes", "--select=I,UP028,UP034"], name, text
    )
    return NOTE.format(module) + _ruff(["format", "--quiet"], name, text)


def _ruff(command: list[str], name: str, text: str) -> str:
    ruff = Path(sys.executable).with_name("ruff")
    full = [ruff, *command, f"--stdin-filename={name}", "-"]
    return subprocess.run(full, input=text, text=True, capture_output=True, check=True).stdout


def main(only_check: bool) -> int:
    stale = 0
    for module in MODULES:
        path, text = RONDO / f"{module}.py", blocking(module)
        if path.exists() and path.read_text() == text:
            continue
        stale += 1
        print(f"{path.name} {'is not what' if only_check else 'made from'} aio/{module}.py")
        if not only_check:
            path.write_text(text)
    return stale if only_check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
