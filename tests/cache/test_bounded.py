"""Which keys a full cache keeps."""

import pytest

from libs.cache.bounded import BoundedCache


def test_a_full_cache_forgets_the_key_that_was_set_longest_ago() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache["a"] = 1
    cache["b"] = 2
    cache["c"] = 3
    assert dict(cache) == {"b": 2, "c": 3}


def test_a_key_that_is_set_again_becomes_the_newest_and_pushes_none_out() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache["a"] = 1
    cache["b"] = 2
    cache["a"] = 3
    assert dict(cache) == {"b": 2, "a": 3}
    cache["c"] = 4
    assert dict(cache) == {"a": 3, "c": 4}


def test_reading_a_key_does_not_keep_it() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache.update(a=1, b=2)
    assert cache["a"] == 1
    cache["c"] = 3
    assert "a" not in cache


def test_a_cache_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="max_size"):
        BoundedCache(0)
