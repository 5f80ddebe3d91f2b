"""I8 over the table of pages: nobody sees or changes another workspace's things."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from services.api.dashboard.pages import PAGES, Page
from tests.dashboard import served
from tests.dashboard.people import Answer, Pass, Person, anybody, new_user, signed_in
from tests.dashboard.visitor import HELLO
from tests.inference.models import linear
from tests.platform import Platform, api, archive

SECRET = "the secret workspace"
SECRET_NAME = "the-secret-model"
OUTSIDER = "outsider@example.org"

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")


@dataclass(frozen=True)
class Things:
    """Of a workspace that the outsider is no member of."""

    workspace: int
    orchestration: str
    task: str
    run: str
    connection: str
    subscription: str
    model: int
    version: int
    pipeline: int

    def path(self, page: Page) -> str:
        """With their ids in it. A history is one of theirs too."""
        named = {"aggregate": "task", "id": self.task, **vars(self)}
        return page.path.format(**named)


@pytest.fixture(scope="module")
def things(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Things:
    return asyncio.run(_made(platform, tmp_path_factory.mktemp("models")))


async def _made(platform: Platform, folder: Path) -> Things:
    await new_user(platform, OUTSIDER)
    async with api(platform, SECRET) as client:
        orchestration = await client.ready(HELLO, SECRET)
        task = await client.run(orchestration, name=SECRET)
        [run] = await client.ended(task)
        body = {"name": SECRET, "type": "secret", "details": {}}
        connection = (await client.post("connections/create", body))["id"]
        attached = {"workspace_id": client.workspace, "connection_id": connection}
        await client.post("connections/add_to_workspace", attached)
        hook = {"workspace_id": client.workspace, "name": SECRET, "url": "https://hooks.invalid/"}
        subscription = (await client.post("subscriptions/create", hook))["subscription"]["id"]
        version = await served.model(client, folder, SECRET_NAME)
        made = await served.pipeline(client, SECRET_NAME, served.step(version))
        await served.deployed(client, SECRET_NAME, made)
        return Things(
            client.workspace,
            orchestration,
            task,
            run["run_id"],
            connection,
            subscription,
            await served.number_of(client, version),
            version["id"],
            made["pipeline_pk_id"],
        )


@pytest.fixture(scope="module")
def pass_(platform: Platform, things: Things) -> Pass:
    """Of an outsider's session."""

    async def got() -> Pass:
        async with signed_in(platform, OUTSIDER) as person:
            return person.pass_

    return asyncio.run(got())


@pytest.fixture
async def outsider(platform: Platform, pass_: Pass) -> AsyncIterator[Person]:
    async with anybody(platform) as person:
        person.pass_ = pass_
        yield person


# Of the visitor alone: the end of the session, and a stream without end of what they may see.
THEIRS = ("/signout", "/live")


async def asked(person: Person, page: Page, things: Things, query: str = "") -> Answer:
    path = things.path(page) + query
    if page.method == "GET":
        return await person.ask("GET", path)
    workspace = str(things.workspace)
    return await person.send(path, {"workspace": workspace, "workspace_id": workspace})


@every_page
async def test_nobody_without_a_session(platform: Platform, things: Things, page: Page) -> None:
    async with anybody(platform) as person:
        answer = await asked(person, page, things)
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/signin")


@every_page
async def test_an_outsider_is_shut_out_of_what_is_in_it(
    outsider: Person, things: Things, page: Page
) -> None:
    if page.path in THEIRS:
        return
    answer = await asked(outsider, page, things)
    assert SECRET not in answer.text
    assert SECRET_NAME not in answer.text
    if "{" in page.path or page.administrators_only:
        assert answer.status in (403, 404), answer.text


@every_page
async def test_an_outsider_can_not_choose_it(outsider: Person, things: Things, page: Page) -> None:
    answer = await asked(outsider, page, things, f"?workspace={things.workspace}")
    assert answer.status in (403, 404)
    assert SECRET not in answer.text


async def test_an_outsider_can_not_upload_into_it(outsider: Person, things: Things) -> None:
    shown = (await outsider.ask("GET", "/workloads")).text
    found = re.search(r"form=([0-9a-f]+)", shown)
    assert found
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("metadata", f'{{"workspace_id": {things.workspace}}}')
    form.add_field("file", archive(HELLO), filename="hello.zip")
    answer = await outsider.ask("POST", f"/workloads?form={found[1]}", data=form)
    assert answer.status == 403
    assert (await outsider.ask("POST", "/workloads?form=0", data=form)).status == 403


async def test_an_outsider_can_not_use_its_model_in_a_pipeline_of_theirs(
    outsider: Person, things: Things
) -> None:
    answer = await outsider.send("/pipelines", {"name": "mine", "version": str(things.version)})
    assert answer.status in (403, 404)
    assert SECRET_NAME not in answer.text


async def test_an_outsider_can_not_upload_a_model_into_it(
    outsider: Person, things: Things, tmp_path: Path
) -> None:
    shown = (await outsider.ask("GET", "/workloads")).text
    found = re.search(r"form=([0-9a-f]+)", shown)
    assert found
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("metadata", f'{{"workspace_id": {things.workspace}}}')
    form.add_field("file", linear(tmp_path / "mine.onnx").read_bytes(), filename="mine.onnx")
    answer = await outsider.ask("POST", f"/models?form={found[1]}", data=form)
    assert answer.status == 403
