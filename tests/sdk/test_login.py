"""Where a client finds the platform and its login, and how long that lasts."""

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from rondo import Client, Password, Tokens, in_task, task_args
from rondo.auth import Auth
from rondo.credentials import Credentials, TokenCache, login_file, task_file
from rondo.errors import AuthError, TokenFetchError, TokenRefreshError
from rondo.http_messages import Endpoint, Request
from rondo.http_transport import Transport

from tests.platform import Platform

Environment = dict[str, str]


@pytest.fixture
def bare(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment that says nothing of a platform, and what it said before."""
    for name in ("RONDO_URL", "RONDO_USER", "RONDO_PASSWORD"):
        monkeypatch.delenv(name)
    return environment


def _tokens(platform: Platform, login: Password) -> Tokens:
    transport = Transport(Endpoint.of(platform.access["url"]), 30)
    return Auth(transport, Credentials(login)).tokens()


def test_everything_from_the_environment(environment: Environment) -> None:
    client = Client()
    assert client.api_endpoint == environment["RONDO_URL"]
    assert client.auth.user_email() == environment["RONDO_USER"]
    assert client.auth.auth_header()["Authorization"].startswith("Bearer ")


def test_the_names_of_the_other_sdk(bare: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALLAROO_URL", bare["RONDO_URL"] + "/")
    monkeypatch.setenv("WALLAROO_SDK_AUTH_TYPE", "USER_PASSWORD")
    with pytest.raises(ValueError, match="WALLAROO_SDK_CREDENTIALS"):
        Client()
    monkeypatch.setenv("WALLAROO_USER", bare["RONDO_USER"])
    monkeypatch.setenv("WALLAROO_PASSWORD", bare["RONDO_PASSWORD"])
    client = Client()
    assert client.api_endpoint == bare["RONDO_URL"]
    assert len(client.list_workspaces()) > 0


@pytest.mark.parametrize("auth_type", ["user_password", "token"])
def test_a_file_with_the_login(
    auth_type: str,
    bare: Environment,
    platform: Platform,
    login: Password,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = _tokens(platform, login).access_token
    kept = {"username": login.user, "password": login.password, "token": token}
    (tmp_path / "login.json").write_text(json.dumps(kept))
    monkeypatch.setenv("WALLAROO_SDK_CREDENTIALS", str(tmp_path / "login.json"))
    client = Client(bare["RONDO_URL"], auth_type=auth_type)
    assert len(client.list_workspaces()) > 0
    (tmp_path / "login.json").write_text("{}")
    with pytest.raises(ValueError, match="needs"):
        Client(bare["RONDO_URL"], auth_type=auth_type)


def test_nothing_to_go_by_is_said_at_once(bare: Environment) -> None:
    with pytest.raises(ValueError, match=r"api_endpoint: no address; set RONDO_URL"):
        Client()
    with pytest.raises(ValueError, match="auth_type: 'none'"):
        Client("http://localhost:1", auth_type="none")
    for wrong in ("localhost:8080", "ftp://here", "http://", "http://here:port"):
        with pytest.raises(ValueError, match="no URL"):
            Client(wrong)
    with pytest.raises(ValueError, match="no place for a password") as refused:
        Client("http://me:hunter2@here")
    assert "hunter2" not in str(refused.value)
    with pytest.raises(AuthError, match="not logged in"):
        Client(bare["RONDO_URL"]).list_workspaces()


def test_a_wrong_password(platform: Platform) -> None:
    client = Client(platform.access["url"], login=Password("nobody@nowhere", "wrong"))
    with pytest.raises(TokenFetchError) as refused:
        client.list_workspaces()
    assert (refused.value.code, refused.value.status) == ("invalid_grant", 401)


def test_a_login_is_renewed_and_kept(
    bare: Environment, platform: Platform, login: Password
) -> None:
    fresh, url = _tokens(platform, login), platform.access["url"]
    cache = TokenCache(login_file(), url)
    cache.store(fresh._replace(access_token="long.gone.token", expiry=time.time()), current=True)
    assert len(Client().list_workspaces()) > 0
    renewed = cache.load()
    assert renewed is not None
    assert renewed.expiry > time.time() + 60
    mode = stat.S_IMODE(login_file().stat().st_mode)
    assert mode == stat.S_IRUSR | stat.S_IWUSR
    cache.store(renewed._replace(expiry=0.0, refresh_token="not ours"))
    with pytest.raises(TokenRefreshError):
        Client().list_workspaces()
    cache.forget()
    with pytest.raises(ValueError, match="no address"):
        Client()


def test_inside_a_task(
    bare: Environment, platform: Platform, login: Password, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task's file is its login, whatever else there is, and stays as it is."""
    tokens: dict[str, Any] = _tokens(platform, login)._replace(expiry=0.0)._asdict()
    task_file().parent.mkdir(parents=True)
    task_file().write_text(json.dumps({**tokens, "user_id": "u", "user_email": "e"}))
    before = task_file().read_bytes()
    monkeypatch.setenv("WALLAROO_TASK_ID", "a-task")
    monkeypatch.setenv("WALLAROO_URL", bare["RONDO_URL"])
    client = Client(auth_type="user_password")
    assert client.in_task()
    assert len(client.list_workspaces()) > 0
    assert task_file().read_bytes() == before


def test_arguments_of_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_task()
    with pytest.raises(FileNotFoundError, match="for tasks"):
        task_args()
    monkeypatch.setenv("WALLAROO_TASK_ID", "a-task")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "arguments.json").write_text('{"dogs": 3.9}')
    assert in_task()
    assert task_args() == {"dogs": 3.9}


def test_secrets_show_nowhere() -> None:
    tokens = Tokens("secret-access", 0.0, "secret-refresh", 0.0)
    request = Request("POST", "/path", {"Authorization": "Bearer secret-access"}, (b"secret",))
    client = Client("http://localhost:1", login=Password("me", "secret"))
    credentials = Credentials(Password("me", "secret"), None, tokens)
    for shown in (tokens, request, client, credentials, client.session.__dict__):
        assert "secret" not in repr(shown), type(shown)


def test_a_line_break_can_not_smuggle_headers() -> None:
    client = Client("http://localhost:1", login=Tokens("a\r\nX-Other: b"))
    with pytest.raises(ValueError, match="line break"):
        client.list_workspaces()


def test_an_umask_does_not_open_the_file(bare: Environment, platform: Platform) -> None:
    old = os.umask(0)
    try:
        TokenCache(login_file(), "http://x").store(Tokens("t"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(login_file().stat().st_mode) == 0o600
