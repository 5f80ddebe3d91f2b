"""Style sheets and scripts: kept for ever by browsers, since their addresses change with them."""

import re

import aiohttp
import pytest

from services.api.dashboard import static
from tests.platform import Platform


@pytest.fixture
def url(platform: Platform) -> str:
    return platform.access["url"]


@pytest.mark.parametrize("name", ["dashboard.css", "dashboard.js", "mark.svg"])
async def test_served_once_and_for_all(url: str, name: str) -> None:
    async with aiohttp.ClientSession(url) as session:
        async with session.get(static.url(name)) as answer:
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            tag = answer.headers["ETag"]
        async with session.get(static.url(name), headers={"If-None-Match": tag}) as again:
            assert again.status == 304
            assert await again.read() == b""


async def test_an_older_page_gets_what_there_is_now_and_does_not_keep_it(url: str) -> None:
    async with (
        aiohttp.ClientSession(url) as session,
        session.get("/static/0123456789abcdef/dashboard.css") as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "..%2fstatic.py", "%00", ""])
async def test_nothing_else(url: str, name: str) -> None:
    async with (
        aiohttp.ClientSession(url) as session,
        session.get(f"{static.PATH}/{name}") as answer,
    ):
        assert answer.status == 404


async def test_scripts_import_only_each_other(url: str) -> None:
    async with aiohttp.ClientSession(url) as session:
        wanted = ["dashboard.js"]
        for name in wanted:
            async with session.get(f"{static.PATH}/{name}") as answer:
                assert answer.status == 200, name
                assert answer.content_type == "text/javascript"
                found = re.findall(r'from "\./([a-z]+\.js)"', await answer.text())
            wanted += [one for one in found if one not in wanted]
        assert "live.js" in wanted
