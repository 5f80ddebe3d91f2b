"""Environments as the packager makes them, without an index: numpy, and modules of a test."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

import numpy as np


def environment(folder: Path, name: str, modules: Mapping[str, str], *, numpy: bool = True) -> str:
    """Makes it in `folder`, with `modules` by their files' names, and gives its name."""
    where = folder / name
    command = [sys.executable, "-m", "venv", "--without-pip", str(where)]
    subprocess.run(command, check=True, capture_output=True)
    (site,) = where.glob("lib/python*/site-packages")
    if numpy:
        _copy_numpy(site)
    for file, text in modules.items():
        (site / file).write_text(text)
    return name


def _copy_numpy(site: Path) -> None:
    """What it needs to be imported, not its tests."""
    source = Path(np.__file__).parent
    beside = source.parent / "numpy.libs"
    for each in (source, beside):
        if each.exists():
            shutil.copytree(
                each,
                site / each.name,
                ignore=shutil.ignore_patterns("tests", "*.pyi"),
                copy_function=_link,
            )
    assert distribution("numpy").version == np.__version__


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another disk
        shutil.copy2(source, target)  # bytecode knows the time of its source


def numpy_wheel(folder: Path) -> str:
    """The installed numpy as a wheel, so that an installer needs no index; its requirement."""
    installed = distribution("numpy")
    (tag,) = re.findall(r"^Tag: (\S+)$", installed.read_text("WHEEL") or "", re.MULTILINE)[:1]
    path = folder / f"numpy-{installed.version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for each in installed.files or []:
            if not {"..", "tests", "__pycache__"} & set(each.parts):
                wheel.write(str(each.locate()), str(each))
    return f"numpy=={installed.version}"
