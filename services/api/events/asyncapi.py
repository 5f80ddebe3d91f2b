"""The AsyncAPI 3 document: the channels of events, and what each event says."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from libs.domain.events import AGGREGATE_OF, EVENT_TYPES, SEALED
from libs.domain.ids import EVENTS_ROOT
from libs.domain.registry import AGGREGATES
from libs.eventfeed.cloudevent import CloudEvent
from libs.eventlog.envelope import Recorded
from services.api.events.filter_parsing import NAMES
from services.api.events.handlers import PATH
from services.api.events.published_events import examples, publishers
from services.api.fields import VERSION

Document = dict[str, Any]

_ABOUT = """\
Everything that happens is an event in one log, in one order, kept for ever. A published event is
changed only by adding optional fields: readers ignore the fields that they do not know. Fields with
a default are left out where they have it."""

# CloudEvents in binary mode: an attribute is a header, with this in front.
_PREFIX = "ce-"
_LOG_HEADERS = {"Nats-Msg-Id": "The `ce-id`.", "traceparent": "W3C Trace Context, if any."}


def document(url: str) -> Document:
    """The document; `url` is the address of the API."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Rondo events", "version": VERSION, "description": _ABOUT},
        "defaultContentType": "application/json",
        "servers": _servers(url),
        "channels": {"live": _live(), **{kind: _subject(kind) for kind in AGGREGATES}},
        "operations": {"subscribe": _subscribe(), **{kind: _publish(kind) for kind in AGGREGATES}},
        "components": {
            "messages": {"CloudEvent": _cloud_event()} | {name: _event(name) for name in names()},
            "schemas": schemas(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def names() -> list[str]:
    return list(AGGREGATE_OF)


def schemas() -> dict[str, Document]:
    """The schemas of events and their parts, of the envelope in JSON, and of the headers on
    NATS."""
    kinds = [*EVENT_TYPES, CloudEvent]
    _, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    for name, field in SEALED.items():
        del components[name]["properties"][field]
        components[name]["required"].remove(field)
        components[name]["description"] += f"\n\nSubscribers are not shown `{field}`."
    cloud_event = components["CloudEvent"]
    cloud_event["properties"]["data"] = {"oneOf": [_ref("schemas", name) for name in names()]}
    return {**components, "Headers": _headers(cloud_event)}


def _headers(cloud_event: Document) -> Document:
    """The attributes of the envelope, without those that NATS itself carries."""
    skipped = {"data", "datacontenttype", "sequence", "workspaceid"}
    attributes = {
        _PREFIX + name: {**schema, "type": "string"}
        for name, schema in cloud_event["properties"].items()
        if name not in skipped
    }
    others = {name: {"type": "string", "description": of} for name, of in _LOG_HEADERS.items()}
    content = {"content-type": {"type": "string", "enum": ["application/json"]}}
    required = [_PREFIX + name for name in cloud_event["required"] if name not in skipped]
    return {
        "type": "object",
        "properties": attributes | others | content,
        "required": ["Nats-Msg-Id", *required, "content-type"],
    }


def _servers(url: str) -> Document:
    api = urlsplit(url)
    return {
        "api": {
            "host": api.netloc,
            "protocol": api.scheme,
            "pathname": api.path or "/",
            "security": [_ref("securitySchemes", "bearer")],
        },
        "nats": {
            "host": "{host}",
            "protocol": "nats",
            "description": "With the credentials of a subscription, where it is open to users.",
            "variables": {"host": {"description": "Name and port of a NATS server."}},
        },
    }


def _live() -> Document:
    return {
        "address": PATH,
        "title": "All events, over HTTP",
        "description": "Server-sent events: each has its sequence as its id, its type as its event,"
        " and the CloudEvent as its data.",
        "servers": [{"$ref": "#/servers/api"}],
        "messages": {"CloudEvent": _ref("messages", "CloudEvent")},
    }


def _subscribe() -> Document:
    query = {"type": "object", "properties": {name: {"type": "string"} for name in NAMES}}
    return {
        "action": "send",
        "summary": "What a subscriber may see of what they ask for, from where they want it on.",
        "channel": {"$ref": "#/channels/live"},
        "bindings": {"http": {"method": "GET", "query": query, "bindingVersion": "0.3.0"}},
    }


def _subject(kind: str) -> Document:
    return {
        "address": f"{EVENTS_ROOT}.{{workspace}}.{kind}.{{id}}",
        "title": f"What happens to a {kind}, on NATS",
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": {
            "workspace": {"description": "The workspace's number; 0 for what lies in none."},
            "id": {"description": f"The {kind}'s id."},
        },
        "messages": {name: _ref("messages", name) for name in _of(kind)},
    }


def _publish(kind: str) -> Document:
    return {
        "action": "send",
        "summary": f"Publish what has happened to a {kind}.",
        "channel": {"$ref": f"#/channels/{kind}"},
    }


def _of(kind: str) -> Iterator[str]:
    return (name for name, of in AGGREGATE_OF.items() if of == kind)


def _cloud_event() -> Document:
    return {
        "name": "CloudEvent",
        "title": "An event and its circumstances",
        "payload": _ref("schemas", "CloudEvent"),
        "examples": [{"name": name, "payload": as_example(name)} for name in names()],
    }


def _event(name: str) -> Document:
    return {
        "name": name,
        "title": name,
        "summary": f"Published by {' or '.join(publishers(name))}.",
        "headers": _ref("schemas", "Headers"),
        "payload": _ref("schemas", name),
        "examples": [{"payload": _example(each)["data"]} for each in examples(name)],
    }


def as_example(name: str) -> Document:
    """An example in the form that subscribers get."""
    return _example(examples(name)[0])


def _example(event: Recorded) -> Document:
    payload: Document = msgspec.json.decode(msgspec.json.encode(CloudEvent.of(event)))
    return payload


def _ref(part: str, name: str) -> Document:
    return {"$ref": f"#/components/{part}/{name}"}
