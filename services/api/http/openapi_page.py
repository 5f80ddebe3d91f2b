"""The OpenAPI document as a page for people, made on the server, in one file."""

import re
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from services.api.http.openapi import Document

_FRAME = Template((files("services.api.http") / "openapi_page.html").read_text())


def page(document: Document) -> str:
    info = document["info"]
    tags: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not operation.get("deprecated"):
                (tag,) = operation["tags"]
                tags.setdefault(tag, []).append(_operation(method, path, operation))
    return _FRAME.substitute(
        title=escape(f"{info['title']} {info['version']}"),
        about=re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(info["description"])),
        links="".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in (*tags, "types")),
        operations="".join(
            f'<h2 id="{escape(tag)}">{escape(tag)}</h2>{"".join(some)}'
            for tag, some in tags.items()
        ),
        types="".join(
            _type(name, schema) for name, schema in document["components"]["schemas"].items()
        ),
    )


def _operation(method: str, path: str, operation: Document) -> str:
    lock = "" if operation.get("security") == [] else '<span class="token">token</span>'
    rows = []
    if body := operation.get("requestBody"):
        rows += [_row("send", media, of["schema"]) for media, of in body["content"].items()]
    for status, answer in operation["responses"].items():
        (content,) = answer.get("content", {"": {"schema": {"type": ""}}}).values()
        rows.append(_row(status, answer["description"], content["schema"]))
    return (
        f'<section><h3 id="{escape(operation["operationId"])}"><b>{method.upper()}</b> '
        f"<code>{escape(path)}</code>{lock}</h3><p>{escape(operation['summary'])}</p>"
        f"<table>{''.join(rows)}</table></section>"
    )


def _row(what: str, note: str, schema: Document) -> str:
    kind = {"send": "send", "2": "good"}.get(what if what == "send" else what[0], "bad")
    return (
        f'<tr class="{kind}"><th>{escape(what)}</th><td>{_shown(schema)}</td>'
        f"<td>{escape(note)}</td></tr>"
    )


def _type(name: str, schema: Document) -> str:
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><th>{escape(field)}{'' if field in required else '?'}</th>"
        f"<td>{_shown(of)}</td><td>{escape('; '.join(_notes(of)))}</td></tr>"
        for field, of in schema.get("properties", {}).items()
    )
    about = escape(schema.get("description", ""))
    return (
        f'<section><h3 id="type-{escape(name)}"><code>{escape(name)}</code></h3>'
        f"<p>{about}</p><table>{rows}</table></section>"
    )


def _shown(schema: Document) -> str:
    """A schema in a few words, with links to the types that it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_shown(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_shown(schema.get('items', {}))}"
    return escape(" ".join(filter(None, (schema.get("type", "anything"), schema.get("format")))))


def _notes(schema: Document) -> Iterator[str]:
    for option in (schema, *schema.get("anyOf", ())):
        yield from _limits(option)
    if schema.get("default") is not None:
        yield f"default {schema['default']}"


def _limits(schema: Document) -> Iterator[Any]:
    if text := schema.get("description"):
        yield text
    for word, mark in (("minimum", "from"), ("maximum", "to"), ("maxLength", "length to")):
        if word in schema:
            yield f"{mark} {schema[word]}"
    if examples := schema.get("examples"):
        yield f"such as {examples[0]}"
