"""The platform's page: what is there, and events that a reaction gave up on."""

import re

import tzdata
from playwright.sync_api import expect

from libs.domain.events import OrchestrationUploaded
from libs.eventlog import dead_letters
from libs.eventlog.dead_letters import DeadLetter
from tests.dashboard.visitor import HELLO, Visitor
from tests.platform import SERVICES, Api


async def give_up(visitor: Visitor, client: Api, reaction: str) -> int:
    """As a reaction does that has tried for too long; gives the event's place."""
    orchestration = await client.ready(HELLO, "stuck")
    (event,) = (
        fact
        for fact in await visitor.platform.events()
        if fact.stream.id == orchestration and isinstance(fact.event, OrchestrationUploaded)
    )
    note = DeadLetter(
        reaction=reaction,
        seq=event.seq,
        subject=event.stream.subject,
        error="OSError('disk full')",
        type="OrchestrationUploaded",
    )
    async with visitor.platform.nats() as nats:
        await dead_letters.put(nats, note)
    return event.seq


def test_who_is_there_and_how_far(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/platform")
    services = page.get_by_role("table", name="Services")
    for name in SERVICES:
        expect(services.get_by_role("row", name=re.compile(name))).not_to_have_count(0)
    assert services.get_by_role("cell", name=tzdata.IANA_VERSION).count() >= len(SERVICES)
    expect(page.locator(".figures", has_text="Slots in use")).to_contain_text(re.compile(r"of \d"))
    expect(page.get_by_role("table", name="Projections")).to_contain_text("views")
    expect(page.get_by_role("table", name="Streams")).to_contain_text("EVENTS")
    expect(page.get_by_role("table", name="Reactions")).to_contain_text("packager")
    visitor.shot("platform")


def test_parked_events_are_tried_again_or_discarded(visitor: Visitor) -> None:
    page = visitor.page
    first = visitor.do(lambda client: give_up(visitor, client, "packager"))
    second = visitor.do(lambda client: give_up(visitor, client, "packager"))
    page.goto("/platform")
    expect(page.locator(".alarm")).to_contain_text("2")
    row = page.get_by_role("row", name=re.compile(f"OrchestrationUploaded {first}"))
    expect(row).to_contain_text("disk full")
    visitor.shot("parked")
    row.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("was handled")
    expect(row).to_have_count(0)
    other = page.get_by_role("row", name=re.compile(f"OrchestrationUploaded {second}"))
    other.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("status")).to_contain_text("discarded")
    expect(page.get_by_role("table", name="Parked events")).to_have_count(0)
