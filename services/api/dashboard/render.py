"""Templates into text: the only file that knows Jinja. They are compiled once, at the start."""

from importlib.resources import files
from typing import Any

import jinja2

from services.api.dashboard import formats, static


def _environment() -> jinja2.Environment:
    folder = files("services.api.dashboard") / "templates"
    made = jinja2.Environment(
        loader=jinja2.DictLoader(
            {entry.name: entry.read_text() for entry in folder.iterdir() if entry.is_file()}
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["static"] = static.url
    for name in ("instant", "in_zone", "iso", "duration", "fine", "pretty", "size", "plain"):
        made.filters[name] = getattr(formats, name)
    return made


_TEMPLATES = _environment()


def compile_all() -> None:
    """Raises what is wrong with any of them, rather than on the first visit."""
    for name in _TEMPLATES.list_templates():
        _TEMPLATES.get_template(name)


def render(template: str, **values: Any) -> str:
    return _TEMPLATES.get_template(template).render(values)
