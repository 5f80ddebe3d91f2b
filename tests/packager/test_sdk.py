"""Our SDK is in every environment, and gives way to the published one."""

import subprocess
import venv
from pathlib import Path

from services.packager import sdk


def where(environment: Path, name: str) -> str:
    """The file that `import name` finds there."""
    command = [f"{environment}/bin/python", "-c", f"import {name}; print({name}.__file__)"]
    return subprocess.check_output(command, text=True).strip()


def test_it_is_imported_by_both_names(tmp_path: Path) -> None:
    for name in ("one", "other"):
        environment = tmp_path / name
        venv.create(environment, symlinks=True)
        sdk.install(environment, tmp_path)
        assert where(environment, "rondo").startswith(str(environment))
        assert where(environment, "wallaroo").startswith(str(environment))


def test_what_the_requirements_brought_stays(tmp_path: Path) -> None:
    venv.create(tmp_path, symlinks=True)
    (site,) = tmp_path.glob("lib/python*/site-packages")
    (site / "wallaroo").mkdir()
    (site / "wallaroo" / "__init__.py").write_text("published = True")
    sdk.install(tmp_path, tmp_path)
    assert (site / "wallaroo" / "__init__.py").read_text() == "published = True"
    assert [path.name for path in (site / "wallaroo").iterdir()] == ["__init__.py"]
