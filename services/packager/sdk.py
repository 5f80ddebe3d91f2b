"""Our SDK in every environment, importable as `rondo` and, where users' code says so, `wallaroo`.

It is pure Python without requirements, so it is copied beside the packages; one of the same name
that the requirements bring stays.
"""

import importlib.util
import os
import shutil
from functools import cache
from pathlib import Path

from services.packager.environment import digest

PACKAGES = ("rondo", "wallaroo")


@cache
def version() -> str:
    """A digest of what would be copied: environments with another are others."""
    files = (path for source in _sources() for path in sorted(source.rglob("*.py")))
    return digest(*(part for path in files for part in (path.name, path.read_text())))[:16]


def put_into(environment: Path) -> None:
    """Where packages are, owned as they are; before bytecode is compiled."""
    (site,) = environment.glob("lib/python*/site-packages")
    owner = site.stat()
    for source in _sources():
        target = site / source.name
        if target.exists():
            continue
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (target, *target.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)


def _sources() -> list[Path]:
    """The packages' folders; found, not imported."""
    specs = [importlib.util.find_spec(name) for name in PACKAGES]
    return [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin]
