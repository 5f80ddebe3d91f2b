"""Sealed texts: only the right key opens them, for the right owner, as they were sealed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.vault.crypto import KEY_BYTES, CanNotOpen, Key, key_id, new_material

KEY = Key("k-1", new_material())
SECRET = b'{"password": "correct horse"}'


@given(st.binary(max_size=500), st.text(max_size=50))
def test_what_is_sealed_can_be_opened(secret: bytes, identity: str) -> None:
    sealed = KEY.seal(secret, identity)
    assert KEY.open(sealed, identity) == secret
    assert key_id(sealed) == "k-1"
    assert sealed.isascii()


def test_a_sealed_text_shows_nothing_and_differs_each_time() -> None:
    texts = {KEY.seal(SECRET, "me") for _ in range(100)}
    assert len(texts) == 100
    assert not any("horse" in text for text in texts)


def test_it_can_not_be_moved_to_another_owner() -> None:
    with pytest.raises(CanNotOpen, match="for you"):
        KEY.open(KEY.seal(SECRET, "me"), "you")


def test_another_key_does_not_open_it_even_under_the_same_id() -> None:
    sealed = KEY.seal(SECRET, "me")
    with pytest.raises(CanNotOpen):
        Key("k-1", new_material()).open(sealed, "me")


def test_every_changed_character_is_noticed() -> None:
    sealed = KEY.seal(b"short", "me")
    for at in range(len(sealed)):
        other = "B" if sealed[at] == "A" else "A"
        with pytest.raises(CanNotOpen):
            KEY.open(sealed[:at] + other + sealed[at + 1 :], "me")


@pytest.mark.parametrize(
    "text", ["", "v1", "v1.k-1.AAAA", "v2.k-1.AAAA.AAAA", "v1.k-1.A.!", "v1.k-1.."]
)
def test_what_is_no_sealed_text(text: str) -> None:
    with pytest.raises(CanNotOpen):
        KEY.open(text, "me")


def test_a_key_has_one_size_and_shows_itself_to_nobody() -> None:
    material = b"x" * KEY_BYTES
    assert "xxx" not in repr(Key("k", material))
    with pytest.raises(ValueError, match="32 bytes"):
        Key("k", material[1:])
