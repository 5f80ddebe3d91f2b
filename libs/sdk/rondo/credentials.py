"""Where the address and the login come from: arguments, environment, files."""

import base64
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rondo import signin

_SPARE = 10.0  # s: a token this close to its end is renewed first

HOW = (
    "set RONDO_URL, and RONDO_TOKEN or RONDO_USER and RONDO_PASSWORD (or WALLAROO_URL,"
    " WALLAROO_USER and WALLAROO_PASSWORD), or log in with `rondo login URL`;"
    " WALLAROO_SDK_AUTH_TYPE chooses the way"
)


class Password(NamedTuple):
    """A user's name, or email, and password."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Password({self.user!r}, ...)"


class Tokens(NamedTuple):
    """Expiries are seconds since 1970; a fixed token has neither expiry nor refresh token."""

    access_token: str
    expiry: float = float("inf")
    refresh_token: str = ""
    refresh_token_expiry: float = 0.0

    def __repr__(self) -> str:
        return "Tokens(...)"

    @staticmethod
    def of(answer: Mapping[str, Any]) -> "Tokens":
        """From the token endpoint's answer, which tells how long from now."""
        now = time.time()
        return Tokens(
            str(answer["access_token"]),
            now + float(answer["expires_in"]),
            str(answer["refresh_token"]),
            now + float(answer["refresh_expires_in"]),
        )

    @property
    def usable(self) -> bool:
        return time.time() + _SPARE < self.expiry

    @property
    def renewable(self) -> bool:
        return bool(self.refresh_token) and time.time() < self.refresh_token_expiry

    def claims(self) -> dict[str, Any]:
        """What the access token says of its user: `sub`, `email`. Not verified; that is not our
        part."""
        try:
            payload = self.access_token.split(".")[1]
            found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (IndexError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


Prompt = Callable[[str, str], None]  # shows a person where to sign in, and for which code


class TokenCache:
    """Tokens of `key` in a file that only its owner reads; without a key they are all of it."""

    def __init__(self, path: Path, key: str | None = None) -> None:
        self._path, self._key = path, key

    def load(self) -> Tokens | None:
        found = _read_json(self._path)
        kept = found.get("logins", {}).get(self._key) if self._key else found
        if not kept or "access_token" not in kept:
            return None
        return Tokens(**{name: kept[name] for name in Tokens._fields if name in kept})

    def store(self, tokens: Tokens, current: bool = False) -> None:
        """`current` makes it the login that is used when no address is given.

        A cache without a key is left as it is: somebody else's file.
        """
        if self._key is None:
            return
        found = _read_json(self._path)
        logins = {**found.get("logins", {}), self._key: tokens._asdict()}
        chosen = self._key if current else found.get("current", self._key)
        write_private(self._path, json.dumps({"current": chosen, "logins": logins}))

    def forget(self) -> None:
        found = _read_json(self._path)
        logins = {key: kept for key, kept in found.get("logins", {}).items() if key != self._key}
        write_private(
            self._path, json.dumps({"current": next(iter(logins), None), "logins": logins})
        )


class Credentials(NamedTuple):
    """What a login starts from: one of these, or a cache that a prompt fills."""

    password: Password | None = None
    cache: TokenCache | None = None
    tokens: Tokens | None = None
    prompt: Prompt | None = None


def given(login: Password | Tokens | None) -> Credentials | None:
    if isinstance(login, Password):
        return Credentials(login)
    return None if login is None else Credentials(tokens=login)


def url(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """`given`, or the environment's, or of the last `rondo login`; ValueError without any."""
    found = given or environment.get("RONDO_URL") or environment.get("WALLAROO_URL")
    found = found or _read_json(login_file(environment)).get("current")
    if not found:
        raise ValueError(f"api_endpoint: no address; {HOW}")
    return str(found).rstrip("/")


def find(
    auth_type: str | None, address: str, environment: Mapping[str, str] = os.environ
) -> Credentials:
    """By `auth_type`: orch, user_password, sso, token; else whatever there is. Tasks have one."""
    chosen = "orch" if environment.get("WALLAROO_TASK_ID") else (auth_type or "").lower()
    chosen = chosen or environment.get("WALLAROO_SDK_AUTH_TYPE", "").lower()
    match chosen:
        case "orch":
            return Credentials(cache=TokenCache(task_file(environment)))
        case "token":
            token = environment.get("RONDO_TOKEN") or _from_file(environment, "token")["token"]
            return Credentials(tokens=Tokens(token))
        case "user_password":
            return Credentials(password=_password(environment) or _password_from_file(environment))
        case "sso":
            cache = TokenCache(login_file(environment), address)
            return Credentials(cache=cache, prompt=signin.ask)
        case "":
            if token := environment.get("RONDO_TOKEN", ""):
                return Credentials(tokens=Tokens(token))
            if password := _password(environment):
                return Credentials(password)
            return Credentials(cache=TokenCache(login_file(environment), address))
    raise ValueError(f"auth_type: {chosen!r} is not one of user_password, sso, token, orch; {HOW}")


def _password(environment: Mapping[str, str]) -> Password | None:
    for prefix in ("RONDO", "WALLAROO"):
        user, password = environment.get(f"{prefix}_USER"), environment.get(f"{prefix}_PASSWORD")
        if user and password:
            return Password(user, password)
    return None


def _password_from_file(environment: Mapping[str, str]) -> Password:
    kept = _from_file(environment, "username", "password")
    return Password(kept["username"], kept["password"])


def _from_file(environment: Mapping[str, str], *fields: str) -> dict[str, str]:
    path = environment.get("WALLAROO_SDK_CREDENTIALS")
    if not path:
        raise ValueError(f"WALLAROO_SDK_CREDENTIALS: not set; {HOW}")
    kept = _read_json(Path(path))
    missing = [field for field in fields if not isinstance(kept.get(field), str)]
    if missing:
        raise ValueError(f"WALLAROO_SDK_CREDENTIALS: {path} needs {', '.join(missing)} as JSON")
    return {field: kept[field] for field in fields}


def task_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the platform leaves a task's tokens."""
    return _caches(environment) / "wallaroo_sdk" / "auth" / "keycloak.json"


def login_file(environment: Mapping[str, str] = os.environ) -> Path:
    return _caches(environment) / "rondo" / "logins.json"


def _caches(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _read_json(path: Path) -> dict[str, Any]:
    """Empty for a file that is not there or was not ours."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, for its owner's eyes from the first moment on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
