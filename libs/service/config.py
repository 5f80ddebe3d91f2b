"""Configuration: one frozen struct a service, built from a mapping that is passed in.

The field `public_url` comes from RONDO_PUBLIC_URL. A field of type Secret comes from the file that
RONDO_<NAME>_FILE names, so that no secret stands in an environment or an argv.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

PREFIX = "RONDO_"


class ConfigError(Exception):
    """The message lists every variable that is missing or wrong."""


class Secret:
    """A text that shows itself only when asked to."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What every service needs. `listen` is where its HTTP side is: host:port, or `unix:` and the
    path of a socket. `listen_fds` are the numbers of sockets that it is given to listen on instead.

    `nats_token` is a password or an nkey's seed. `nats_server` is a file that says which process
    NATS is (libs/eventlog/server_identity.py), where it is one of this machine.

    `shared_disk` is a folder on the disk of the event log, if that is ours too; `reserve_mib` of it
    are kept for the log (disk_reserve.py).
    """

    nats_url: str
    listen: str
    listen_fds: str = ""
    nats_token: Secret | None = None
    nats_server: Path | None = None
    nats_replicas: int = 1
    shared_disk: Path | None = None
    reserve_mib: int = 512


class WithPostgres(Config, frozen=True, kw_only=True):
    """For services with rows. The password belongs into a `passfile`, not into the DSN."""

    postgres_dsn: str


Kind = TypeVar("Kind", bound=Config)


def load(kind: type[Kind], environ: Mapping[str, str]) -> Kind:
    """Raises ConfigError, naming every variable at fault."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for field in msgspec.structs.fields(kind):
        variable = PREFIX + field.name.upper()
        try:
            if _is_secret(field.type):
                values |= _secret(field.name, environ.get(f"{variable}_FILE"))
            elif variable in environ:
                values[field.name] = msgspec.convert(
                    environ[variable], field.type, strict=False, dec_hook=_path
                )
        except (OSError, msgspec.ValidationError) as error:
            wrong.append(f"{variable}: {error}")
            continue
        if field.required and field.name not in values:
            suffix = "_FILE" if _is_secret(field.type) else ""
            wrong.append(f"{variable}{suffix} is not set")
    if wrong:
        raise ConfigError("; ".join(wrong))
    return kind(**values)


def _path(kind: type, text: object) -> object:
    if kind is not Path:
        raise NotImplementedError(f"no configuration of type {kind}")
    return Path(str(text))


def _is_secret(kind: object) -> bool:
    return kind is Secret or Secret in getattr(kind, "__args__", ())


def _secret(name: str, path: str | None) -> dict[str, object]:
    return {name: Secret(Path(path).read_text().strip())} if path else {}


def host_and_port(listen: str) -> tuple[str, int]:
    """From `127.0.0.1:8080` or `[::1]:8080`."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
