"""An executor with one run, to be killed.

python -m tests.executor.lone_executor FOLDER KIND SCRIPT, KIND being a place in LOCAL
"""

import asyncio
import sys
from pathlib import Path

from tests.executor.harness import LOCAL, Kind


async def main(folder: Path, kind: Kind, script: str) -> None:
    """Print the pids of the launcher and of the run once the run has said that it is ready."""
    harness = await kind.open(folder)
    run = await harness.start(harness.spec(script))
    await run.out.until("ready")
    sys.stdout.write(f"{harness.backend.launcher_pid} {run.pid}\n")
    sys.stdout.flush()
    await run.running.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), LOCAL[int(sys.argv[2])], sys.argv[3]))
