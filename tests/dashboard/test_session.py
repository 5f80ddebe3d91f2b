"""Signing in and out, and what a browser's session is good for."""

from uuid import uuid4

import pytest

from tests.dashboard.people import PASSWORD, anybody, new_user, signed_in
from tests.platform import Platform, api

COOKIE = "rondo_session"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self';"


async def test_the_cookie_is_for_http_alone_and_for_our_own_pages(platform: Platform) -> None:
    async with anybody(platform) as person:
        answer = await person.sign_in(platform.access["user"], platform.access["password"])
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith(COOKIE)
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


async def test_pages_forbid_what_they_do_not_need(platform: Platform) -> None:
    async with signed_in(platform) as person:
        for path in ("/workloads", "/nothing-there"):
            headers = (await person.ask("GET", path)).headers
            assert headers["Content-Security-Policy"].startswith(POLICY)
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"


async def test_who_is_not_signed_in_is_asked_to_and_comes_back(platform: Platform) -> None:
    async with anybody(platform) as person:
        answer = await person.ask("GET", "/workloads?search=a%26b")
        assert answer.status == 303
        assert answer.headers["Location"] == "/signin?next=%2Fworkloads%3Fsearch%3Da%2526b"
        page = await person.ask("GET", answer.headers["Location"])
        assert 'value="/workloads?search=a%26b"' in page.text
        answer = await person.sign_in(
            platform.access["user"], platform.access["password"], "/workloads?search=a%26b"
        )
        assert answer.headers["Location"] == "/workloads?search=a%26b"


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"]
)
async def test_nobody_is_sent_elsewhere(platform: Platform, elsewhere: str) -> None:
    async with anybody(platform) as person:
        access = platform.access
        answer = await person.sign_in(access["user"], access["password"], elsewhere)
        assert answer.headers["Location"] == "/"


async def test_a_wrong_password_says_so_and_too_many_have_to_wait(platform: Platform) -> None:
    name = f"{uuid4()}@example.org"
    await new_user(platform, name)
    async with anybody(platform) as person:
        statuses = [(await person.sign_in(name, "no")).status for _ in range(6)]
        assert statuses[:5] == [401] * 5
        assert statuses[5] == 429
        answer = await person.sign_in(name, PASSWORD)
        assert answer.status == 429
        assert "try again in" in answer.text
        assert COOKIE not in answer.headers.get("Set-Cookie", "")


async def test_the_form_must_be_ours(platform: Platform) -> None:
    access = platform.access
    fields = {"username": access["user"], "password": access["password"]}
    async with anybody(platform) as person:
        assert (await person.ask("POST", "/signin", data=fields)).status == 403
        await person.ask("GET", "/signin")
        forged = {**fields, "csrf": "a" * 43}
        assert (await person.ask("POST", "/signin", data=forged)).status == 403


async def test_signing_out_ends_the_session_itself(platform: Platform) -> None:
    async with signed_in(platform) as person, anybody(platform) as thief:
        thief.pass_ = person.pass_
        assert (await thief.ask("GET", "/workloads")).status == 200
        answer = await person.send("/signout")
        assert (answer.status, answer.headers["Location"]) == (303, "/signin")
        assert (await person.ask("GET", "/workloads")).status == 303
        assert (await thief.ask("GET", "/workloads")).status == 303


async def test_another_password_ends_it_too(platform: Platform) -> None:
    email = f"{uuid4()}@example.org"  # it has another password from here on
    id = await new_user(platform, email)
    async with signed_in(platform, email) as person:
        assert (await person.ask("GET", "/workloads")).status == 200
        async with api(platform, "people") as client:
            await client.post("users/reset_password", {"id": id, "password": PASSWORD + "!"})
        assert (await person.ask("GET", "/workloads")).status == 303


async def test_forms_without_the_token_or_from_elsewhere_do_nothing(platform: Platform) -> None:
    async with signed_in(platform) as person:
        assert (await person.ask("POST", "/signout")).status == 403
        assert (await person.ask("POST", "/signout", data={"csrf": "0" * 64})).status == 403
        good = {"csrf": person.csrf}
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            answer = await person.ask("POST", "/signout", data=good, headers=headers)
            assert answer.status == 403
        assert (await person.ask("GET", "/workloads")).status == 200
        same = {"Origin": platform.access["url"], "Sec-Fetch-Site": "same-origin"}
        assert (await person.ask("POST", "/signout", data=good, headers=same)).status == 303


async def test_a_form_of_another_session_does_nothing(platform: Platform) -> None:
    async with signed_in(platform) as one, signed_in(platform) as other:
        assert (await one.send("/signout", {"csrf": other.csrf})).status == 403


async def test_the_theme_is_kept(platform: Platform) -> None:
    async with signed_in(platform) as person:
        answer = await person.send("/theme", {"theme": "dark", "back": "/workloads?search=x"})
        assert answer.headers["Location"] == "/workloads?search=x"
        assert 'data-theme="dark"' in (await person.ask("GET", "/workloads")).text
        await person.send("/theme", {"theme": '"><script>', "back": "//evil.example"})
        assert 'data-theme="system"' in (await person.ask("GET", "/workloads")).text


@pytest.mark.parametrize("path", ["/signin", "/theme", "/workloads"])
@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
    ],
)
async def test_what_is_no_form_is_refused(platform: Platform, path: str, kind: str) -> None:
    async with signed_in(platform) as person:
        for body in (b"", b"\xff\xfe", b"--x\r\n", b"csrf=%ED%A0%80"):
            headers = {"Content-Type": kind}
            answer = await person.ask("POST", path, data=body, headers=headers)
            assert answer.status == 403


async def test_names_are_text_and_nothing_else(platform: Platform) -> None:
    name = "<script>alert(1)</script>\"'{{ 7 * 7 }}"
    async with api(platform, name) as client, signed_in(platform) as person:
        await client.ready({"main.py": ""}, name)
        page = await person.ask("GET", f"/workloads?workspace={client.workspace}")
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;{{ 7 * 7 }}" in page.text
