"""A page of rows, picked from tables that come one after the other."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from services.inference.logs.dataset import selected
from services.inference.logs.log_query import LogQuery, Place, Status, place
from services.inference.logs.merge import MAX_COLUMNS, merged
from services.inference.logs.unsealed import Entry

MAX_BYTES = 32 << 20  # of a page, as Arrow has it
_JSON = 4  # times as many are one of JSON, in memory
PLACE = ("time", "request.file", "request.offset", "request.row")
RUN = "request.run"

Numbers = Any  # an array of int64


class Page(NamedTuple):
    """`next` is the cursor after its last row, if it has one."""

    table: pa.Table
    status: Status
    next: str | None


class _Piece(NamedTuple):
    """The columns that are wanted, and the places of the rows."""

    table: pa.Table
    places: list[Numbers]
    row_bytes: float


class Rows:
    """Those that a query asks for, of what it is given. Times up to `forgotten_until` are not."""

    def __init__(self, query: LogQuery, forgotten_until: int) -> None:
        """Raises Rejected("invalid") for a bad cursor."""
        self._query = query
        self._cursor = place(query.cursor) if query.cursor is not None else None
        self.start = max(query.start, forgotten_until + 1)
        self.end = query.end
        if self._cursor and query.descending:
            self.end = min(self.end, self._cursor.time)
        elif self._cursor:
            self.start = max(self.start, self._cursor.time)
        self._max_bytes = MAX_BYTES // (_JSON if query.form == "json" else 1)
        self._pieces: list[_Piece] = []
        self._complete = True

    def may_hold(self, entry: Entry) -> bool:
        """Whether some of its rows may be asked for."""
        run = self._query.run
        return self.start <= entry.time <= self.end and (run is None or entry.run == run)

    def wanted(self, names: list[str]) -> list[str]:
        """Which of these columns have to be read."""
        shown = {*selected(names, self._query.dataset, self._query.exclude), *PLACE, RUN}
        return [name for name in names if name in shown]

    def add(self, table: pa.Table) -> None:
        """Takes the rows that are asked for."""
        if not (mask := self._mask(table)).all():
            table = table.filter(pa.array(mask))
        if table.num_rows:
            names = selected(table.column_names, self._query.dataset, self._query.exclude)
            shown = table.select(names)
            self._pieces.append(_Piece(shown, _places(table), shown.nbytes / table.num_rows))

    def enough(self, edge: int) -> bool:
        """Whether the page is full, if what else there is has no time before `edge`."""
        rows, size, sign = 0, 0.0, -1 if self._query.descending else 1
        for piece in self._pieces:
            before = int(np.count_nonzero(piece.places[0] * sign < edge * sign))
            rows += before
            size += before * piece.row_bytes
        limit = self._query.limit
        full = size >= self._max_bytes or (limit is not None and rows > limit)
        self._complete = self._complete and not full
        return full

    def page(self) -> Page:
        """The first rows in the order that was asked for."""
        if not self._pieces:
            return Page(pa.table({"time": pa.array([], pa.timestamp("ms"))}), "All", None)
        order = self._order()
        count, status = self._cut(order)
        ranks = np.full(len(order), -1)
        ranks[order[:count]] = np.arange(count)
        table = self._table(ranks)
        last = order[count - 1] if count else None
        if self._query.tail:
            table, last = table.take(pa.array(np.arange(count)[::-1])), order[0]
        return Page(table, status, None if last is None else self._place(last).text)

    def _mask(self, table: pa.Table) -> Any:
        places = _places(table)
        mask = (places[0] >= self.start) & (places[0] <= self.end)
        if self._cursor is not None:
            mask &= _after(places, self._cursor, -1 if self._query.descending else 1)
        if self._query.run is not None:
            runs = table[RUN].to_pylist()
            mask &= np.array([run == str(self._query.run) for run in runs], bool)
        return mask

    def _order(self) -> Numbers:
        """Indices into all rows."""
        keys = [np.concatenate([one.places[at] for one in self._pieces]) for at in range(4)]
        order = np.lexsort(keys[::-1])
        return order[::-1] if self._query.descending else order

    def _cut(self, order: Numbers) -> tuple[int, Status]:
        """How many of these rows there are room for, and what ends the page."""
        lengths = [piece.table.num_rows for piece in self._pieces]
        sizes = np.repeat([piece.row_bytes for piece in self._pieces], lengths)[order]
        by_size = int(np.searchsorted(np.cumsum(sizes), self._max_bytes)) + 1
        by_columns = self._columns_cut(np.repeat(np.arange(len(lengths)), lengths)[order])
        count, status = len(order), "All" if self._complete else "ByteLimited"
        if by_size < count:
            count, status = by_size, "ByteLimited"
        if by_columns < count:
            count, status = by_columns, "SchemaChange"
        if self._query.limit is not None and self._query.limit < count:
            count, status = self._query.limit, "RecordLimited"
        return count, status  # type: ignore[return-value]

    def _columns_cut(self, piece_of_row: Numbers) -> int:
        """The first row with which there were too many columns, of which one row may have as many
        as it likes."""
        names: set[str] = set()
        pieces, first = np.unique(piece_of_row, return_index=True)
        for at in np.argsort(first):
            names.update(self._pieces[pieces[at]].table.column_names)
            if len(names) > MAX_COLUMNS and first[at]:
                return int(first[at])
        return len(piece_of_row)

    def _table(self, ranks: Numbers) -> pa.Table:
        """The rows that have a rank, in the order of their ranks."""
        picked, their_ranks, at = [], [], 0
        for piece in self._pieces:
            mine = ranks[at : at + piece.table.num_rows]
            at += piece.table.num_rows
            if (mask := mine >= 0).any():
                picked.append(piece.table.filter(pa.array(mask)))
                their_ranks.append(mine[mask])
        if not picked:
            return self._pieces[0].table.slice(0, 0)
        return merged(picked).take(pa.array(np.argsort(np.concatenate(their_ranks))))

    def _place(self, row: int) -> Place:
        for piece in self._pieces:
            if row < piece.table.num_rows:
                return Place(*(int(numbers[row]) for numbers in piece.places))
            row -= piece.table.num_rows
        raise IndexError(row)


def _places(table: pa.Table) -> list[Numbers]:
    return [table[name].cast(pa.int64()).to_numpy() for name in PLACE]


def _after(places: list[Numbers], cursor: Place, sign: int) -> Any:
    """Which places come after the cursor; before it, if `sign` is -1."""
    after = np.zeros(len(places[0]), bool)
    for numbers, bound in zip(places[::-1], cursor[::-1], strict=True):
        after = (numbers * sign > bound * sign) | ((numbers == bound) & after)
    return after
