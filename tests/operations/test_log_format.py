"""Lines of our own log: what is in them, and what never is."""

import json
import logging
from io import StringIO

import pytest

from libs.telemetry.log_format import JsonFormatter, TextFormatter, log_context, without_secrets

logger = logging.getLogger("tests.operations")


@pytest.fixture
def lines() -> StringIO:
    return StringIO()


def said(formatter: logging.Formatter, lines: StringIO) -> logging.Handler:
    handler = logging.StreamHandler(lines)
    handler.setFormatter(formatter)
    return handler


def log(handler: logging.Handler, message: str, *arguments: object, **more: object) -> None:
    logger.addHandler(handler)
    try:
        logger.warning(message, *arguments, **more)  # type: ignore[arg-type]
    finally:
        logger.removeHandler(handler)


def test_a_json_line_says_who_what_and_on_what_it_works(lines: StringIO) -> None:
    with log_context(request_id="r1", run_id="u1", task_id=""), log_context(task_id="t1"):
        log(said(JsonFormatter("executor"), lines), "run %s\nended", "u1")
    (line,) = lines.getvalue().splitlines()
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "warning",
        "service": "executor",
        "logger": "tests.operations",
        "message": "run u1\nended",
        "request_id": "r1",
        "run_id": "u1",
        "task_id": "t1",
    }


def test_what_is_bound_ends_with_its_block(lines: StringIO) -> None:
    with log_context(run_id="u1"):
        pass
    log(said(JsonFormatter("executor"), lines), "later")
    assert "run_id" not in json.loads(lines.getvalue())


def test_an_exception_is_in_the_same_line_without_its_secrets(lines: StringIO) -> None:
    try:
        raise ValueError("can't reach postgresql://rondo:s3cret@db/rondo")
    except ValueError:
        log(said(JsonFormatter("api"), lines), "failed", exc_info=True)
    (line,) = lines.getvalue().splitlines()
    assert "ValueError" in json.loads(line)["exception"]
    assert "s3cret" not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nats://user:pa55@host:4222/x", "nats://***host:4222/x"),
        ("Authorization: Bearer eyJhbGciOi.J9-_x/+=", "Authorization: Bearer ***"),
        ("dsn password=hunter2 host=db", "dsn password=*** host=db"),
        ("https://host/path@2?x=user@example.org", "https://host/path@2?x=user@example.org"),
    ],
)
def test_credentials_are_struck_out_and_nothing_else(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_text_lines_are_struck_out_too(lines: StringIO) -> None:
    log(said(TextFormatter("api"), lines), "at nats://token@host")
    assert lines.getvalue().endswith(" api WARNING tests.operations: at nats://***host\n")
