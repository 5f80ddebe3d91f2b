"""The README's first orchestration works as it is pasted."""

import asyncio
import json
import re
from pathlib import Path

from tests.platform import PATIENCE, Platform

README = Path(__file__).parents[2] / "README.md"


async def test_the_first_orchestration_works_when_pasted(
    platform: Platform, tmp_path: Path
) -> None:
    block = re.search(r"```bash\n(.*?)```", README.read_text(), re.DOTALL)
    assert block
    (tmp_path / ".rondo.ready").write_text(json.dumps(platform.access))
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", block[1]),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        shown, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    logs, killed = shown.decode().splitlines()
    [line] = json.loads(logs)["logs"]
    assert line.endswith("stdout F Hello from Rondo")
    assert killed == "pending_kill"
