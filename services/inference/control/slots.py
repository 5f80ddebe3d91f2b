"""Uids for what is forked: each has one of its own while it lives."""


class Slots:
    """From `first` on, or none at all."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._taken: set[int] = set()

    def take(self) -> int:
        """The lowest that is free."""
        slot = 0
        while slot in self._taken:
            slot += 1
        self._taken.add(slot)
        return self._first + slot

    def give_back(self, uid: int | None) -> None:
        """Its process has ended; None where it had none of its own."""
        if uid is not None:
            self._taken.discard(uid - self._first)
