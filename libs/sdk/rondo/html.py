"""What notebooks show: a card for one thing, a table for many."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Protocol, TypeVar


class Showable(Protocol):
    """Anything that people can see."""

    def shown(self) -> Mapping[str, str]:
        """What people see of it: titles and texts, in order."""


T = TypeVar("T", bound=Showable)

_SHORTENED = "SHA"


def card(fields: Mapping[str, str]) -> str:
    """An HTML table with a row for each field of one thing."""
    rows = (
        f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in fields.items()
    )
    return f"<table><tr><th>Field</th><th>Value</th></tr>{''.join(rows)}</table>"


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """An HTML table with a row for each thing; `rows` is not empty."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in headings(rows[0]))
    lines = ("".join(f"<td>{escape(text)}</td>" for text in cells(row)) for row in rows)
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def headings(row: Mapping[str, str]) -> list[str]:
    """The headings of a table with such rows."""
    return [_HEADINGS.get(title, title.lower()) for title in row]


def cells(row: Mapping[str, str]) -> list[str]:
    """The texts of a card, with a shortened digest."""
    return [_shortened(text) if title == _SHORTENED else text for title, text in row.items()]


_HEADINGS = {"File Name": "filename", "Task": "task id"}


def _shortened(digest: str) -> str:
    return f"{digest[:6]}...{digest[-6:]}"


class Table(list[T]):
    """A list that a notebook shows as a table. `kind` names what it holds, for an empty one."""

    def __init__(self, items: Iterable[T], kind: str) -> None:
        super().__init__(items)
        self._kind = kind

    def _repr_html_(self) -> str:
        return table([item.shown() for item in self]) if self else f"(no {self._kind})"
