"""The packages that an upload of a model asks for, and with them the environment that it needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from libs.archive import requirements as requirements_txt
from libs.archive.inspect import find_requirements
from libs.domain.errors import Rejected
from libs.domain.model_version import ARCHIVES, REQUIREMENTS


def of_upload(path: Path, framework: str, conversion: Mapping[str, Any]) -> list[str]:
    """Those of the archive's requirements.txt and those of `conversion`, and of those that the
    framework brings what is not named there. None for a model that runs without an environment.

    Reads the file. Rejected names the line of requirements.txt, or the field.
    """
    if framework not in (*ARCHIVES, *REQUIREMENTS):
        return []
    asked = _stated(conversion.get("requirements") or [])
    if framework in ARCHIVES:
        asked += requirements_txt.read(path, find_requirements(path))
    names = {requirements_txt.name(each) for each in asked}
    brought = REQUIREMENTS.get(framework, ())
    return asked + [each for each in brought if not _is_named(each, names)]


def _stated(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Rejected("invalid", "conversion.requirements: it is a list of texts, each a package")
    try:
        return requirements_txt.parse("\n".join(value).encode())
    except Rejected as refusal:
        problem = refusal.message.removeprefix("requirements.txt: ")
        raise Rejected("invalid", f"conversion.requirements: {problem}") from refusal


def _is_named(requirement: str, names: set[str]) -> bool:
    """xgboost and xgboost-cpu are the same modules."""
    name = requirements_txt.name(requirement)
    return name in names or name.removesuffix("-cpu") in names
