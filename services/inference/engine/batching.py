"""Small requests of several threads, run as one where a model is configured so.

The first of a batch waits for others, runs for all, and leaves each its rows. If the batch is
refused, each runs alone: nobody is refused for another's values.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from libs.domain.values import Batching, TensorSpec
from services.inference.engine.batch_plan import Batch, OpenBatches
from services.inference.engine.errors import Cancelled, Refused
from services.inference.engine.request import Cancel
from services.inference.engine.tensors import Array, Table

Feeds = Mapping[str, Array]
Run = Callable[[Feeds, int, Cancel | None], Table]


def can_batch(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> bool:
    """Whether all of them have rows, of any number: else a row's answer would be another's."""
    return all(spec.shape[:1] == [None] for spec in (*inputs, *outputs))


class Batches:
    """Of one model, whose `run` takes the inputs of any number of rows."""

    def __init__(self, batching: Batching, trees: bool, run: Run) -> None:
        self._seconds = batching.max_batch_delay_ms / 1000
        self._limit = batching.batch_size_limit
        self._run = run
        self._lock = threading.Condition()
        self._open: OpenBatches[_Member] = OpenBatches(batching, trees)

    def run(self, feeds: Feeds, rows: int, cancel: Cancel | None) -> Table:
        """The outputs of these rows. Refused(413) for more than the model is configured for."""
        if self._limit is not None and rows > self._limit:
            raise Refused(
                413, f"{rows} rows in one request; this model is configured for {self._limit}"
            )
        if not self._open.takes(rows):
            return self._run(feeds, rows, cancel)
        member = _Member(feeds, rows, cancel)
        kind = tuple((name, each.dtype.str, each.shape[1:]) for name, each in feeds.items())
        with self._lock:
            batch, first = self._open.join(kind, rows, member)
            self._lock.notify_all()
            if first:
                self._lock.wait_for(lambda: not self._open.is_open(batch), self._seconds)
                self._open.close(batch)
        if first:
            self._run_together(batch)
        member.done.wait()
        if member.table is not None:
            return member.table
        return self._run(feeds, rows, cancel)

    def _run_together(self, batch: Batch["_Member"]) -> None:
        """Leaves each of them its rows, or nothing, so that it runs alone."""
        members = [each for each in batch.members if not each.gone]
        try:
            if len(members) > 1:
                _share(members, self._run)
        except (Refused, Cancelled):
            pass
        finally:
            for each in batch.members:
                each.done.set()


def _share(members: Sequence["_Member"], run: Run) -> None:
    feeds = {
        name: np.concatenate([each.feeds[name] for each in members]) for name in members[0].feeds
    }
    together = Cancel()
    for each in members:
        each.watch(lambda: together.cancel() if all(one.gone for one in members) else None)
    table = run(feeds, sum(each.rows for each in members), together)
    start = 0
    for each in members:
        at = slice(start, start + each.rows)
        each.table = {name: values[at] for name, values in table.items()}
        start = at.stop


class _Member:
    """A request in a batch."""

    def __init__(self, feeds: Feeds, rows: int, cancel: Cancel | None) -> None:
        self.feeds = feeds
        self.rows = rows
        self.cancel = cancel
        self.table: Table | None = None
        self.done = threading.Event()

    def watch(self, on_gone: Callable[[], None]) -> None:
        """Calls it when its caller cancels, also if that has happened before."""
        self._on_gone = on_gone
        if self.cancel is not None:
            self.cancel.watch(self)

    @property
    def terminate(self) -> bool:
        """As Cancel sets it on what runs."""
        return self.gone

    @terminate.setter
    def terminate(self, _: bool) -> None:
        self._on_gone()

    @property
    def gone(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.cancel is not None and self.cancel.requested
