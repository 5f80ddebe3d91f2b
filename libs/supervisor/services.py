"""The six services as data: how each is started, and the environment that configures it."""

import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from libs.supervisor.instance import Instance
from libs.supervisor.ports import FIRST, LAST
from libs.supervisor.stores import Stores
from libs.supervisor.watchdog import watchdog_seconds

ADMIN = "admin@rondo.local"
PUBLIC = "api"  # the service that listens where users call

_SECRET_VARIABLES = {
    "signing-key": "RONDO_SIGNING_KEY_FILE",
    "task-key": "RONDO_TASK_KEY_FILE",
    "vault-key": "RONDO_VAULT_KEY_FILE",
    "internal-token": "RONDO_INTERNAL_TOKEN_FILE",
    "admin-password": "RONDO_ADMIN_PASSWORD_FILE",
}
_PASSED_ON = {"PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE"}
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"}


@dataclass(frozen=True)
class Service:
    """A service: its name, its command, and which secrets it is told of.

    `module` is the one in `command`, if it may be forked by a process that has imported it.
    """

    name: str
    command: tuple[str, ...]
    secrets: tuple[str, ...] = ()
    module: str | None = None


def _service(name: str, *secrets: str) -> Service:
    # -P: no folder of the operator's that happens to be called `services` is taken for ours.
    module = f"services.{name}"
    return Service(name, (sys.executable, "-P", "-m", module), secrets, module)


SERVICES = (
    _service("packager"),
    _service("scheduler"),
    _service("executor", "task-key"),
    _service("logs", "internal-token"),
    _service("inference", "internal-token"),
    _service("api", "signing-key", "task-key", "vault-key", "internal-token", "admin-password"),
)


@dataclass(frozen=True)
class Addresses:
    """Where the API is called, where services listen, and the sockets that the API is given."""

    public: str
    listen: Mapping[str, str]
    public_sockets: Sequence[socket.socket] = ()


def services_env(
    service: Service, instance: Instance, stores: Stores, addresses: Addresses, notify: str
) -> dict[str, str]:
    """All that `service` gets to see of the world."""
    environment = passed_on(instance.operator) | {
        "NOTIFY_SOCKET": notify,
        "WATCHDOG_USEC": str(int(1e6 * watchdog_seconds(instance.operator))),
        "RONDO_NATS_URL": stores.nats,
        "RONDO_POSTGRES_DSN": stores.postgres,
        "RONDO_BLOBS_URL": stores.blobs,
        "RONDO_PUBLIC_URL": addresses.public,
        "RONDO_LOGS_URL": addresses.listen["logs"],
        "RONDO_INFERENCE_URL": addresses.listen["inference"],
        "RONDO_LISTEN": addresses.listen[service.name],
        "RONDO_DATA": str(instance.folder.part(service.name)),
        "RONDO_ENVIRONMENTS": str(instance.folder.part("environments", 0o755)),
    }
    environment.setdefault("RONDO_ADMIN_EMAIL", ADMIN)
    environment["RONDO_KEPT_PORTS"] = _kept_ports(environment, instance, addresses)
    if stores.nats_token:
        environment["RONDO_NATS_TOKEN_FILE"] = str(stores.nats_token)
        environment.setdefault("RONDO_SHARED_DISK", str(instance.folder.path))
        if service.name == PUBLIC:  # lets subscribers into the embedded NATS
            environment["RONDO_NATS_ISSUER_FILE"] = str(instance.secret("nats-issuer"))
            environment.setdefault("RONDO_NATS_PUBLIC_URL", stores.nats)
    for name in ("RONDO_LISTEN_FDS", "RONDO_NATS_SERVER"):  # of another instance's, if at all
        environment.pop(name, None)
    if stores.nats_server:
        environment["RONDO_NATS_SERVER"] = str(stores.nats_server)
    if service.name == PUBLIC:  # whom it asks for their metrics
        environment["RONDO_SCRAPED"] = " ".join(
            f"{name}={listen}" for name, listen in addresses.listen.items() if name != PUBLIC
        )
    for name, variable in _SECRET_VARIABLES.items():
        environment.pop(variable, None)
        if name in service.secrets:
            environment[variable] = str(instance.secret(name))
    return environment


def _kept_ports(environment: Mapping[str, str], instance: Instance, addresses: Addresses) -> str:
    """No run is to listen in place of a server of ours while that is restarted."""
    _, _, api = addresses.listen[PUBLIC].rpartition(":")
    kept = environment.get("RONDO_KEPT_PORTS") or f"{FIRST}-{LAST}"
    return ",".join([kept, api, *map(str, sorted(instance.ports.known()))])


def passed_on(operator: Mapping[str, str]) -> dict[str, str]:
    """The part of the operator's environment that services see: network, locale, UV_*, OTEL_*,
    RONDO_*.

    AWS_* too where blobs are in S3, since its credentials come by no other way.
    """
    prefixes: tuple[str, ...] = ("RONDO_", "UV_", "OTEL_")
    if operator.get("RONDO_BLOBS_URL", "").startswith("s3:"):
        prefixes += ("AWS_",)
    return {
        name: value
        for name, value in operator.items()
        if name in _PASSED_ON or name.upper() in _PROXIES or name.startswith(prefixes)
    }
