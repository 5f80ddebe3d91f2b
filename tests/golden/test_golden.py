"""Every event ever published is read as it was meant, and published today as it was then."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.domain.events import EVENT_TYPES, decode
from tests.golden.examples import EXAMPLES, HISTORIES
from tests.golden.files import (
    GoldenEvent,
    GoldenHistory,
    event_files,
    folded,
    history_files,
    published,
    spelled_out,
)

TYPES = sorted(kind.__name__ for kind in EVENT_TYPES)


def event_of(path: Path) -> GoldenEvent:
    return msgspec.json.decode(path.read_bytes(), type=GoldenEvent)


def assert_still(pinned: Any, now: Any) -> None:
    """All that is pinned is so now; a later version may say more."""
    if isinstance(pinned, dict):
        assert isinstance(now, dict)
        for name, value in pinned.items():
            assert name in now
            assert_still(value, now[name])
    else:
        assert now == pinned


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_event_is_pinned(kind: str) -> None:
    assert kind in {path.stem for path in event_files()}, "see the docstring of files.py"


def test_every_golden_file_has_its_example() -> None:
    assert {path.stem for path in event_files()} == set(EXAMPLES)
    assert {path.stem for path in history_files()} == set(HISTORIES)


@pytest.mark.parametrize("path", event_files(), ids=lambda path: path.stem)
def test_i4_what_was_published_is_read_as_it_was_meant(path: Path) -> None:
    golden = event_of(path)
    assert_still(golden.means, spelled_out(golden.message.read()))


@pytest.mark.parametrize("path", event_files(), ids=lambda path: path.stem)
def test_what_is_published_today_is_what_was_published(path: Path) -> None:
    """A change of these bytes is a change of the public contract: make it a new optional field,
    or a new version."""
    golden = event_of(path)
    stream, event = EXAMPLES[path.stem]
    found, body = published(stream, event)
    assert body == golden.message.body.encode()
    assert stream.subject == golden.message.subject
    drawn = {name: golden.message.headers[name] for name in ("Nats-Msg-Id", "ce-id", "ce-time")}
    assert {**found, **drawn} == golden.message.headers


@pytest.mark.parametrize("path", history_files(), ids=lambda path: path.stem)
def test_i4_histories_fold_to_what_they_folded_to(path: Path) -> None:
    golden = msgspec.json.decode(path.read_bytes(), type=GoldenHistory)
    assert_still(golden.state, folded(golden.messages))


def test_fields_of_later_versions_do_not_stop_this_one() -> None:
    """A rolling upgrade: the old reads what the new writes, as long as it only adds."""
    event = decode(b'{"type":"TaskKilled","keep_logs":true,"since":"2027"}')
    assert spelled_out(event) == {"type": "TaskKilled", "keep_logs": True, "missed": 0}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"type":"TaskForgotten"}',
        b'{"type":"RunStarted"}',
        b'{"type":"RunStarted","executor":7}',
        b'{"type":"RunFinished","status":"running","reason":"r"}',
        b'{"type":"RunRequested","task":"me","scheduled_at":"2026-03-02T12:00:00Z"}',
    ],
)
def test_what_is_no_event_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(body)
