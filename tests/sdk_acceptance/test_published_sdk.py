"""What users of the published SDK do, part by part, and ten of them at once."""

import asyncio
import json
import re
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests.platform import Platform, api, until
from tests.sdk_acceptance.conftest import Script

PASSWORD = "a password for tests"

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
        await client.post("users/create", {"email": email, "password": PASSWORD})
    assert (await script("people", email)).endswith("done\n")


async def test_somebody_signs_in_for_a_device(
    script: Script, platform: Platform, tmp_path: Path
) -> None:
    email, told = f"{uuid4()}@example.org", tmp_path / "told"
    async with api(platform, "people") as client:
        await client.post("users/create", {"email": email, "password": PASSWORD})
    waiting = asyncio.create_task(script("device", str(told), WALLAROO_SDK_AUTH_TYPE="sso"))

    async def address() -> str:
        found = re.search(r"(http\S+)\n", told.read_text()) if told.exists() else None
        return found[1] if found else ""

    await signed_in(await until(address, "the SDK shows an address"), email)
    assert (await waiting).endswith(f"{email}\ndone\n")


async def signed_in(address: str, email: str) -> None:
    """As a person does it in a browser."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(address) as page:
            text = await page.text()
        hidden = dict(re.findall(r'name="(csrf|user_code)" value="([^"]+)"', text))
        form = {**hidden, "username": email, "password": PASSWORD}
        async with browser.post(address.partition("?")[0], data=form) as page:
            assert page.status == 200, await page.text()


async def test_a_wrong_password_is_refused(script: Script) -> None:
    wrong = {"WALLAROO_USER": "admin@rondo.local", "WALLAROO_PASSWORD": "wrong"}
    said = await script("refused", **wrong)
    assert json.loads(said.splitlines()[-1])["error"] == "TokenFetchError"


async def test_ten_at_once(script: Script) -> None:
    said = await asyncio.gather(*(script("tasks") for _ in range(10)))
    assert all(text.endswith("done\n") for text in said)
