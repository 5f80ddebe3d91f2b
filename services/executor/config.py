import os
from pathlib import Path

from libs.service.config import Config as Base
from libs.service.config import Secret
from services.executor.backend import Mode


class Config(Base, frozen=True, kw_only=True):
    """`data` is a private scratch folder, `environments` where the packager builds.

    `slots` is how many runs go on at once; as root, each slot has a uid of its own, from
    `first_uid` on. `start` is `fork` or `exec`, see docs/executing.md; at most `templates` warm
    interpreters are kept, of `template_mib` MiB together, but for those in use. `task_key` signs
    the runs' tokens: an Ed25519 key as PKCS8 PEM. At the executor's own end runs get `stop_grace`
    seconds to end by themselves, at most.
    """

    blobs_url: str
    data: Path
    environments: Path
    public_url: str
    task_key: Secret
    slots: int = max(16, 4 * (os.cpu_count() or 1))
    first_uid: int = 20000
    start: Mode = "fork"
    templates: int = 16
    template_mib: int = 2048
    stop_grace: float = 1.0
