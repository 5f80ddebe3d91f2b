"""What a page hears: that something has changed, for as long as its visitor may see it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.dashboard.people import Person, anybody, new_user, signed_in
from tests.dashboard.visitor import HELLO
from tests.platform import PATIENCE, Platform, api

PLACE = "a live place"
MEMBER = "listener@example.org"


@asynccontextmanager
async def listening(
    person: Person, path: str, headers: dict[str, str] | None = None
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """Events as their fields, once the stream is open."""
    async with person.session.get(path, headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"

        async def events() -> AsyncIterator[dict[str, str]]:
            fields: dict[str, str] = {}
            async for line in answer.content:
                name, found, value = line.decode().rstrip("\n").partition(":")
                if found:
                    fields[name] = value.strip()
                elif fields:
                    yield fields
                    fields = {}

        async with asyncio.timeout(PATIENCE):
            yield events()


async def told(events: AsyncIterator[dict[str, str]], kind: str) -> dict[str, str]:
    async for event in events:
        if event.get("event") == kind:
            return event
    raise AssertionError(f"the stream has ended without {kind}")


async def test_a_change_is_told_also_to_who_was_away_for_a_moment(platform: Platform) -> None:
    async with api(platform, PLACE) as client, signed_in(platform) as person:
        path = f"/live?workspace={client.workspace}&aggregate=orchestration"
        async with listening(person, path) as events:
            first = await anext(events)  # it listens by now
            assert "event" not in first
            await client.ready(HELLO, "one")
            assert int((await told(events, "changed"))["id"]) > int(first["id"])
        # From where it was when it had heard nothing of it.
        async with listening(person, path, {"Last-Event-ID": first["id"]}) as events:
            await told(events, "changed")


async def test_what_is_about_one_workload_or_task_is_told_to_its_page_alone(
    platform: Platform,
) -> None:
    async with api(platform, PLACE) as client, signed_in(platform) as person:
        mine, other = await client.ready(HELLO, "mine"), await client.ready(HELLO, "other")
        path = f"/live?workspace={client.workspace}&aggregate=task,run&about="
        async with listening(person, path + mine) as events, listening(person, path + other) as o:
            start = await anext(events)
            await anext(o)
            await client.ended(await client.run(other))
            heard = await told(o, "changed")
            # Everything up to then has gone by without a word.
            async for event in events:
                assert "event" not in event
                if int(event["id"]) > int(heard["id"]):
                    break
            task = await client.run(mine)
            await client.ended(task)
            await told(events, "changed")
        async with listening(person, path + task, {"Last-Event-ID": start["id"]}) as events:
            await told(events, "changed")
        assert (await person.ask("GET", path + "nothing")).status == 400


async def test_it_ends_with_the_session(platform: Platform) -> None:
    async with (
        api(platform, PLACE) as client,
        signed_in(platform) as person,
        anybody(platform) as other,
        listening(person, f"/live?workspace={client.workspace}") as events,
    ):
        await anext(events)
        other.pass_ = person.pass_
        assert (await other.send("/signout")).status == 303
        await told(events, "end")


async def test_it_ends_when_one_is_no_member_any_more(platform: Platform) -> None:
    user = await new_user(platform, MEMBER)
    async with api(platform, PLACE) as client:
        member = {"workspace_id": client.workspace, "user_id": user}
        await client.post("workspaces/add_user", member)
        async with signed_in(platform, MEMBER) as person:
            async with listening(person, f"/live?workspace={client.workspace}") as events:
                await anext(events)
                await client.post("workspaces/remove_user", member)
                await told(events, "end")
            answer = await person.ask("GET", f"/workloads?workspace={client.workspace}")
            assert answer.status == 403
