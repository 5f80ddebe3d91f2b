"""Lines of our own log: as text for people, or as JSON (RONDO_LOG_FORMAT=json) for collectors.

`log_context` says around some work what it is about (a request, a run, a task), and each line of it
carries that. Credentials in URLs and bearer tokens are replaced, wherever they come from.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

from libs.telemetry.repeated_lines import RepeatFilter

_bound: ContextVar[Mapping[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - never changed
_SECRETS = re.compile(r"(?<=://)[^/\s@]+@|(?<=[Bb]earer )[\w.~+/=-]+|(?<=password=)[^\s&'\"]+")


@contextmanager
def log_context(**ids: str) -> Iterator[None]:
    """Lines of the block, and of tasks begun in it, carry these ids; empty ones are left out."""
    token = _bound.set({**_bound.get(), **{name: id for name, id in ids.items() if id}})
    try:
        yield
    finally:
        _bound.reset(token)


class TextFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s {service} %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, service, logger, message, what is log_context, exception."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **_bound.get(),
        }
        if record.exc_info:
            fields["exception"] = without_secrets(self.formatException(record.exc_info))
        return msgspec.json.encode(fields).decode()


def without_secrets(text: str) -> str:
    """`text` with *** in place of credentials in URLs, bearer tokens and passwords."""
    return _SECRETS.sub("***", text)


def set_up(service: str, environ: Mapping[str, str]) -> None:
    """Sends the log to stderr, by RONDO_LOG_FORMAT and RONDO_LOG_LEVEL (INFO by default)."""
    handler = logging.StreamHandler()
    as_json = environ.get("RONDO_LOG_FORMAT", "text") == "json"
    handler.setFormatter(JsonFormatter(service) if as_json else TextFormatter(service))
    handler.addFilter(RepeatFilter(handler))
    level = environ.get("RONDO_LOG_LEVEL", "INFO").upper()
    logging.basicConfig(level=level, handlers=[handler])
    if not as_json and environ.get("RONDO_LOG_FORMAT", "text") != "text":
        logging.getLogger(__name__).warning("RONDO_LOG_FORMAT: give text or json; this is text")
