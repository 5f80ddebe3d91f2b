"""HTTP/1.1 without input or output: requests to bytes, bytes to answers.

The two transports only move bytes. A connection serves one request: it holds no state that a fork,
a thread or a restarted server could break.
"""

import http.client
import json
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

from rondo import errors
from rondo.version import __version__


class Body(Protocol):
    """Bytes with a length known before; iterating again starts again."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


class Endpoint(NamedTuple):
    secure: bool
    host: str
    port: int
    path: str

    @staticmethod
    def of(url: str) -> "Endpoint":
        """ValueError for what is no http or https URL, or has more in it than an address."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            raise ValueError(f"{url!r} is no URL; give one like http://localhost:8080") from None
        if parts.username is not None or parts.password is not None:
            raise ValueError("a URL is no place for a password; use RONDO_USER and RONDO_PASSWORD")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError(f"{url!r} is no URL; give one like http://localhost:8080")
        secure = parts.scheme == "https"
        return Endpoint(
            secure, parts.hostname, port or (443 if secure else 80), parts.path.rstrip("/")
        )


class Request(NamedTuple):
    """`repeatable` is what may be sent twice without harm."""

    method: str
    path: str
    headers: dict[str, str]
    body: Body | tuple[bytes, ...] = ()
    repeatable: bool = False

    def __repr__(self) -> str:
        return f"<{self.method} {self.path}>"  # headers and body may hold secrets

    def head(self, to: Endpoint) -> bytes:
        host = f"[{to.host}]" if ":" in to.host else to.host
        headers = {
            "Host": f"{host}:{to.port}",
            "User-Agent": f"rondo-sdk/{__version__}",
            "Accept": "application/json",
            "Connection": "close",
            **self.headers,
        }
        if self.method != "GET":
            headers["Content-Length"] = str(_length(self.body))
        lines = [f"{self.method} {to.path}{self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header must not contain a line break; check the token")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body of a success; else the error that it tells of."""
        if not 200 <= self.status < 300:
            raise self.error()
        found = self._decoded()
        if found is None and self.body:
            raise errors.ServerError("the answer is no JSON; is this Rondo's URL?", "no_json")
        return found

    def error(self) -> errors.RondoError:
        """What this tells of that is no success."""
        found = self._decoded()
        told: dict[str, Any] = found if isinstance(found, dict) else {}
        code = str(told.get("reason") or told.get("error") or "")
        message = str(told.get("msg") or told.get("error_description") or f"HTTP {self.status}")
        if code == "not_visible_yet" and told.get("id"):
            return errors.NotVisibleYet(message, str(told["id"]))
        return errors.of_status(self.status)(message, code, self.status)

    def _decoded(self) -> Any:
        """None for what is no JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


def post(path: str, body: object, headers: dict[str, str], repeatable: bool) -> Request:
    """JSON in; JSON is expected back."""
    sent = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    return Request("POST", path, headers, (sent,), repeatable)


def form(path: str, fields: dict[str, str]) -> Request:
    """A login: asking twice gives two tokens, which harms nobody."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", path, headers, (urlencode(fields).encode(),), repeatable=True)


def read(source: Any) -> Answer:
    """From a socket, or from anything else with `makefile`. Unavailable for a broken answer."""
    answer = begun(source)
    try:
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read())
    except http.client.HTTPException as error:
        raise broken(error) from error


def begun(source: Any) -> http.client.HTTPResponse:
    """An answer's `status` and whether it is `chunked`; its body can be read from it."""
    answer = http.client.HTTPResponse(source)
    try:
        answer.begin()
    except http.client.HTTPException as error:
        raise broken(error) from error
    return answer


def pieces(source: Any) -> Iterator[bytes]:
    """The body of a success as it comes; else the error that it tells of."""
    answer = begun(source)
    try:
        if answer.status != http.client.OK:
            raise Answer(answer.status, {}, answer.read()).error()
        while piece := answer.read1(1 << 16):
            yield piece
    except http.client.HTTPException as error:
        raise broken(error) from error


def broken(error: Exception) -> errors.Unavailable:
    return errors.Unavailable(f"the answer broke off: {error!r}", "broken_answer")


class Received:
    """All bytes of an answer, as something to `read` from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._data)


def _length(body: Body | Iterable[bytes]) -> int:
    return sum(map(len, body)) if isinstance(body, tuple) else len(body)  # type: ignore[arg-type]
