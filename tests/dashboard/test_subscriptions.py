"""Subscriptions: made, tried, paused and deleted; their secrets are shown once, URLs never."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.test_everybody import PHONE, serious
from tests.dashboard.visitor import Visitor

URL = "https://hooks.invalid/s3cr3t-in-the-path"


def fill(page: Page, visitor: Visitor, url: str = URL) -> None:
    page.goto(f"/subscriptions?workspace={visitor.workspace}")
    page.get_by_label("Name").fill("to the pager")
    page.get_by_label("URL").fill(url)
    page.get_by_text("Only some events, for webhooks").click()
    page.get_by_label("RunFinished").check()
    page.get_by_role("button", name="Create subscription").click()


def test_a_webhook_is_made_tried_paused_and_deleted(visitor: Visitor) -> None:
    page = visitor.page
    fill(page, visitor)
    secret = page.get_by_text(re.compile("^whsec_")).inner_text()
    assert URL not in page.content()
    visitor.shot("made")
    page.get_by_role("link", name="to the pager").click()
    expect(page.get_by_role("heading", name="to the pager")).to_be_visible()
    expect(page.get_by_text("hooks.invalid")).to_be_visible()
    expect(page.get_by_text("RunFinished")).to_be_visible()
    assert secret not in page.content()
    page.get_by_role("button", name="Send a ping").click()
    expect(page.get_by_text("Not delivered: can't connect")).to_be_visible()
    assert "s3cr3t" not in page.content()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Active")).to_be_visible()
    page.get_by_text("Delete this subscription…").click()
    page.get_by_role("button", name="Delete to the pager").click()
    expect(page.get_by_text("No subscriptions yet")).to_be_visible()


def test_what_is_wrong_is_said_and_the_rest_is_kept(visitor: Visitor) -> None:
    page = visitor.page
    fill(page, visitor, "http://10.0.0.1/")
    expect(page.get_by_role("alert")).to_contain_text("10.0.0.1 is an internal address")
    expect(page.get_by_label("Name")).to_have_value("to the pager")
    expect(page.get_by_label("RunFinished")).to_be_checked()


def test_a_subscriber_on_nats_is_told_how_to_connect(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"/subscriptions?workspace={visitor.workspace}")
    page.get_by_label("Name").fill("feed")
    page.get_by_label("Told to").select_option("nats")
    page.get_by_role("button", name="Create subscription").click()
    expect(page.get_by_text(re.compile("^nats://127.0.0.1:"))).to_be_visible()
    expect(page.get_by_text(re.compile("^_INBOX_"))).to_be_visible()


def test_no_barriers(visitor: Visitor) -> None:
    page = visitor.page
    fill(page, visitor)
    assert serious(page) == []
    page.get_by_role("link", name="to the pager").click()
    page.get_by_role("button", name="Send a ping").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == []
        visitor.shot(scheme)
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
