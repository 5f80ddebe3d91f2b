"""Fifteen pinned packages: resolved, installed beside the real base, imported by a run."""

from pathlib import Path

from tests.platform import Api

PINS = (Path(__file__).parents[1] / "data" / "fifteen-pins.txt").read_text()
MAIN = """
from importlib.metadata import version
import google.cloud.bigquery
import dbt.version

for name in ("pandas", "pyarrow", "requests"):  # of the base
    version(name)
for line in open("requirements.txt"):
    if "==" in line:
        name, _, wanted = line.strip().partition("==")
        assert version(name) == wanted, (name, version(name))
        print(name, wanted)
"""


async def test_fifteen_pins_are_what_the_run_gets(client: Api) -> None:
    orchestration = await client.ready({"main.py": MAIN, "requirements.txt": PINS})
    [run] = await client.ended(await client.run(orchestration))
    lines = await client.lines(run["run_id"])
    assert run["status"] == "success", lines
    assert len(lines) == 15
    assert lines == [line.replace("==", " ") for line in PINS.splitlines() if "==" in line]
