"""python -m tests.history DATA: what is broken in the log of the instance that runs there."""

import asyncio
import sys
from pathlib import Path

from tests.history.check import check
from tests.platform import Platform


def main(data: Path) -> int:
    platform = Platform(data.parent, packages=True)
    platform.data = data
    events = asyncio.run(platform.events())
    findings = check(events, quiet=False)
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"{len(events)} events, {len(findings)} findings\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
