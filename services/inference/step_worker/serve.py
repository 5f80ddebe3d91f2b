"""The worker of a step: loads it, then answers one request after the other until nobody asks."""

import os
import socket
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from services.inference.step_worker import archives, entry, frames, pickles

_MAX_WORDS, _MAX_WARNINGS = 2000, 10


def main(connection: socket.socket, file: int, folder: Path) -> None:
    """`file` is what was uploaded; `folder` has its contents if it is an archive."""
    if (message := frames.receive(connection)) is None:
        return
    try:
        with warnings.catch_warnings(record=True) as caught:
            process = _load(message[0], file, folder)
    except entry.THEIRS as error:
        frames.send(connection, {"error": _reason(error, folder)}, {})
        return
    frames.send(connection, {"warnings": _texts(caught)}, {})
    while (message := frames.receive(connection)) is not None:
        _answer(connection, process, message[1], folder)


def _load(what: Mapping[str, Any], file: int, folder: Path) -> entry.Process:
    framework = what["framework"]
    if framework in entry.FRAMEWORKS:
        os.close(file)
        return archives.load(folder, framework)
    with os.fdopen(file, "rb") as opened:
        return pickles.load(opened, framework, what["inputs"], what["outputs"])


def _answer(
    connection: socket.socket, process: entry.Process, arrays: dict[str, Any], folder: Path
) -> None:
    try:
        result = process(arrays)
        if not isinstance(result, Mapping):
            raise TypeError(f"it gave a {type(result).__name__}, not a dict of arrays")
        named = {str(name): np.asarray(value) for name, value in result.items()}
    except entry.THEIRS as error:
        frames.send(connection, {"error": _placed(error, folder)}, {})
        return
    try:
        frames.send(connection, {}, named)
    except (TypeError, ValueError) as error:  # before a byte was sent: it is no JSON
        words = f"outputs are numbers or text: {_words(error, folder)}"
        frames.send(connection, {"error": words}, {})


def _reason(error: BaseException, folder: Path) -> str:
    if isinstance(error, entry.NoStep):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return (
            f"there is no module {error.name!r} in its environment; add the package that has it to"
            " the requirements"
        )
    return f"it can't be loaded: {_placed(error, folder)}"


def _placed(error: BaseException, folder: Path) -> str:
    return _words(error, folder) + archives.place(error, folder)


def _words(error: BaseException, folder: Path) -> str:
    """Without the folders of this machine."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # their class, their text
        return type(error).__name__
    return text.replace(f"{folder}/", "").replace(f"{sys.prefix}/", "")[:_MAX_WORDS]


def _texts(caught: list[warnings.WarningMessage]) -> list[str]:
    texts = dict.fromkeys(" ".join(str(each.message).split())[:_MAX_WORDS] for each in caught)
    return list(texts)[:_MAX_WARNINGS]
