"""By which ways we tell a Postgres server who we are: some of them give our password away.

Whoever answers at a server's address chooses how to ask. SCRAM shows that both sides know the
password, and tells neither; a password in clear text, or as MD5, is the server's from then on. So
on the loopback, where another process may have taken the server's place, only SCRAM is answered.
Elsewhere all is as the server asks, unless the DSN's `require_auth` says otherwise, as in libpq.

Source: PostgreSQL's documentation, "Message Formats" and "Database Connection Control Functions".
"""

import stat
import struct
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from libs.domain.errors import Unavailable

Methods = frozenset[str]
Address = str | tuple[str, int]  # the path of a socket, or host and port

ALL: Methods = frozenset({"password", "md5", "gss", "sspi", "scram-sha-256", "none"})
SAFE: Methods = frozenset({"scram-sha-256", "none"})
_BY_CODE = {3: "password", 5: "md5", 7: "gss", 9: "sspi", 10: "scram-sha-256"}
_REJECTED = "08004"  # SQLSTATE: the connection was rejected
_AUTHENTICATION, _READY = b"R", b"Z"


def parted(dsn: str) -> tuple[str, Methods | None]:
    """The DSN without `require_auth`, and what that says. Raises ValueError for unknown methods."""
    parts = urlsplit(dsn)
    options = parse_qsl(parts.query, keep_blank_values=True)
    asked = [value for name, value in options if name == "require_auth" and value]
    if not asked:
        return dsn, None
    methods = frozenset(asked[-1].split(","))
    if unknown := methods - ALL:
        known = ", ".join(sorted(ALL))
        raise ValueError(f"require_auth: {', '.join(sorted(unknown))} is none of {known}")
    kept = [(name, value) for name, value in options if name != "require_auth"]
    return parts._replace(query=urlencode(kept)).geturl(), methods


def check_passfile(dsn: str) -> None:
    """Raises Unavailable where the DSN's passfile is open to others: libpq and asyncpg pass over
    such a one, and what is then said of the password tells nobody why."""
    for name, path in parse_qsl(urlsplit(dsn).query):
        if name == "passfile" and Path(path).is_file():
            mode = stat.S_IMODE(Path(path).stat().st_mode)
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Unavailable(
                    f"passfile {path}: its mode {mode:04o} lets others at it, so it is not used;"
                    " `chmod 600` it"
                )


def allowed(address: Address, required: Methods | None) -> Methods:
    """What may be answered at `address`."""
    if required is not None:
        return required
    return SAFE if isinstance(address, tuple) and on_loopback(address[0]) else ALL


def on_loopback(host: str) -> bool:
    """Whether any process of this machine may answer there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Watch:
    """Reads what the server says until it is ready; messages are passed on once they are whole."""

    def __init__(self, methods: Methods) -> None:
        self.over = methods == ALL
        self._methods = methods
        self._asked = False
        self._rest = b""

    def passed(self, data: bytes) -> bytes:
        """What may be read of it by now; in place of a message that asks for too much, an error in
        the server's name."""
        data, at = self._rest + data, 0
        while not self.over and len(data) >= at + 5:
            kind, (length,) = data[at : at + 1], struct.unpack_from("!I", data, at + 1)
            end = at + 1 + max(length, 4)
            if len(data) < end:
                break
            if kind == _AUTHENTICATION and (fault := self._fault(data[at + 5 : end])):
                self._rest = b""
                return data[:at] + _error(fault)
            self.over, at = kind == _READY, end
        if self.over:
            at = len(data)
        self._rest = data[at:]
        return data[:at]

    def _fault(self, body: bytes) -> str:
        code = int.from_bytes(body[:4], "big")
        if code == 0:
            method = "" if self._asked else "none"
        else:
            self._asked, method = True, _BY_CODE.get(code, "")
        if not method or method in self._methods:
            return ""
        wanted = ", ".join(sorted(self._methods - {"none"})) or "none"
        return (
            f"the server asks for authentication by {method}, which is not answered: have it ask"
            f" for {wanted}, or allow the other in the DSN (require_auth={method})"
        )


def _error(message: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": _REJECTED, "M": message}
    body = b"".join(f"{name}{text}".encode() + b"\0" for name, text in fields.items()) + b"\0"
    return b"E" + struct.pack("!I", 4 + len(body)) + body
