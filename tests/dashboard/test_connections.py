"""Connections: made, lent, taken back and deleted; their details are on no page."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.visitor import Visitor
from tests.platform import Api

PASSWORD = "hunter2-of-the-browser"
DETAILS = f'{{"host": "db.example", "password": "{PASSWORD}"}}'


def fill(page: Page, name: str, details: str = DETAILS) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Type").fill("POSTGRES")
    page.get_by_label("Details, as a JSON object").fill(details)
    page.get_by_role("button", name="Create connection").click()


def name_of(visitor: Visitor) -> str:
    return f"warehouse {visitor.workspace}"


def test_details_go_in_and_never_come_out(visitor: Visitor) -> None:
    page, name = visitor.page, name_of(visitor)
    page.goto(f"/connections?workspace={visitor.workspace}")
    fill(page, name)
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    assert PASSWORD not in page.content()
    expect(page.get_by_text("Sealed, never shown")).to_be_visible()
    visitor.shot("connection")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".events .what")).to_have_text(["ConnectionAttached", "ConnectionCreated"])
    assert "db.example" not in page.content()
    page.goto("/connections")
    row = page.get_by_role("row", name=re.compile(name))
    expect(row).to_contain_text("POSTGRES")
    assert PASSWORD not in page.content()

    async def details(client: Api) -> object:
        return (await client.post("connections/get", {"name": name}))["details"]

    assert visitor.do(details) == {"host": "db.example", "password": PASSWORD}


def test_lent_taken_back_and_deleted(visitor: Visitor) -> None:
    page, name = visitor.page, name_of(visitor)
    page.goto(f"/connections?workspace={visitor.workspace}")
    page.get_by_label("Attach it to").uncheck()
    fill(page, name)
    expect(page.get_by_text("None. Only who created it can read it.")).to_be_visible()
    page.get_by_label("Workspace", exact=True).select_option(str(visitor.workspace))
    page.get_by_role("button", name="Attach").click()
    page.get_by_role("button", name="Detach from").click()
    expect(page.get_by_text("None. Only who created it can read it.")).to_be_visible()
    page.get_by_text("Delete this connection…").click()
    page.get_by_role("button", name=f"Delete {name}").click()
    expect(page).to_have_url(re.compile("/connections$"))
    expect(page.get_by_role("row", name=re.compile(name))).to_have_count(0)


def test_what_is_wrong_is_said_and_the_rest_is_kept(visitor: Visitor) -> None:
    page, name = visitor.page, name_of(visitor)
    page.goto(f"/connections?workspace={visitor.workspace}")
    fill(page, name, '["no object"]')
    expect(page.get_by_role("alert")).to_contain_text("no JSON object")
    expect(page.get_by_label("Name")).to_have_value(name)
    fill(page, name)
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.goto("/connections")
    fill(page, name, f'{{"password": "{PASSWORD}"}}')
    expect(page.get_by_role("alert")).to_contain_text("exists already")
    assert PASSWORD not in page.content()
