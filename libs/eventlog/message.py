"""NATS messages, their headers (`NATS/1.0`, perhaps a status, lines), and JetStream's refusals."""

import msgspec

from libs.domain.errors import Unavailable

_LINE_END = b"\r\n"


class ApiError(Exception):
    """JetStream refused: `code` is its err_code (10071: wrong last sequence, and so on)."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{description} ({code})")
        self.code = code


class _Error(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct):
    error: _Error | None = None


def checked(data: bytes) -> bytes:
    """The answer of the JetStream API as it is.

    ApiError when the server refuses, Unavailable when it can't answer now (503).
    """
    error = msgspec.json.decode(data, type=_Answer).error
    if error is not None:
        if error.code == 503:
            raise Unavailable(f"JetStream: {error.description}")
        raise ApiError(error.err_code, error.description)
    return data


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message; `block` has its headers as they came, `reply` is where an acknowledgement goes."""

    subject: str
    block: bytes
    data: bytes
    reply: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Read anew each time: keep what is needed more than once."""
        return parse_headers(self.block)


# A message as it stands on a connection: where it ends, its subscription's number, subject, reply,
# body and headers.
Frame = tuple[int, int, bytes, bytes, bytes, bytes]


def frames(data: bytes) -> list[Frame]:
    """The whole messages with headers that `data` begins with:
    `HMSG <subject> <subscription> [reply] <bytes of headers> <bytes in all>`, then these."""
    whole: list[Frame] = []
    at = 0
    while data.startswith(b"HMSG ", at):
        line_end = data.find(_LINE_END, at)
        if line_end < 0:
            break
        words = data[at + 5 : line_end].split()
        start = line_end + 2
        body, end = start + int(words[-2]), start + int(words[-1])
        at = end + 2
        if at > len(data):
            break
        reply = words[2] if len(words) == 5 else b""
        whole.append((at, int(words[1]), words[0], reply, data[body:end], data[start:body]))
    return whole


def parse_headers(block: bytes | None) -> dict[str, str]:
    """Headers by name. A status line of the server comes as `Status` and `Description`."""
    if not block:
        return {}
    first, _, lines = block.decode(errors="replace").partition("\r\n")
    headers = _pairs(lines)
    status = first.removeprefix("NATS/1.0").strip()
    if status:
        code, _, description = status.partition(" ")
        headers |= {"Status": code, "Description": description}
    return headers


def _pairs(lines: str) -> dict[str, str]:
    """Cut in one go where every line is `name: value`, as servers and our own clients write it."""
    parts = lines.replace("\r\n", ": ").split(": ")
    if len(parts) == 2 * lines.count("\r\n"):
        return dict(zip(parts[:-2:2], parts[1:-2:2], strict=True))
    return dict(_pair(line) for line in lines.split("\r\n") if line)


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()
