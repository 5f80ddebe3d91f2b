"""What commands print: tables for people, JSON or bare ids for programs."""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rondo.records import Record

_MAX_NAMES = 10
# What a terminal may obey: colours (SGR of ECMA-48), tabs, line ends, a bar that is drawn again.
_GOOD = re.compile(r"(\x1b\[[\d;:]*m|[\t\n\r])")

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def show(records: Sequence[Record], titles: Sequence[str], how: Namespace) -> None:
    """Print a table with the columns that `titles` name; as JSON, a list with everything."""
    if how.json:
        return dump([record.to_json() for record in records])
    if how.quiet:
        return ids(records)
    rows = [[title.upper() for title in titles]]
    for record in records:
        texts = record.shown()
        rows.append([plain(texts[title]) for title in titles])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return None


def one(record: Record, how: Namespace) -> None:
    """Print one thing, a line for each field."""
    if how.json:
        return dump(record.to_json())
    if how.quiet:
        return ids([record])
    texts = record.shown()
    width = max(map(len, texts))
    for title, text in texts.items():
        print(f"{title.ljust(width)}  {plain(text)}")
    return None


def upcoming(instants: Sequence[datetime], how: Namespace) -> None:
    """Print the next runs of a schedule, for people; JSON has them in a field."""
    if instants and not how.json and not how.quiet:
        print("\nNext runs:")
        for instant in instants:
            print(f"  {instant:%a} {instant.isoformat(' ')}")


def once(record: Record, field: str, secret: str | None, how: Namespace) -> None:
    """Print one thing with a secret that nobody can read again; with `--quiet` that alone."""
    if secret is None:
        return one(record, how)
    if how.json:
        return dump({**record.to_json(), field: secret})
    if not how.quiet:
        one(record, how)
        print(f"\nThe {field}, shown this once:")
    print(secret)
    return None


def excluded(names: Sequence[str]) -> None:
    """Print on standard error which files of a folder are not uploaded."""
    if names:
        shown = ", ".join(map(plain, names[:_MAX_NAMES]))
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        print(f"left out: {shown}{more} (--include-all takes them)", file=sys.stderr)


def ids(records: Iterable[Record]) -> None:
    """Print the ids alone, one a line."""
    for record in records:
        print(plain(str(record.id())))


def dump(value: Any) -> None:
    """Print as JSON."""
    print(json.dumps(value, indent=2))


def lines(texts: Iterable[str], as_json: bool) -> None:
    """Print lines of a log as they are, or as JSON objects, one a line.

    Of all control characters a terminal gets only colours, tabs and line ends.
    """
    to_terminal = sys.stdout.isatty()
    for line in texts:
        text = harmless(line) if to_terminal else line
        print(_json_line(line) if as_json else text, flush=True)


def follow(stamped: Iterable[str]) -> None:
    """Print the output of a run as the run prints it: a piece of a line stays open."""
    open_stream = ""
    for line in stamped:
        _, stream, flag, text = line.split(" ", 3)
        if open_stream not in ("", stream):
            print()
        open_stream = stream if flag == "P" else ""
        print(text, end="" if open_stream else "\n", flush=True)
    if open_stream:
        print()


def _json_line(line: str) -> str:
    time, stream, flag, text = line.split(" ", 3)
    fields = {"time": time, "stream": stream, "text": text}
    return json.dumps(fields | ({"partial": True} if flag == "P" else {}))


def harmless(text: str) -> str:
    """`text` with colours, tabs and line ends; other control characters become question marks."""
    return "".join(
        piece if _GOOD.fullmatch(piece) else plain(piece) for piece in _GOOD.split(text) if piece
    )


def plain(text: str) -> str:
    """`text` with a question mark for every control character."""
    return "".join(char if char.isprintable() else "?" for char in text)
