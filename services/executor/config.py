"""The executor's settings."""

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from libs.service.config import PREFIX, ConfigError, Secret, host_and_port
from libs.service.config import Config as Base
from services.executor.backend import Mode
from services.executor.local.child.port_broker import DEFAULT_KEPT_PORTS, parse_ports


class Config(Base, frozen=True, kw_only=True):
    """`data` is a private scratch folder, `environments` where the packager builds.

    `backend` is what runs live on, see docs/executing.md. `slots` is how
    many runs go on at once; as root, each slot has a uid of its own, from
    `first_uid` on. `start` is `fork` or `exec`, see docs/executing.md; at most `templates` warm
    interpreters are kept, of `template_mib` MiB together, but for those in use. `task_key` signs
    the runs' tokens: an Ed25519 key as PKCS8 PEM. At the executor's own end runs get `stop_grace`
    seconds to end by themselves, at most. No run can listen on `kept_ports`, as in
    `20000-29399,8080`, nor on the API's port or ours.
    """

    blobs_url: str
    data: Path
    environments: Path
    public_url: str
    task_key: Secret
    backend: Literal["local", "subprocess"] = "local"
    slots: int = max(16, 4 * (os.cpu_count() or 1))
    first_uid: int = 20000
    start: Mode = "fork"
    templates: int = 16
    template_mib: int = 2048
    stop_grace: float = 1.0
    kept_ports: str = DEFAULT_KEPT_PORTS

    def all_kept_ports(self) -> str:
        """With those that we know of anyway. Raises ConfigError for what is no list of ports."""
        try:
            parse_ports(self.kept_ports)
        except ValueError as error:
            raise ConfigError(
                f"{PREFIX}KEPT_PORTS: {error}; as in {DEFAULT_KEPT_PORTS},8080"
            ) from error
        known = [] if self.listen.startswith("unix:") else [host_and_port(self.listen)[1]]
        known.append(urlsplit(self.public_url).port or 0)
        return ",".join([self.kept_ports, *map(str, known)])
