"""A page that lists every event: who publishes it, what it says, its fields, and an example."""

import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template

import msgspec

from libs.domain.events import AGGREGATE_OF
from libs.domain.registry import AGGREGATES
from services.api.events.asyncapi import Document, as_example
from services.api.events.published_events import publishers

_FRAME = Template((files("services.api.events") / "catalogue.html").read_text())


def page(document: Document) -> str:
    """The page for our AsyncAPI document."""
    info, schemas = document["info"], document["components"]["schemas"]
    others = [name for name in schemas if name not in AGGREGATE_OF and name != "Headers"]
    return _FRAME.substitute(
        title=escape(f"{info['title']} {info['version']}"),
        about=escape(info["description"]),
        links="".join(f'<a href="#{kind}">{kind}</a>' for kind in (*AGGREGATES, "types")),
        events="".join(_group(kind, schemas) for kind in AGGREGATES),
        types="".join(_section(name, schemas[name], "", "") for name in others),
    )


def _group(kind: str, schemas: Mapping[str, Document]) -> str:
    names = [name for name, of in AGGREGATE_OF.items() if of == kind]
    return f'<h2 id="{kind}">{kind}</h2>' + "".join(_event(name, schemas[name]) for name in names)


def _event(name: str, schema: Document) -> str:
    example = msgspec.json.format(msgspec.json.encode(as_example(name)), indent=2).decode()
    body = f"<details><summary>Example</summary><pre>{escape(example, quote=False)}</pre></details>"
    return _section(name, schema, f"<small>by {' or '.join(publishers(name))}</small>", body)


def _section(name: str, schema: Document, note: str, example: str) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><th>{escape(field)}{'' if field in required else '?'}</th>"
        f"<td>{_type_text(of)}</td><td>{_default(of)}</td></tr>"
        for field, of in schema["properties"].items()
        if field != "type"
    )
    about = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(schema.get("description", "")))
    return (
        f'<section id="{name}"><h3>{name}{note}</h3><p>{about}</p>'
        f"<table>{rows}</table>{example}</section>"
    )


def _type_text(schema: Document) -> str:
    """A schema in a few words."""
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(_type_text(option) for option in options)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if "enum" in schema:
        return " ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type_text(schema['items'])}"
    return escape(" ".join(filter(None, (schema.get("type", "anything"), schema.get("format")))))


def _default(schema: Document) -> str:
    if "default" not in schema:
        return ""
    return f"default <code>{escape(msgspec.json.encode(schema['default']).decode())}</code>"
