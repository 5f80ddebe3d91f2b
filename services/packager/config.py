import os
from pathlib import Path

from libs.service.config import Config as Base
from services.packager.build import BASE, BuildLimits
from services.packager.environment_store import Limits


class Config(Base, frozen=True, kw_only=True):
    """`data` is a private scratch folder, `environments` where executors look for what we build.

    `base` lists the packages that every environment has; `build_uid` is whom uv runs as when the
    packager is root. Environments that no task needs are removed when they are unused for
    `environments_days`, and the longest unused beyond `environments_gib` GiB or
    `environments_most` in number. A build is given up after `build_seconds`, or after
    `build_idle_seconds` without any progress.
    """

    blobs_url: str
    data: Path
    environments: Path
    base: Path = BASE
    build_uid: int | None = 19999 if os.geteuid() == 0 else None
    wheels_only: bool = True
    builds: int = 4
    build_seconds: float = 3600
    build_idle_seconds: float = 120
    environments_days: float = 30
    environments_gib: float = 20
    environments_most: int = 50

    @property
    def limits(self) -> BuildLimits:
        """The limits among the settings, in seconds and bytes."""
        return BuildLimits(
            seconds=self.build_seconds,
            idle_seconds=self.build_idle_seconds,
            store=Limits(
                environments=self.environments_most,
                own_bytes=int(self.environments_gib * 2**30),
                unused_seconds=self.environments_days * 86400,
            ),
        )
