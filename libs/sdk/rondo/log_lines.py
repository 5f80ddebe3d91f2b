"""The lines of a run's output, and the texts in them."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from rondo.instants import TIME_FORMAT, parse_instant


class Logs(list[str]):
    """The output of a run: lines as `<time> <stdout|stderr> <F|P> <text>`, oldest first.

    `F` marks a full line, `P` a piece of one. `complete` is true once no more lines will come.
    """

    def __init__(self, answer: Mapping[str, Any], time_format: str = TIME_FORMAT) -> None:
        super().__init__(answer["logs"])
        self.complete = bool(answer.get("complete", False))
        self._time_format = time_format

    def texts(self) -> list[str]:
        """The lines as they were printed, without stamps.

        Pieces are joined. A line that was drawn over, such as a progress bar, is as it ended.
        """
        return joined_texts(self)

    def _repr_html_(self) -> str:
        if not self:
            return "(no logs yet)"
        lines = (
            f"{parse_instant(line).strftime(self._time_format)} {text_of(line)}" for line in self
        )
        return "<pre><code>" + escape("\n".join(lines)) + "</code></pre>"


def text_of(line: str) -> str:
    """The text of a stamped line."""
    return line.split(" ", 3)[3]


def joined_texts(stamped: Iterable[str]) -> list[str]:
    """The texts of stamped lines, with pieces (P) joined.

    The last line of a stream may have no end yet.
    """
    lines: list[list[str]] = []
    unfinished: dict[str, list[str]] = {}
    for line in stamped:
        _, stream, flag, text = line.split(" ", 3)
        pieces = unfinished.pop(stream, None)
        if pieces is None:
            lines.append(pieces := [])
        pieces.append(text)
        if flag == "P":
            unfinished[stream] = pieces
    return [visible_text("".join(pieces)) for pieces in lines]


class LineTexts:
    """The texts of stamped lines that come one by one: pieces as they are, each once."""

    def __init__(self) -> None:
        self._unfinished: set[str] = set()

    def of(self, line: str) -> str | None:
        """The text of the next line, or None for the empty end of one whose pieces were given."""
        _, stream, flag, text = line.split(" ", 3)
        continues = stream in self._unfinished
        (self._unfinished.add if flag == "P" else self._unfinished.discard)(stream)
        return None if continues and flag == "F" and not text else visible_text(text)


def visible_text(text: str) -> str:
    """What a terminal shows of a line: a carriage return starts it anew."""
    end = len(text.rstrip("\r"))
    cut = text.rfind("\r", 0, end)
    return text if cut < 0 else text[cut + 1 : end]
