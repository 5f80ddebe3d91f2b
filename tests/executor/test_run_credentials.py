"""The login that a run finds in its home."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from libs.domain.errors import Rejected
from libs.domain.task import Task
from libs.domain.values import Retry
from libs.runtoken.token import Grant, RunTokens, is_one
from services.executor.backend import RunSpec
from services.executor.run_credentials import PATH, login
from tests.api.service import new_key

DAY = 24 * 3600
NOW = 1_800_000_000.0
KEY = new_key()
TOKENS = RunTokens(KEY, "http://rondo.example.org/", clock=lambda: NOW)


def task(timeout: int | None) -> Task:
    at = datetime.now(UTC)
    return Task(
        id=uuid4(),
        workspace=7,
        owner=str(uuid4()),
        orchestration=uuid4(),
        kind="once",
        name=None,
        arguments={},
        timeout=timeout,
        debug=False,
        schedule=None,
        retry=Retry(),
        status="started",
        created_at=at,
        updated_at=at,
    )


def cache(of: Task) -> dict[str, Any]:
    (content,) = login(TOKENS, of, uuid4()).values()
    found: dict[str, Any] = msgspec.json.decode(content)
    return found


def at(seconds: float) -> RunTokens:
    """The API's tokens so long after."""
    return RunTokens(KEY, "http://elsewhere", clock=lambda: NOW + seconds)


def test_it_says_who_acts_where() -> None:
    order, run = task(600), uuid4()
    files = login(TOKENS, order, run)
    assert files.keys() == {PATH}
    found = msgspec.json.decode(files[PATH])
    assert found["user_id"] == order.owner
    assert found["user_email"].startswith(order.owner)
    claims = TOKENS.claims(found["access_token"], "Run")
    assert claims.iss == "http://rondo.example.org/auth/realms/master"
    assert (str(claims.sub), claims.workspace) == (order.owner, 7)
    assert (claims.task, claims.run) == (order.id, run)
    assert TOKENS.claims(found["refresh_token"], "RunRefresh").grant == claims.grant


def test_it_outlives_the_timeout_by_an_hour() -> None:
    found = cache(task(600))
    assert found["expiry"] == found["refresh_token_expiry"] == NOW + 600 + 3600
    at(600 + 3599).claims(found["access_token"], "Run")
    with pytest.raises(Rejected, match="has expired"):
        at(600 + 3600).claims(found["access_token"], "Run")


def test_without_a_timeout_it_is_good_for_a_day_and_can_be_renewed_for_a_year() -> None:
    found = cache(task(None))
    assert found["expiry"] == NOW + DAY
    with pytest.raises(Rejected, match="has expired"):
        at(DAY).claims(found["access_token"], "Run")
    at(365 * DAY).claims(found["refresh_token"], "RunRefresh")


def test_a_spec_shows_no_login() -> None:
    order = task(600)
    files = login(TOKENS, order, uuid4())
    spec = RunSpec(uuid4(), order.id, 0, "base", "code.zip", "main.py", files=files)
    assert "keycloak" not in repr(spec)
    assert "PRIVATE" not in repr(TOKENS)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (TOKENS.sign(Grant(str(uuid4()), 7, uuid4(), uuid4()), "Run", "a@b.c", int(NOW)), True),
        ("eyJraWQiOiJhbm90aGVyIn0.e30.x", False),
        ("eyJraWQiOjF9.e30.x", False),  # a number for a name
        ("W1tb" * 3000 + ".e30.x", False),  # deep
        ("é.e30.x", False),
        ("", False),
    ],
)
def test_a_runs_token_is_told_from_others(token: str, expected: bool) -> None:
    assert is_one(token) is expected
