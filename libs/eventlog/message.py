"""A message of NATS, and how its headers are written: `NATS/1.0`, a status perhaps, and lines."""

from collections.abc import Mapping

import msgspec


class Message(msgspec.Struct, frozen=True):
    """A message with its headers; `reply` is where an acknowledgement goes."""

    subject: str
    headers: Mapping[str, str]
    data: bytes
    reply: str = ""


def parse_headers(block: bytes | None) -> dict[str, str]:
    """The server's own word comes as `Status` and `Description`."""
    if not block:
        return {}
    first, *lines = block.decode(errors="replace").split("\r\n")
    try:  # as servers and our own clients write them
        found = dict([line.split(": ", 1) for line in lines if line])
    except ValueError:
        found = dict([_pair(line) for line in lines if line])
    status = first.removeprefix("NATS/1.0").strip()
    if status:
        code, _, description = status.partition(" ")
        found |= {"Status": code, "Description": description}
    return found


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()
