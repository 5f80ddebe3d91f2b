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
    """Bytes whose number is known before they are read; iterating again starts again."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


class Endpoint(NamedTuple):
    """The address of a platform. `path` has no slash at its end, and is mostly empty."""

    secure: bool
    host: str
    port: int
    path: str

    @staticmethod
    def of(url: str) -> "Endpoint":
        """The endpoint of a URL.

        Raises ValueError when it is no http or https URL, or has more in it than an address.
        """
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
    """A request. A `repeatable` one may be sent twice without harm.

    `timeout` is how many seconds each wait on the other side may take; 0 is as the client is set.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Body | tuple[bytes, ...] = ()
    repeatable: bool = False
    timeout: float = 0.0

    def __repr__(self) -> str:
        return f"<{self.method} {self.path}>"  # headers and body may hold secrets

    def head(self, to: Endpoint) -> bytes:
        """The request line and the headers, with the empty line after them.

        Raises ValueError when a line would hold a line break.
        """
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
    """An answer. The names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def successful(self) -> "Answer":
        """Itself. Raises the error that any other answer stands for."""
        if not 200 <= self.status < 300:
            raise self.error()
        return self

    def json(self) -> Any:
        """The body of a success, decoded.

        Raises the error that any other answer stands for, and ServerError when a success has no
        JSON.
        """
        value = self.successful()._decoded()
        if value is None and self.body:
            raise errors.ServerError("the answer is no JSON; is this Rondo's URL?", "no_json")
        return value

    def error(self) -> errors.RondoError:
        """The error that this answer stands for."""
        value = self._decoded()
        fields: dict[str, Any] = value if isinstance(value, dict) else {}
        if "source" in fields:  # the shape of engines has its text where others have a code
            return errors.of_status(self.status)(str(fields["error"]), "inference", self.status)
        code = str(fields.get("reason") or fields.get("error") or "")
        message = str(fields.get("msg") or fields.get("error_description") or f"HTTP {self.status}")
        if code == "not_visible_yet" and fields.get("id"):
            return errors.NotVisibleYet(message, str(fields["id"]))
        return errors.of_status(self.status)(message, code, self.status)

    def _decoded(self) -> Any:
        """None when the body is no JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


def json_request(path: str, body: object, headers: dict[str, str], repeatable: bool) -> Request:
    """A POST of JSON."""
    headers = {"Content-Type": "application/json", **headers}
    return Request("POST", path, headers, (json.dumps(body).encode(),), repeatable)


def form_request(path: str, fields: dict[str, str]) -> Request:
    """A POST of a form, for a login. It is repeatable: two tokens harm nobody."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", path, headers, (urlencode(fields).encode(),), repeatable=True)


def read_answer(source: Any) -> Answer:
    """The answer that a socket, or anything else with `makefile`, gives.

    Raises Unavailable when it breaks off or is no HTTP.
    """
    answer = read_head(source)
    try:
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read())
    except http.client.HTTPException as error:
        raise broken_answer(error) from error


def read_head(source: Any) -> http.client.HTTPResponse:
    """An answer whose head is read: it has `status` and `chunked`, and its body comes next.

    Raises Unavailable when it breaks off or is no HTTP.
    """
    answer = http.client.HTTPResponse(source)
    try:
        answer.begin()
    except http.client.HTTPException as error:
        raise broken_answer(error) from error
    return answer


def stream_body(source: Any) -> Iterator[bytes]:
    """The body of a success, piece by piece as it comes.

    Raises the error that any other answer stands for, and Unavailable when it breaks off.
    """
    answer = read_head(source)
    try:
        if answer.status != http.client.OK:
            raise Answer(answer.status, {}, answer.read()).error()
        while piece := answer.read1(1 << 16):
            yield piece
    except http.client.HTTPException as error:
        raise broken_answer(error) from error


def broken_answer(error: Exception) -> errors.Unavailable:
    """The error to raise for an answer that broke off."""
    return errors.Unavailable(f"the answer broke off: {error!r}", "broken_answer")


class BufferedAnswer:
    """All bytes of an answer, for `read_answer`, which expects something like a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        """The bytes as a file; `mode` does not matter."""
        return BytesIO(self._data)


def _length(body: Body | Iterable[bytes]) -> int:
    return sum(map(len, body)) if isinstance(body, tuple) else len(body)  # type: ignore[arg-type]
