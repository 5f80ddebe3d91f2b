"""Workspaces and who works in them; users; one's own account."""

import re
from uuid import uuid4

from playwright.sync_api import expect

from tests.dashboard.visitor import Visitor, sign_in
from tests.platform import Api


def nobody_yet() -> str:
    """An email that no user of the platform has, whatever other tests have made there."""
    return f"{uuid4()}@example.org"


def added(visitor: Visitor, email: str) -> str:
    """The password of a new user, as the page shows it once."""
    page = visitor.page
    page.goto("/users")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Add user").click()
    return page.locator(".notice .secret").inner_text()


def test_a_workspace_and_its_members(visitor: Visitor) -> None:
    page, email = visitor.page, nobody_yet()
    added(visitor, email)
    page.goto("/workspaces")
    page.get_by_label("Name").fill("the shared one")
    page.get_by_role("button", name="Create workspace").click()
    expect(page.get_by_role("heading", name="the shared one")).to_be_visible()
    expect(page.locator("header .workspace")).to_have_text("the shared one")
    page.get_by_label("Email").fill("nobody@example.org")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("no such user")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Add").click()
    member = page.get_by_role("row", name=re.compile(email))
    expect(member).to_contain_text("Collaborator")
    page.get_by_role("button", name=f"Make {email} owner").click()
    expect(member).to_contain_text("Owner")
    visitor.shot("members")
    page.get_by_role("button", name=f"Remove {email}").click()
    expect(member).to_have_count(0)
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("alert")).to_contain_text("last owner")


def test_a_user_is_added_disabled_and_let_in_again(visitor: Visitor) -> None:
    page, email = visitor.page, nobody_yet()
    password = added(visitor, email)
    page.reload()
    assert password not in page.content()
    theirs = visitor.open(storage_state=None)
    sign_in(theirs, email, password)
    expect(theirs.get_by_role("link", name="Users")).to_have_count(0)
    user = page.get_by_role("row", name=re.compile(email))
    page.get_by_role("button", name=f"Disable: {email}").click()
    expect(user).to_contain_text("Disabled")
    refused = visitor.open(storage_state=None)
    refused.goto("/signin")
    refused.get_by_label("Email").fill(email)
    refused.get_by_label("Password").fill(password)
    refused.get_by_role("button", name="Sign in").click()
    expect(refused.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name=f"Enable: {email}").click()
    page.get_by_role("button", name=f"New password: {email}").click()
    fresh = page.locator(".notice .secret").inner_text()
    assert fresh != password
    sign_in(visitor.open(storage_state=None), email, fresh)


def test_administrators_are_made_and_unmade(visitor: Visitor) -> None:
    page, email = visitor.page, nobody_yet()
    added(visitor, email)
    user = page.get_by_role("row", name=re.compile(email))
    page.get_by_role("button", name=f"Make admin: {email}").click()
    expect(user).to_contain_text("Administrator")
    page.get_by_role("button", name=f"Revoke admin: {email}").click()
    expect(user).not_to_contain_text("Administrator")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Add user").click()
    expect(page.get_by_role("alert")).to_contain_text("there is a user")


def test_a_token_is_shown_once_works_and_is_revoked(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"/account?workspace={visitor.workspace}")
    page.get_by_label("Name").fill("nightly sync")
    page.get_by_role("button", name="Make token").click()
    secret = page.locator(".notice .secret").inner_text()

    async def tasks(client: Api) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        body = {"workspace_id": visitor.workspace}
        path = "/v1/api/task/list"
        async with client.session.post(path, json=body, headers=headers) as answer:
            return answer.status

    assert visitor.do(tasks) == 200
    page.goto("/account")
    assert secret not in page.content()
    visitor.shot("account")
    page.get_by_role("button", name="Revoke nightly sync").click()
    expect(page.get_by_role("row", name=re.compile("nightly sync"))).to_contain_text("Revoked")
    assert visitor.do(tasks) == 401


def test_ones_own_password(visitor: Visitor) -> None:
    email, new = nobody_yet(), "another good one"
    password = added(visitor, email)
    page = visitor.open(storage_state=None)
    sign_in(page, email, password)
    page.goto("/account")
    page.get_by_label("Your password now").fill("wrong")
    page.get_by_label("New password").fill(new)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("not your password")
    page.get_by_label("Your password now").fill(password)
    page.get_by_label("New password").fill(new)
    page.get_by_role("button", name="Change password").click()
    page.wait_for_url(re.compile("/signin"))
    sign_in(page, email, new)
