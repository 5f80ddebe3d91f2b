"""Generators of random numbers that packages make when they are imported.

A fork has them as its zygote has, so all runs would draw the same. What a package has seeded by
chance is seeded anew in each run; what it has seeded with a number of its own stays so. Which is
which shows when the same import, done twice, gives a generator two states or one.
"""

import contextlib
import gc
import random
import sys
from collections.abc import Iterable
from typing import Any

_DIGEST = 8  # bytes


class Generators:
    """Those of a zygote, as far as they were looked for: only what is not frozen is found."""

    def __init__(self) -> None:
        self._all: list[Any] = [random._inst]
        self._by_chance: list[Any] = [*self._all]
        self._fixed: object = None  # state of the module's own, which a fork seeds anew by itself

    def renew(self) -> None:
        """Seed those anew that are seeded by chance."""
        for each in self._by_chance:
            with contextlib.suppress(Exception):  # a kind of its own
                _seed(each)
        if self._fixed:
            random.setstate(self._fixed)  # type: ignore[arg-type]

    def states(self) -> bytes:
        """After an import, done on trial behind `renew`: what `compare` takes."""
        self._look()
        return b"".join(map(_state, self._all))

    def compare(self, states: bytes) -> None:
        """After the same import, done for good."""
        known = {states[at : at + _DIGEST] for at in range(0, len(states), _DIGEST)}
        self._look()
        self._by_chance = [each for each in self._all if _state(each) not in known]
        ours = self._by_chance[:1] == self._all[:1]
        self._fixed = None if ours else random.getstate()

    def _look(self) -> None:
        kinds = tuple(_kinds())
        known = set(map(id, self._all))
        found = [each for each in gc.get_objects() if issubclass(type(each), kinds)]
        found += [torch.default_generator] if (torch := sys.modules.get("torch")) else []
        self._all += [each for each in found if id(each) not in known]


def _kinds() -> Iterable[type]:
    yield random.Random
    if numpy := sys.modules.get("numpy.random"):
        yield numpy.BitGenerator  # that of each Generator and RandomState


def _seed(generator: Any) -> None:
    if hasattr(generator, "seed"):
        generator.seed()
    else:  # as it would be unpickled, with the sequence that its children are seeded by
        generator.__setstate__(type(generator)().__reduce__()[2])


def _state(generator: Any) -> bytes:
    """A digest, alike in forks of one process; nothing of one without a state, as the system's."""
    for method in ("getstate", "initial_seed", "state"):
        with contextlib.suppress(Exception):
            state = getattr(generator, method)
            whole = b"".join(_pieces(state() if callable(state) else state))
            return hash(whole).to_bytes(_DIGEST, sys.byteorder, signed=True)
    return b""


def _pieces(state: Any) -> Iterable[bytes]:
    if isinstance(state, dict):
        for each in state.values():
            yield from _pieces(each)
    else:
        yield state.tobytes() if hasattr(state, "tobytes") else repr(state).encode()
