"""Messages are read alike however the connection cuts them."""

from hypothesis import given
from hypothesis import strategies as st

from libs.eventlog.message import frames, parse_headers

HEADERS = b"NATS/1.0\r\nce-id: 1\r\nodd:x\r\n\r\n"


def message(subject: str, reply: str, body: bytes) -> bytes:
    sizes = f"{len(HEADERS)} {len(HEADERS) + len(body)}"
    line = " ".join(word for word in ("HMSG", subject, "7", reply, sizes) if word)
    return line.encode() + b"\r\n" + HEADERS + body + b"\r\n"


@given(st.lists(st.binary(max_size=30), max_size=5), st.integers(0, 600))
def test_whole_messages_are_found_up_to_any_cut(bodies: list[bytes], cut: int) -> None:
    sent = [message("a.b", "r" * (n % 2), body) for n, body in enumerate(bodies)]
    data = b"".join(sent)[:cut]
    whole = [n for n in range(1, len(sent) + 1) if len(b"".join(sent[:n])) <= len(data)]
    assert frames(data) == [
        (len(b"".join(sent[:n])), 7, b"a.b", b"r" * ((n - 1) % 2), bodies[n - 1], HEADERS)
        for n in whole
    ]


def test_headers_with_and_without_a_word_of_the_server() -> None:
    assert parse_headers(HEADERS) == {"ce-id": "1", "odd": "x"}
    usual = b"NATS/1.0\r\none: 1\r\nempty: \r\ntime: 10:30\r\n\r\n"
    assert parse_headers(usual) == {"one": "1", "empty": "", "time": "10:30"}
    assert parse_headers(b"NATS/1.0\r\nsays: a: b\r\n\r\n") == {"says": "a: b"}
    assert parse_headers(b"NATS/1.0\r\n\r\n") == {}
    assert parse_headers(b"NATS/1.0 404 No Messages\r\n\r\n") == {
        "Status": "404",
        "Description": "No Messages",
    }
    assert parse_headers(None) == {}
