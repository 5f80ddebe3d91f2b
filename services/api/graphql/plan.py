"""What a document asks of each row, laid down once, and run without graphql-core.

Nearly all documents of clients are plain: fields and their arguments. To run them by a plan takes
a fifth of the processor time, and clients ask for a deployment before every inference.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_THINGS = 30_000  # that relations may give for one document

Problem = dict[str, Any]  # an entry of "errors"
Path = tuple[str | int, ...]
Values = Mapping[str, Any]


class TooMuch(Exception):
    """The document asks for too much at once."""


class _Null(Exception):
    """What can't be null is, so that the nearest thing around it that can be is null."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field that is asked for. `resolve` gets the row, an info with the execution as `context`,
    and the arguments, which `arguments` makes of the variables; without it the row has the value.
    `selected` is asked of each row that it gives. `write` makes a scalar what is sent."""

    key: str
    name: str
    resolve: Callable[..., Any] | None
    arguments: Callable[[Values], dict[str, Any]] | None
    selected: tuple["Field", ...] | None
    write: Callable[[Any], Any] | None
    many: bool
    nullable: bool
    items_nullable: bool
    of: str


class Execution:
    """A document that runs: its context, and how many things its relations have given so far.

    `explain` turns what a resolver raised into the entry that the client sees.
    """

    def __init__(
        self, context: Any, explain: Callable[[Any, Exception], Problem] = lambda _, __: {}
    ) -> None:
        self.given = context
        self.problems: list[Problem] = []
        self.context = self  # as resolvers find it, in an info
        self._explain = explain
        self._count = 0

    def count(self, result: Any) -> Any:
        """The result. Lists in lists in lists would be endless work: raises TooMuch."""
        self._count += len(result) if isinstance(result, list) else 1
        if self._count > MOST_THINGS:
            raise TooMuch(f"query: more than {MOST_THINGS} things; ask for less at once")
        return result

    def counted(self, result: Any) -> Any:
        """As `count`, of what may have to be awaited first."""
        return self._later(result) if isinstance(result, Awaitable) else self.count(result)

    async def _later(self, result: Awaitable[Any]) -> Any:
        return self.count(await result)

    async def run(self, plan: tuple[Field, ...], variables: Values) -> dict[str, Any] | None:
        """The data, in the order of the plan; `problems` has what went wrong."""
        try:
            return await self._row(plan, None, variables, ())
        except _Null:
            return None

    async def _row(
        self, plan: tuple[Field, ...], row: Any, variables: Values, path: Path
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in plan:
            place = (*path, field.key)
            try:
                value = await self._value(field, row, variables)
                found[field.key] = await self._complete(field, value, variables, place)
            except Exception as problem:
                if not isinstance(problem, _Null):
                    self.problems.append({**self._explain(self.given, problem), "path": place})
                if not field.nullable:
                    raise _Null from None
                found[field.key] = None
        return found

    async def _value(self, field: Field, row: Any, variables: Values) -> Any:
        if field.resolve is None:
            return row.get(field.name) if isinstance(row, dict) else getattr(row, field.name, None)
        arguments = field.arguments(variables) if field.arguments else {}
        value = field.resolve(row, self, **arguments)
        return await value if isinstance(value, Awaitable) else value

    async def _complete(self, field: Field, value: Any, variables: Values, path: Path) -> Any:
        if value is None:
            if field.nullable:
                return None
            raise TypeError(f"Cannot return null for non-nullable field {field.of}.")
        if not field.many:
            return await self._one(field, value, variables, path)
        return [
            await self._item(field, one, variables, (*path, place))
            for place, one in enumerate(value)
        ]

    async def _item(self, field: Field, value: Any, variables: Values, path: Path) -> Any:
        try:
            if value is None and not field.items_nullable:
                raise TypeError(f"Cannot return null for non-nullable field {field.of}.")
            return None if value is None else await self._one(field, value, variables, path)
        except _Null:
            if not field.items_nullable:
                raise
            return None

    async def _one(self, field: Field, value: Any, variables: Values, path: Path) -> Any:
        if field.selected is not None:
            return await self._row(field.selected, value, variables, path)
        return field.write(value) if field.write else value
