"""The key ring's file: the newest key is the last, and what is wrong with it is said by line."""

import base64

import pytest

from libs.vault.crypto import CanNotOpen
from libs.vault.ring import BadRing, KeyRing, new_line


def line(id: str, fill: int = 0, size: int = 32) -> str:
    return f"{id} {base64.b64encode(bytes([fill]) * size).decode()}\n"


def test_the_newest_seals_and_all_open() -> None:
    old = KeyRing(line("2025", 1))
    both = KeyRing(f"# keys\n\n{line('2025', 1)}{line('2026', 2)}")
    assert both.newest.id == "2026"
    assert both.open(old.newest.seal(b"s", "me"), "me") == b"s"
    assert both.open(both.newest.seal(b"s", "me"), "me") == b"s"
    with pytest.raises(CanNotOpen, match="2026 is not in the ring"):
        old.open(both.newest.seal(b"s", "me"), "me")


def test_a_new_line_is_one() -> None:
    first = new_line()
    ring = KeyRing(first)
    assert first.startswith(f"{ring.newest.id} ")
    assert base64.b64decode(first.split()[1]) != base64.b64decode(new_line().split()[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no key in it"),
        ("# nothing\n", "no key in it"),
        ("key\n", "line 1: key key is no 32 bytes"),
        (line("a") + "b c!d\n", "line 2: key b is no 32 bytes"),
        (line("a", size=31), "line 1: key a is no 32 bytes"),
        (line("a.b"), "line 1: the id is wrong"),
        (line("a") + line("a", 1), "line 2: key a is there twice"),
    ],
)
def test_what_is_wrong_is_said_without_a_key(text: str, words: str) -> None:
    with pytest.raises(BadRing, match=words) as caught:
        KeyRing(text)
    for secret in (word for part in text.splitlines() for word in part.split()[1:]):
        assert secret not in str(caught.value)
