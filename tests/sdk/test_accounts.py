"""Users and the tokens of programs, from scripts and from the command line."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from rondo import Account, AsyncClient, Client, Password, ServiceToken, Tokens
from rondo.errors import AuthError, Conflict, EntityNotFoundError, Forbidden, TokenFetchError

from tests.platform import Platform
from tests.sdk.conftest import Rondo, decoded

NOBODY = "nobody@example.org"


@pytest.fixture
def email() -> str:
    return f"ada+{uuid4().hex}@example.org"


@pytest.fixture
def as_user(platform: Platform) -> Callable[[str, str | None], Client]:
    """A client that logs in as somebody."""

    def made(email: str, password: str | None) -> Client:
        return Client(platform.access["url"], login=Password(email, password or ""))

    return made


def test_somebody_comes_and_goes(
    client: Client, as_user: Callable[[str, str | None], Client], email: str
) -> None:
    ada = client.invite_user(email)
    assert (ada.email(), ada.enabled(), ada.admin()) == (email, True, False)
    assert as_user(email, ada.password()).auth.user_id() == ada.id()
    again = client.invite_user(email)
    assert (again.id(), again.password()) == (ada.id(), None)
    assert not client.deactivate_user(email).enabled()
    with pytest.raises(TokenFetchError):
        as_user(email, ada.password()).auth.user_id()
    assert client.activate_user(email).enabled()
    reset = client.reset_password(email, "a better one")
    assert reset.password() is None
    assert as_user(email, "a better one").auth.user_email() == email


def test_ones_own_password(
    client: Client, as_user: Callable[[str, str | None], Client], email: str
) -> None:
    first = str(client.create_user(email).password())
    ada, elsewhere = as_user(email, first), as_user(email, first)
    assert (ada.whoami().email(), elsewhere.whoami().email()) == (email, email)
    with pytest.raises(Forbidden, match="current"):
        ada.change_password("not mine", "a better one")
    assert ada.change_password(first, "a better one").email() == email
    assert ada.whoami().id() == ada.auth.user_id()
    with pytest.raises(AuthError):
        elsewhere.whoami()
    assert as_user(email, "a better one").whoami().email() == email


def test_looking_for_people(client: Client, email: str) -> None:
    made = client.create_user(email, "long enough")
    found = client.get_user_by_email(email)
    assert found is not None
    assert found.to_json() == made.to_json()
    assert client.get_email_by_id(made.id()) == email
    users = client.list_users()
    assert [user.email() for user in users] == sorted(user.email() for user in users)
    assert found.id() in {user.id() for user in users}
    assert f"<td>{email}</td>" in users._repr_html_()
    assert client.get_user_by_email(NOBODY) is None
    with pytest.raises(EntityNotFoundError):
        client.get_email_by_id(str(uuid4()))


def test_what_is_refused(
    client: Client, as_user: Callable[[str, str | None], Client], email: str
) -> None:
    client.create_user(email, "long enough")
    with pytest.raises(Conflict):
        client.create_user(email)
    with pytest.raises(EntityNotFoundError, match="email: there is no user"):
        client.deactivate_user(NOBODY)
    ada = as_user(email, "long enough")
    with pytest.raises(Forbidden):
        ada.set_admin(email)
    assert client.set_admin(email).admin()
    assert not ada.set_admin(email, False).admin()
    with pytest.raises(Forbidden):
        ada.invite_user(NOBODY)


async def test_the_same_with_asyncio(async_client: AsyncClient, email: str) -> None:
    made = await async_client.create_user(email)
    found = await async_client.get_user_by_email(email)
    assert found is not None
    assert found.id() == made.id()
    here = await async_client.get_current_workspace()
    token = await async_client.create_token("async", [here])
    assert token.id() in {one.id() for one in await async_client.list_tokens()}
    assert (await async_client.revoke_token(token.id())).revoked()


def test_a_token_of_a_program(client: Client, platform: Platform) -> None:
    here = client.get_current_workspace()
    token = client.create_token("ci", [here], days=1)
    program = Client(platform.access["url"], login=Tokens(token.secret() or ""))
    assert [one.id() for one in program.list_workspaces()] == [here.id()]
    assert program.get_current_workspace().id() == here.id()
    both = client.create_token("both", [here, client.create_workspace(f"sdk-{uuid4().hex}")])
    undecided = Client(platform.access["url"], login=Tokens(both.secret() or ""))
    with pytest.raises(ValueError, match="has several"):
        undecided.get_current_workspace()
    assert client.revoke_token(token.id()).revoked()
    assert client.revoke_token(token.id()).revoked()
    with pytest.raises(AuthError):
        program.list_workspaces()
    with pytest.raises(EntityNotFoundError):
        client.revoke_token(str(uuid4()))


def test_secrets_show_nowhere() -> None:
    account = {"id": "1", "email": "e", "username": "u", "enabled": True, "admin": False}
    token: dict[str, object] = {
        "id": "1",
        "name": "n",
        "workspaces": [],
        "expires_at": None,
        "revoked_at": None,
    }
    then = "2026-01-01T00:00:00Z"
    made = Account({**account, "createdTimestamp": 0, "password": "hunter2"})
    for shown in (made, ServiceToken({**token, "created_at": then, "secret": "hunter2"})):
        assert "hunter2" not in repr(shown) + shown._repr_html_() + json.dumps(shown.to_json())


def test_users_by_command(
    rondo: Rondo, as_user: Callable[[str, str | None], Client], email: str
) -> None:
    made = decoded(rondo("users", "add", email, "--admin", "--json"))
    assert made["admin"] is True
    assert as_user(email, made["password"]).auth.user_id() == made["id"]
    assert rondo("users", "add", email).returncode == 4
    assert email in rondo("users").stdout
    assert made["password"] not in rondo("users", "--json").stdout
    assert decoded(rondo("users", "disable", email, "--json"))["enabled"] is False
    assert decoded(rondo("users", "enable", email, "--json"))["enabled"] is True
    assert decoded(rondo("users", "admin", email, "--revoke", "--json"))["admin"] is False
    password = rondo("users", "reset-password", email, "-q").stdout.strip()
    assert as_user(email, password).auth.user_id() == made["id"]
    given = rondo("users", "reset-password", email, "--password-file", "-", stdin="my own one\n")
    assert given.returncode == 0, given.stderr
    assert "my own one" not in given.stdout
    mine = {"RONDO_USER": email, "RONDO_PASSWORD": "my own one"}
    assert rondo("users", "add", NOBODY, **mine).returncode == 4
    assert rondo("users", "disable", NOBODY).returncode == 3
    assert rondo("users", "disable").returncode == 2


def test_ones_own_password_by_command(client: Client, rondo: Rondo, email: str) -> None:
    """Whoever is logged in stays so."""
    first = str(client.create_user(email).password())
    bare = {"RONDO_USER": "", "RONDO_PASSWORD": ""}
    assert rondo("login", "--user", email, stdin=first, **bare).returncode == 0
    assert decoded(rondo("whoami", "--json", **bare))["email"] == email
    assert rondo("password", stdin="one line\n", **bare).returncode == 2
    assert rondo("password", stdin="not mine\na better one\n", **bare).returncode == 4
    done = rondo("password", stdin=f"{first}\na better one\n", **bare)
    assert done.returncode == 0, done.stderr
    assert "a better one" not in done.stdout + done.stderr
    assert rondo("whoami", "--quiet", **bare).returncode == 0
    assert rondo("login", "--user", email, stdin=first, **bare).returncode == 4


def test_tokens_by_command(rondo: Rondo) -> None:
    made = rondo("tokens", "create", "ci", "--days", "7")
    assert "shown this once" in made.stdout, made.stderr
    secret = made.stdout.splitlines()[-1]
    assert rondo("users", "--json", RONDO_TOKEN=secret).returncode == 4
    (workspace,) = decoded(rondo("workspaces", "--json", RONDO_TOKEN=secret))
    assert workspace["name"].startswith("cli-")
    listed = rondo("tokens", "--json")
    assert secret not in listed.stdout
    mine = [one for one in decoded(listed) if one["workspaces"] == [workspace["id"]]]
    assert [one["name"] for one in mine] == ["ci"]
    assert decoded(rondo("tokens", "revoke", mine[0]["id"], "--json"))["revoked_at"]
    assert rondo("tokens", "revoke", str(uuid4())).returncode == 3
    assert rondo("tokens", "revoke").returncode == 2
    assert rondo("tokens", "create").returncode == 2
