"""Tables for people, JSON and bare ids for programs."""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rondo.models import Record

_MOST_NAMED = 10
# What a terminal may heed: colours (SGR of ECMA-48), tabs, line ends, a bar that is drawn anew.
_GOOD = re.compile(r"(\x1b\[[\d;:]*m|[\t\n\r])")

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def show(records: Sequence[Record], titles: Sequence[str], how: Namespace) -> None:
    """The columns that `titles` name, a line each; as JSON everything, in one list."""
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
    """For people: of `--json` they are a field."""
    if instants and not how.json and not how.quiet:
        print("\nNext runs:")
        for instant in instants:
            print(f"  {instant:%a} {instant.isoformat(' ')}")


def once(record: Record, field: str, secret: str | None, how: Namespace) -> None:
    """With what can't be read again; of `--quiet` that alone."""
    if secret is None:
        return one(record, how)
    if how.json:
        return dump({**record.to_json(), field: secret})
    if not how.quiet:
        one(record, how)
        print(f"\nThe {field}, shown this once:")
    print(secret)
    return None


def left_out(names: Sequence[str]) -> None:
    """On standard error: what of a folder is not uploaded."""
    if names:
        shown = ", ".join(map(plain, names[:_MOST_NAMED]))
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        print(f"left out: {shown}{more} (--include-all takes them)", file=sys.stderr)


def ids(records: Iterable[Record]) -> None:
    for record in records:
        print(plain(str(record.id())))


def dump(found: Any) -> None:
    print(json.dumps(found, indent=2))


def lines(texts: Iterable[str], as_json: bool) -> None:
    """Stamped lines of a log as they are, or as JSON objects, a line each. A terminal gets colours
    and tabs of them, and nothing else that it would heed."""
    to_terminal = sys.stdout.isatty()
    for line in texts:
        shown = harmless(line) if to_terminal else line
        print(_object(line) if as_json else shown, flush=True)


def follow(stamped: Iterable[str]) -> None:
    """What a run prints as it would print it here: a piece of a line is gone on with."""
    going_on = ""
    for line in stamped:
        _, stream, flag, text = line.split(" ", 3)
        if going_on not in ("", stream):
            print()
        going_on = stream if flag == "P" else ""
        print(text, end="" if going_on else "\n", flush=True)
    if going_on:
        print()


def _object(line: str) -> str:
    time, stream, flag, text = line.split(" ", 3)
    found = {"time": time, "stream": stream, "text": text}
    return json.dumps(found | ({"partial": True} if flag == "P" else {}))


def harmless(text: str) -> str:
    """Colours, tabs and line ends; every other control character as a question mark."""
    return "".join(
        piece if _GOOD.fullmatch(piece) else plain(piece) for piece in _GOOD.split(text) if piece
    )


def plain(text: str) -> str:
    """Nothing that would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)
