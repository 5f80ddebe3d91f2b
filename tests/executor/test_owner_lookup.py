"""The address of a task's owner, which the API is asked for in a run's name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp
import msgspec
import pytest
from aiohttp import test_utils, web

from libs.domain.task import Task
from libs.runtoken.token import CLIENT, Grant, RunTokens, email_in
from services.executor.owner_lookup import Owners
from services.executor.run_credentials import PATH
from tests.executor.test_run_credentials import KEY, task


class Api:
    """Renews tokens as the API does; `status` is what it answers."""

    def __init__(self) -> None:
        self.asked: list[Grant] = []
        self.email = "ada@example.org"
        self.status = 200
        self.now = 0.0
        self.tokens = RunTokens(KEY, "http://rondo.example.org")

    async def renew(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert (form["grant_type"], form["client_id"]) == ("refresh_token", CLIENT)
        grant = self.tokens.claims(str(form["refresh_token"]), "RunRefresh").grant
        self.asked.append(grant)
        access = self.tokens.sign(grant, "Run", self.email, int(self.tokens.clock()) + 60)
        return web.json_response({"access_token": access}, status=self.status)

    @asynccontextmanager
    async def owners(self) -> AsyncIterator[Owners]:
        app = web.Application()
        app.router.add_post("/auth/realms/master/protocol/openid-connect/token", self.renew)
        async with test_utils.TestServer(app) as server, aiohttp.ClientSession() as calls:
            yield Owners(calls, self.tokens, str(server.make_url("/")), clock=lambda: self.now)

    async def told(self, owners: Owners, of: Task) -> str:
        """What the run's login says, in its token too."""
        (content,) = (await owners.login(of, uuid4())).values()
        found = msgspec.json.decode(content)
        assert email_in(found["access_token"]) == found["user_email"]
        return str(found["user_email"])

    async def until_told(self, owners: Owners, of: Task, email: str) -> None:
        """Each run is told what is known, and none waits for what is asked for meanwhile."""
        async with asyncio.timeout(20):
            while await self.told(owners, of) != email:  # noqa: ASYNC110 - nothing to wait for
                await asyncio.sleep(0)


async def test_a_run_is_told_its_owners_address() -> None:
    api, order, run = Api(), task(600), uuid4()
    async with api.owners() as owners:
        files = await owners.login(order, run)
    assert msgspec.json.decode(files[PATH])["user_email"] == "ada@example.org"
    assert api.asked == [Grant(order.owner, order.workspace, order.id, run)]


async def test_it_is_asked_for_once_for_many_runs_and_anew_in_the_background() -> None:
    api, order = Api(), task(600)
    async with api.owners() as owners:
        told = await asyncio.gather(*(api.told(owners, order) for _ in range(9)))
        assert set(told) == {"ada@example.org"}
        assert len(api.asked) == 1
        api.now, api.email = 700.0, "ada@example.com"
        assert await api.told(owners, order) == "ada@example.org"
        await api.until_told(owners, order, "ada@example.com")
        assert len(api.asked) == 2


@pytest.mark.parametrize("status", [401, 503])
async def test_without_an_answer_it_is_made_up_for_a_while(status: int) -> None:
    api, order = Api(), task(600)
    api.status = status
    async with api.owners() as owners:
        for _ in range(3):
            assert await api.told(owners, order) == f"{order.owner}@users.invalid"
        assert len(api.asked) == 1
        api.now, api.status = 31.0, 200
        await api.until_told(owners, order, "ada@example.org")


async def test_an_api_that_can_not_be_reached_stops_no_run() -> None:
    async with aiohttp.ClientSession() as calls:
        owners = Owners(calls, Api().tokens, "http://127.0.0.1:9")  # nobody listens there
        order = task(600)
        assert (await Api().told(owners, order)).endswith("@users.invalid")


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.!.c", "a.eyJ9.c"])
def test_what_is_no_token_has_no_address(token: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several parsers
        email_in(token)
