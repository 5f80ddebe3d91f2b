"""The OpenAPI 3.1 document, made from the table of routes and its types."""

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from services.api.fields import VERSION
from services.api.http.errors import Error, GrantError
from services.api.http.route import JSON, Route

_ABOUT = """\
Log in at `/auth/realms/master/protocol/openid-connect/token`, then send the access token with
every call: `Authorization: Bearer <token>`. A 2xx answer to a command means that it is durable and
that every later read shows it. Errors have a stable `reason`, and a `msg` that names the field."""

_HEADERS = {
    "Idempotency-Key": "1 to 128 printable characters: a command that comes again under the same"
    " key is done once, and answered as the first time.",
    "Last-Event-ID": "The id of the last event that was received: what comes after it is sent.",
}

Document = dict[str, Any]


def document(routes: Sequence[Route], url: str) -> Document:
    kinds = [kind for route in routes for kind in (route.body, route.answer) if kind]
    kinds += [Error, GrantError]
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(map(str, kinds), schemas, strict=True))
    paths: dict[str, Document] = {}
    for route in routes:
        for path in (route.path, *route.aliases):
            operation = _operation(route, schema_of, deprecated=path != route.path)
            paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Rondo", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": url}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _operation(route: Route, schema_of: dict[str, Document], *, deprecated: bool) -> Document:
    answers: dict[str, Document] = {str(route.status): {"description": "Done."}}
    if route.answer:
        answers[str(route.status)] = _content(
            "Done.", route.answer_media, schema_of[str(route.answer)]
        )
    for status in sorted(route.errors):
        error = GrantError if route.tag == "login" and status < 500 else Error
        answers[str(status)] = _content(HTTPStatus(status).phrase, JSON, schema_of[str(error)])
    operation: Document = {
        "operationId": ("" if route.path.startswith("/v1/") else route.method.lower() + "_")
        + re.sub(r"\W+", "_", route.path.replace("/v1/api/", "")).strip("_")
        + ("_alias" if deprecated else ""),
        "summary": route.summary,
        "tags": [route.tag],
        "responses": answers,
    }
    if parameters := list(_parameters(route)):
        operation["parameters"] = parameters
    if route.body:
        body = _content("", route.media, schema_of[str(route.body)])
        operation["requestBody"] = {"required": True, "content": body["content"]}
    if route.public:
        operation["security"] = []
    if deprecated:
        operation["deprecated"] = True
    return operation


def _parameters(route: Route) -> Iterator[Document]:
    text = {"schema": {"type": "string"}}
    for name in re.findall(r"{(\w+)}", route.path):
        yield {"name": name, "in": "path", "required": True, **text}
    for name in route.query:
        yield {"name": name, "in": "query", **text}
    for name in route.headers:
        yield {"name": name, "in": "header", "description": _HEADERS[name], **text}


def _content(description: str, media: str, schema: Document) -> Document:
    return {"description": description, "content": {media: {"schema": schema}}}
