"""Which requests are run together. Pure: it knows neither threads nor a clock."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from libs.domain.values import Batching

Member = TypeVar("Member")

# From one row more on, the sums of trees are grouped by thread: a row's digits would depend on
# whose rows came with it.
MAX_TREE_ROWS = 50


class Batch(Generic[Member]):
    """Requests of one kind, `rows` in all, in the order in which they came."""

    def __init__(self, kind: Hashable) -> None:
        self.kind = kind
        self.members: list[Member] = []
        self.rows = 0


class OpenBatches(Generic[Member]):
    """Those that others may still join: one for each kind of request, by shapes and types."""

    def __init__(self, batching: Batching, trees: bool) -> None:
        most = MAX_TREE_ROWS if trees else max(batching.batch_size_target, 1)
        self.target = min(batching.batch_size_target, most)
        self._open: dict[Hashable, Batch[Member]] = {}

    def takes(self, rows: int) -> bool:
        """Whether a request of so many rows is run with others at all."""
        return 0 < rows < self.target

    def join(self, kind: Hashable, rows: int, member: Member) -> tuple[Batch[Member], bool]:
        """The batch that it is in, and whether it is the first there. A batch that it would make
        too large is closed, and it begins another."""
        batch = self._open.get(kind)
        first = batch is None or batch.rows + rows > self.target
        if batch is None or first:
            batch = self._open[kind] = Batch(kind)
        batch.members.append(member)
        batch.rows += rows
        if batch.rows >= self.target:
            self.close(batch)
        return batch, first

    def close(self, batch: Batch[Member]) -> None:
        """Nobody joins it any more."""
        if self._open.get(batch.kind) is batch:
            del self._open[batch.kind]

    def is_open(self, batch: Batch[Member]) -> bool:
        """Whether others may still join it."""
        return self._open.get(batch.kind) is batch
