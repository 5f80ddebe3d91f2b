"""An executor with one run, to be killed.

python -m tests.executor.lone_executor FOLDER namespaces|bare SCRIPT
"""

import asyncio
import sys
from pathlib import Path

from services.executor.local import LocalBackend
from tests.executor.harness import Harness


async def main(folder: Path, namespaces: bool, script: str) -> None:
    """Print the pids of the launcher and of the run once the run has said that it is ready."""
    backend = await LocalBackend.open(folder / "runs", namespaces=namespaces)
    harness = Harness(backend, folder)
    run = await harness.start(harness.spec(script))
    await run.out.until("ready")
    sys.stdout.write(f"{backend.launcher_pid} {run.running.pid}\n")
    sys.stdout.flush()
    await run.running.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] == "namespaces", sys.argv[3]))
