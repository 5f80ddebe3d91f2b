"""Steps of an unpacked archive, imported as Python imports files of a folder."""

import importlib.util
import sys
import traceback
from pathlib import Path

from services.inference.step_worker import entry, interfaces


def load(folder: Path, framework: str) -> entry.Process:
    """NoStep, or whatever their code raises while it is imported."""
    texts = {str(path.relative_to(folder)): _text(path) for path in sorted(folder.rglob("*.py"))}
    path = folder / entry.find(texts, framework)
    sys.path.insert(0, str(path.parent))
    interfaces.provide()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101 - for mypy: its name ends with .py
    assert spec.loader is not None  # noqa: S101 - as above
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return entry.process(module, framework, path.parent)


def place(error: BaseException, folder: Path) -> str:
    """Where in the archive, for people; empty if it is elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if Path(each.filename).is_relative_to(folder)]
    return f" ({Path(own[-1].filename).relative_to(folder)}, line {own[-1].lineno})" if own else ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise entry.NoStep(f"{path.name} is not UTF-8") from error
