"""Templates into text: the only file that knows Jinja.

It is loaded for the first who looks at a page, and a template is compiled when it is first shown:
all of them would be a third of the time that the API takes to start.
"""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from services.api.dashboard import formats, static

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> "Environment":
    import jinja2

    folder = files("services.api.dashboard") / "templates"
    jinja = jinja2.Environment(
        loader=jinja2.DictLoader(
            {entry.name: entry.read_text() for entry in folder.iterdir() if entry.is_file()}
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    jinja.globals["static"] = static.url
    for name in ("instant", "in_zone", "iso", "duration", "fine", "pretty", "size", "plain"):
        jinja.filters[name] = getattr(formats, name)
    return jinja


def render(template: str, **values: Any) -> str:
    return environment().get_template(template).render(values)
