"""What notebooks show: a card for one thing, a table for many."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Protocol, TypeVar


class Shown(Protocol):
    def shown(self) -> Mapping[str, str]:
        """Titles and texts, in order."""


T = TypeVar("T", bound=Shown)

_ABBREVIATED = "SHA"


def card(fields: Mapping[str, str]) -> str:
    rows = (
        f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in fields.items()
    )
    return f"<table><tr><th>Field</th><th>Value</th></tr>{''.join(rows)}</table>"


def table(rows: Sequence[Mapping[str, str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in headings(rows[0]))
    lines = ("".join(f"<td>{escape(text)}</td>" for text in cells(row)) for row in rows)
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def headings(row: Mapping[str, str]) -> list[str]:
    """Of a table with such rows."""
    return [_HEADINGS.get(title, title.lower()) for title in row]


def cells(row: Mapping[str, str]) -> list[str]:
    """The same texts as on a card, save that a digest is shortened."""
    return [_abbreviated(text) if title == _ABBREVIATED else text for title, text in row.items()]


_HEADINGS = {"File Name": "filename", "Task": "task id"}


def _abbreviated(digest: str) -> str:
    return f"{digest[:6]}...{digest[-6:]}"


class Table(list[T]):
    """A list that a notebook shows as a table; `kind` names what is not there when it is empty."""

    def __init__(self, items: Iterable[T], kind: str) -> None:
        super().__init__(items)
        self._kind = kind

    def _repr_html_(self) -> str:
        return table([item.shown() for item in self]) if self else f"(no {self._kind})"
