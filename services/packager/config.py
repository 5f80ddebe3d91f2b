import os
from pathlib import Path

from libs.service.config import Config as Base
from services.packager.build import BASE


class Config(Base, frozen=True, kw_only=True):
    """`data` is a private scratch folder, `environments` where executors look for what we build.

    `base` lists the packages that every environment has; `build_uid` is whom uv runs as when the
    packager is root.
    """

    blobs_url: str
    data: Path
    environments: Path
    base: Path = BASE
    build_uid: int | None = 19999 if os.geteuid() == 0 else None
    wheels_only: bool = True
    builds: int = 4
