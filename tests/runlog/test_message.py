"""Chunks as messages, there and back."""

from uuid import UUID

import pytest

from libs.domain.errors import Rejected
from libs.runlog.chunks import Chunk
from libs.runlog.message import of_subject, pack, subject, unpack

TASK, RUN = UUID(int=1), UUID(int=2)
CHUNK = Chunk(40, 2, 1_733_779_300_373_000_001, 1_733_779_300_573_000_001, 84, b"\x28\xb5\0")


def test_there_and_back() -> None:
    headers, body = pack(CHUNK, TASK)
    assert headers == {
        "Rondo-Task": "00000000-0000-0000-0000-000000000001",
        "Rondo-Codec": "zstd",
        "Rondo-First-Line": "40",
        "Rondo-Lines": "2",
        "Rondo-First-At": "1733779300373000001",
        "Rondo-Last-At": "1733779300573000001",
        "Rondo-Raw-Bytes": "84",
    }
    assert unpack(headers | {"Nats-Msg-Id": "x"}, body) == (CHUNK, TASK)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Rondo-Lines", "two"), ("Rondo-Lines", None), ("Rondo-Codec", "gzip"), ("Rondo-Task", "7")],
)
def test_a_malformed_message_is_named(name: str, value: str | None) -> None:
    headers, body = pack(CHUNK, TASK)
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    with pytest.raises(Rejected, match=name):
        unpack(headers, body)


def test_subjects() -> None:
    assert subject(7, RUN) == "log.7.00000000-0000-0000-0000-000000000002"
    assert of_subject(subject(7, RUN)) == (7, RUN)
    for wrong in ("log.7", "log.x.y", "log.7.y", "log.7.8.9"):
        with pytest.raises(Rejected, match="log message"):
            of_subject(wrong)
