"""Documents say what works: their blocks of code are run, one after the other."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rondo import Client

from tests.platform import archive, example
from tests.sdk import SDK
from tests.sdk.conftest import SAYS

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "examples" / "houseprice" / "houseprice.onnx"
DOCUMENTS = [
    ROOT / "docs" / "quickstart.md",
    ROOT / "docs" / "tasks.md",
    ROOT / "docs" / "sdk.md",
    ROOT / "docs" / "models.md",
    ROOT / "docs" / "pipelines.md",
    ROOT / "docs" / "inference.md",
    ROOT / "docs" / "coming-from-wallaroo.md",
    *sorted(Path(__file__).with_name("documented").glob("*.md")),
]


def _blocks(document: Path, language: str) -> list[str]:
    found = re.findall(
        f"^```{language}\n(.*?)^```$", document.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found, f"{document} has no block of {language}"
    return found


def _display(thing: object) -> None:
    """As a notebook does."""
    shown: Callable[[], str] = getattr(thing, "_repr_html_", thing.__repr__)
    print(shown())  # noqa: T201 - that is what it is for


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python(
    document: Path,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "hello.zip").write_bytes(archive({"main.py": SAYS}))
    shutil.copy(MODEL, tmp_path)
    (tmp_path / "rows.json").write_text('[{"tensor": [3, 2, 1800, 7500, 1.5, 4, 8, 30]}]')
    monkeypatch.chdir(tmp_path)
    for name in ("URL", "USER", "PASSWORD"):
        monkeypatch.setenv(f"WALLAROO_{name}", environment[f"RONDO_{name}"])
    names: dict[str, object] = {"display": _display}
    for number, block in enumerate(_blocks(document, "python")):
        exec(compile(block, f"{document.name}, block {number}", "exec"), names)  # noqa: S102
    client = Client()
    for task in client.list_tasks():
        task.kill()


def test_commands(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    for name, data in example("flaky").items():
        (folder / name).write_bytes(data.replace(b"0.5", b"0"))
    shutil.copy(MODEL, tmp_path)
    (block,) = _blocks(ROOT / "docs" / "cli.md", "sh")
    rondo = tmp_path / "bin" / "rondo"
    rondo.parent.mkdir()
    rondo.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rondo "$@"\n')
    rondo.chmod(0o755)
    path = f"{rondo.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],  # noqa: S607
        env={**os.environ, "PYTHONPATH": str(SDK), "PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "good luck this time" in done.stdout
