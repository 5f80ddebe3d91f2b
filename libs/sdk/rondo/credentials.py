"""Where the address and the login come from: arguments, environment, files."""

import base64
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rondo import signin

_RENEW_BEFORE_SECONDS = 10.0  # a token this close to its end is renewed first

LOGIN_HELP = (
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
    """An access token, and how to renew it.

    Expiries are seconds since 1970. A fixed token never expires here, and has no refresh token.
    """

    access_token: str
    expiry: float = float("inf")
    refresh_token: str = ""
    refresh_token_expiry: float = 0.0

    def __repr__(self) -> str:
        return "Tokens(...)"

    @staticmethod
    def of(answer: Mapping[str, Any]) -> "Tokens":
        """Tokens from the answer of the token endpoint, which counts seconds from now."""
        now = time.time()
        return Tokens(
            str(answer["access_token"]),
            now + float(answer["expires_in"]),
            str(answer["refresh_token"]),
            now + float(answer["refresh_expires_in"]),
        )

    @property
    def usable(self) -> bool:
        """Whether the access token is good for ten seconds more."""
        return time.time() + _RENEW_BEFORE_SECONDS < self.expiry

    @property
    def renewable(self) -> bool:
        """Whether the refresh token is still good."""
        return bool(self.refresh_token) and time.time() < self.refresh_token_expiry

    def claims(self) -> dict[str, Any]:
        """What the access token says about its user: `sub`, `email`. Nothing is verified.

        Empty when the token is not a JWT.
        """
        try:
            payload = self.access_token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (IndexError, ValueError):
            return {}
        return claims if isinstance(claims, dict) else {}


Prompt = Callable[[str, str], None]  # shows a person where to sign in, and for which code


class TokenCache:
    """Tokens in a JSON file that only its owner can read.

    `key` is the address of a platform, since the file of `rondo login` holds several logins. The
    file of a task holds one login and needs no key.
    """

    def __init__(self, path: Path, key: str | None = None) -> None:
        self._path, self._key = path, key

    def load(self) -> Tokens | None:
        """The tokens in the file, or None."""
        content = _read_json(self._path)
        login = content.get("logins", {}).get(self._key) if self._key else content
        if not login or "access_token" not in login:
            return None
        return Tokens(**{name: login[name] for name in Tokens._fields if name in login})

    def store(self, tokens: Tokens, current: bool = False) -> None:
        """Write tokens to the file. `current` makes them the login without an address.

        A file without a key is left alone: the platform writes it.
        """
        if self._key is None:
            return
        content = _read_json(self._path)
        logins = {**content.get("logins", {}), self._key: tokens._asdict()}
        chosen = self._key if current else content.get("current", self._key)
        write_private(self._path, json.dumps({"current": chosen, "logins": logins}))

    def forget(self) -> None:
        """Remove the tokens from the file."""
        logins = _read_json(self._path).get("logins", {})
        logins = {key: login for key, login in logins.items() if key != self._key}
        write_private(
            self._path, json.dumps({"current": next(iter(logins), None), "logins": logins})
        )


class Credentials(NamedTuple):
    """What to log in with: one of these, or a cache that a prompt fills."""

    password: Password | None = None
    cache: TokenCache | None = None
    tokens: Tokens | None = None
    prompt: Prompt | None = None


def of_login(login: Password | Tokens | None) -> Credentials | None:
    """The credentials of the argument `login`, or None without one."""
    if isinstance(login, Password):
        return Credentials(login)
    return None if login is None else Credentials(tokens=login)


def url(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The address of the platform, without a slash at its end.

    It is `given`, or that of the environment, or that of the last `rondo login`. Raises ValueError
    when there is none.
    """
    address = given or environment.get("RONDO_URL") or environment.get("WALLAROO_URL")
    address = address or _read_json(login_file(environment)).get("current")
    if not address:
        raise ValueError(f"api_endpoint: no address; {LOGIN_HELP}")
    return str(address).rstrip("/")


def find(
    auth_type: str | None, address: str, environment: Mapping[str, str] = os.environ
) -> Credentials:
    """The credentials for `auth_type`: orch, user_password, sso or token; by default any.

    A task always uses its own. Raises ValueError for any other type, and when a part is missing.
    """
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
    raise ValueError(
        f"auth_type: {chosen!r} is not one of user_password, sso, token, orch; {LOGIN_HELP}"
    )


def _password(environment: Mapping[str, str]) -> Password | None:
    for prefix in ("RONDO", "WALLAROO"):
        user, password = environment.get(f"{prefix}_USER"), environment.get(f"{prefix}_PASSWORD")
        if user and password:
            return Password(user, password)
    return None


def _password_from_file(environment: Mapping[str, str]) -> Password:
    fields = _from_file(environment, "username", "password")
    return Password(fields["username"], fields["password"])


def _from_file(environment: Mapping[str, str], *fields: str) -> dict[str, str]:
    path = environment.get("WALLAROO_SDK_CREDENTIALS")
    if not path:
        raise ValueError(f"WALLAROO_SDK_CREDENTIALS: not set; {LOGIN_HELP}")
    content = _read_json(Path(path))
    missing = [field for field in fields if not isinstance(content.get(field), str)]
    if missing:
        raise ValueError(f"WALLAROO_SDK_CREDENTIALS: {path} needs {', '.join(missing)} as JSON")
    return {field: content[field] for field in fields}


def task_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The file where the platform puts the tokens of a task."""
    return _caches(environment) / "wallaroo_sdk" / "auth" / "keycloak.json"


def login_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The file where `rondo login` keeps its logins."""
    return _caches(environment) / "rondo" / "logins.json"


def _caches(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _read_json(path: Path) -> dict[str, Any]:
    """Empty when the file does not exist or holds no JSON object."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all; from the start only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
