"""Our SDK in every environment, importable as `rondo` and, where users' code says so, `wallaroo`.

It is pure Python without requirements, so it is put beside the packages as it is; one of the same
name that the requirements bring stays.
"""

import compileall
import contextlib
import importlib.util
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from services.packager.environment import digest, seal, site_packages

PACKAGES = ("rondo", "wallaroo")


@cache
def version() -> str:
    """A digest of the SDK's files. It is part of an environment's id."""
    files = (path for source in _sources() for path in sorted(source.rglob("*.py")))
    return digest(*(part for path in files for part in (path.name, path.read_text())))[:16]


def install(environment: Path, cache: Path) -> None:
    """Links the SDK into `site-packages`, from a compiled and sealed copy in the folder `cache`."""
    site = site_packages(environment)
    owner = site.stat()
    for source in _cached_copy(cache):
        if (site / source.name).exists():
            continue
        for path in (source, *sorted(source.rglob("*"))):
            target = site / path.relative_to(source.parent)
            if path.is_dir():
                target.mkdir()
                os.chown(target, owner.st_uid, owner.st_gid)
            else:
                target.hardlink_to(path)


def _cached_copy(folder: Path) -> list[Path]:
    """The packages' folders in the copy, which is made if there is none (by others too)."""
    copy = folder / f"sdk-{version()}"
    if not copy.exists():
        new = Path(tempfile.mkdtemp(dir=folder))
        for source in _sources():
            shutil.copytree(source, new / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(new, quiet=2)
        seal(new)
        with contextlib.suppress(OSError):
            new.rename(copy)
        shutil.rmtree(new, ignore_errors=True)
    return sorted(copy.iterdir())


def _sources() -> list[Path]:
    """The packages' folders; found, not imported."""
    specs = [importlib.util.find_spec(name) for name in PACKAGES]
    return [Path(spec.origin).parent for spec in specs if spec is not None and spec.origin]
