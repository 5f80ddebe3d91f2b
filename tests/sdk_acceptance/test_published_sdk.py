"""What users of the published SDK do, part by part, and ten of them at once."""

import asyncio
import json
from uuid import uuid4

import pytest

from tests.platform import Platform, api
from tests.sdk_acceptance.conftest import Script

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(
    "name",
    ["login", "workspaces", "orchestrations", "tasks", "schedules", "continuously", "connections"],
)
async def test_a_part_of_it(script: Script, name: str) -> None:
    assert (await script(name)).endswith("done\n")


async def test_people(script: Script, platform: Platform) -> None:
    email = f"{uuid4()}@example.org"
    async with api(platform, "people") as client:
        await client.post("users/create", {"email": email, "password": "a password for tests"})
    assert (await script("people", email)).endswith("done\n")


async def test_a_wrong_password_is_refused(script: Script, tmp_path: object) -> None:
    wrong = {"WALLAROO_USER": "admin@rondo.local", "WALLAROO_PASSWORD": "wrong"}
    said = await script("refused", **wrong)
    assert json.loads(said.splitlines()[-1])["error"] == "TokenFetchError"


async def test_ten_at_once(script: Script) -> None:
    said = await asyncio.gather(*(script("tasks") for _ in range(10)))
    assert all(text.endswith("done\n") for text in said)
