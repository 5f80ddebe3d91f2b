"""I9 on the whole platform: what users keep secret is clear text nowhere at rest, ever.

A connection is created, used inside a task and deleted; then everything that the platform keeps is
searched, and every key that is left is tried.
"""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from libs.domain.events import ConnectionCreated
from libs.runtoken.token import Grant, RunTokens
from libs.vault.crypto import CanNotOpen, Key
from libs.vault.ring import KeyRing
from services.api.read_model.projection import SCHEMA
from tests.api.service import new_key
from tests.platform import Api, Platform, api, running

NAME = "warehouse-of-this-test"
SECRET = "correct-horse-battery-staple-7319"

# What a client without arguments does: its login is in the home, its address in the environment.
MAIN = """
import json, os, pathlib, urllib.error, urllib.request

cache = pathlib.Path.home() / ".cache"
assert os.environ.get("XDG_CACHE_HOME", str(cache)) == str(cache)
login = json.loads((cache / "wallaroo_sdk/auth/keycloak.json").read_text())
assert oct((cache / "wallaroo_sdk/auth/keycloak.json").stat().st_mode)[-3:] == "600"
assert login["access_token"] not in str(dict(os.environ))
base, token = os.environ["WALLAROO_URL"], login["access_token"]

def post(path, body):
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(base + path, data, headers)) as answer:
        return json.load(answer)

arguments = json.load(open("arguments.json"))
found = post("/v1/api/connections/get", {"name": arguments["connection"]})
assert found["details"]["password"] == "-".join(arguments["words"])
(workspace,) = post("/v1/api/workspaces/list", {})["workspaces"]
print("workspace", workspace["id"])
try:
    post("/v1/api/orchestration/list", {"workspace_id": arguments["elsewhere"]})
except urllib.error.HTTPError as refused:
    print("elsewhere", refused.code)
"""


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with running(Platform(tmp_path)) as platform:
        yield platform


async def used_in_a_task(client: Api) -> list[str]:
    """What its main.py printed."""
    elsewhere = await client.post("workspaces/create", {"workspace_name": "elsewhere"})
    orchestration = await client.ready({"main.py": MAIN, "requirements.txt": ""})
    arguments = {"connection": NAME, "words": SECRET.split("-")}
    arguments["elsewhere"] = elsewhere["workspace_id"]
    task = await client.run(orchestration, json=arguments)
    (run,) = await client.ended(task)
    lines = await client.lines(run["run_id"])
    assert run["status"] == "success", lines
    return lines


def files_with(folder: Path, text: str) -> set[str]:
    """The paths of all files below `folder` that hold it."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                if data.find(text.encode()) >= 0:
                    found.add(str(path.relative_to(folder)))
    return found


async def rows_with(dsn: str, text: str) -> set[str]:
    """The tables of all schemas that show it, as text or in bytes."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return {
            f"{schema}.{table}"
            for schema, table in tables
            if await connection.fetchval(
                f'SELECT EXISTS (SELECT FROM "{schema}"."{table}" AS row'  # noqa: S608
                " WHERE row::text LIKE $1 OR row::text LIKE $2)",
                f"%{text}%",
                f"%{text.encode().hex()}%",
            )
        }
    finally:
        await connection.close()


async def keys_left(platform: Platform) -> list[Key]:
    """Every key that somebody who has the whole machine could find."""
    lines = (platform.data / "secrets" / "vault-key").read_text()
    ring = KeyRing(lines)
    connection = await asyncpg.connect(platform.dsn)
    try:
        wrapped = await connection.fetch("SELECT owner, wrapped FROM vault.data_key")
    finally:
        await connection.close()
    return [
        ring.newest,
        *(Key("d", ring.open(text, f"data-key/{owner}")) for owner, text in wrapped),
    ]


async def test_i9_no_secret_is_clear_text_anywhere_and_a_deleted_one_can_not_be_had_again(
    platform: Platform,
) -> None:
    body = {"name": NAME, "type": "POSTGRES", "details": {"password": SECRET}}
    async with api(platform, "mine") as client:
        for name in (NAME, "another"):
            made = await client.post("connections/create", {**body, "name": name})
            attachment = {"workspace_id": client.workspace, "connection_id": made["id"]}
            await client.post("connections/add_to_workspace", attachment)
        lines = await used_in_a_task(client)
        assert lines == [f"workspace {client.workspace}", "elsewhere 403"]
        read = await client.post("connections/get", {"name": NAME})
        assert read["details"] == {"password": SECRET}

        assert f"{SCHEMA}.connection" in await rows_with(platform.dsn, NAME), "the search is blind"
        assert await rows_with(platform.dsn, SECRET) == set()
        url = platform.access["url"] + "/v1/api/connections/delete"
        async with client.session.post(url, json={"name": NAME}) as answer:
            assert answer.status == 204
    (sealed,) = [
        fact
        for fact in await platform.events()
        if isinstance(fact.event, ConnectionCreated) and fact.event.name == NAME
    ]
    assert isinstance(sealed.event, ConnectionCreated)
    keys = await keys_left(platform)
    assert len(keys) == 2, "the ring's, and that of the other connection"
    for key in keys:
        with pytest.raises(CanNotOpen):
            key.open(sealed.event.details, sealed.stream.id)
    assert await rows_with(platform.dsn, SECRET) == set()
    platform.stop()

    where = files_with(platform.data, NAME)
    assert {path.split("/")[0] for path in where} >= {"nats", "postgres"}, "the search is blind"
    assert files_with(platform.data, SECRET) == set()
    nobody = Grant("nobody", 1, UUID(int=1), UUID(int=1))
    token = RunTokens(new_key(), "http://localhost").sign(nobody, "Run", "", 0)
    header = token.split(".")[0]
    assert re.fullmatch(r"eyJ\w{20,}", header)
    assert files_with(platform.data, header) == set(), "a run's token"
    assert SECRET not in platform.shown()
    assert header not in platform.shown()
