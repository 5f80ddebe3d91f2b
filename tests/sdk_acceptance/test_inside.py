"""One main.py as a task: with the published SDK, which it pins, and with ours, which is there."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.platform import Api, Platform, api, until

MAIN = (Path(__file__).parent / "scripts" / "inside.py").read_text()
HOUSES = "rooms,price\n3,500\n4,750\n"
PINNED = "2026.1.3"
PACKAGED_WITHIN = 200.0  # s: the published SDK is half a gigabyte

pytestmark = pytest.mark.timeout(400)


async def test_the_same_lines_with_either_sdk(platform: Platform) -> None:
    name, workspace = f"houses-{uuid4().hex}", f"inside-{uuid4().hex}"
    details = {"host": platform.access["url"], "n": [1, None]}
    async with api(platform, workspace) as client:
        made = {"name": name, "type": "HTTPFILE", "details": details}
        connection = await client.post("connections/create", made)
        attached = {"workspace_id": client.workspace, "connection_id": connection["id"]}
        await client.post("connections/add_to_workspace", attached)
        ours = await packaged(client, "")
        published = await packaged(client, f"wallaroo=={PINNED}\nrequests\n")
        arguments = {"connection": name, "workspace_name": workspace}
        version, *by_ours = await printed(client, ours, arguments)
        assert version not in ("", PINNED)
        version, *by_published = await printed(client, published, arguments)
        assert version == PINNED
    assert by_published == by_ours
    assert len(by_ours) == 10
    assert "in a task: True True" in by_ours
    assert f"connection: HTTPFILE {json.dumps(details)}" in by_ours
    assert "fetched: {'status': 'ok'}" in by_ours
    assert "data: 1250" in by_ours


async def packaged(client: Api, requirements: str) -> str:
    """The id of an orchestration that can run."""
    files = {"main.py": MAIN, "requirements.txt": requirements, "data/houses.csv": HOUSES}
    id = await client.upload(files, "inside")

    async def ready() -> bool:
        found = await client.post("orchestration/get_by_id", {"id": id})
        assert found["status"] != "error", found["reason"]
        return bool(found["status"] == "ready")

    await until(ready, "packaging", PACKAGED_WITHIN)
    return id


async def printed(client: Api, orchestration: str, arguments: dict[str, str]) -> list[str]:
    """What a task of it writes to its standard output, once it has succeeded."""
    task = await client.run(orchestration, name="inside", json=arguments)
    (run,) = await client.ended(task)
    log = await client.log(run["run_id"])
    assert (run["status"], log["complete"]) == ("success", True), log["logs"]
    lines = [line.split(" ", 3) for line in log["logs"]]
    return [text for _, stream, _, text in lines if stream == "stdout"]
