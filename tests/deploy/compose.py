"""compose.yaml as Compose would see it: variables filled in, secrets as files."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class Missing(Exception):
    """A required variable is not set."""


def read() -> Any:
    """The file as it is written."""
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """`${NAME:-default}` and `${NAME:?message}` by Compose's rules."""
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name, kind, text = match.groups()
        if kind == "?" and not variables.get(name):
            raise Missing(f"{name}: {text}")
        return variables.get(name) or text or ""

    return _VARIABLE.sub(fill, value)


def granted(service: Any) -> dict[str, str]:
    """The service's secrets: the path where each lies in the container, and its name."""
    long = [{"source": it} if isinstance(it, str) else it for it in service.get("secrets", ())]
    return {it.get("target", f"/run/secrets/{it['source']}"): it["source"] for it in long}
