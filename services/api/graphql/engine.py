"""Executes GraphQL documents over a schema: the only file that imports graphql-core.

A document is checked before it runs: its size, how deep it goes and how many fields it asks for,
fragments counted as often as they are used. Then the schema. Introspection in its usual form is
answered from bytes made once.

Most documents are plain, and run by a plan (plan.py); the others by graphql-core. One file, though
a long one: all that knows graphql-core is here.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    execute,
    execute_sync,
    get_argument_values,
    get_introspection_query,
    get_variable_values,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
    print_ast,
    specified_scalar_types,
    validate,
)

from services.api.graphql.plan import Execution, Field, Problem, TooMuch
from services.api.text import instant

MOST_CHARACTERS = 32 << 10
MOST_TOKENS = 2000
MOST_FIELDS = 600
MOST_ALIKE = 20  # fields of one name at one place: each is compared with each
MOST_VALUES = 2000  # in the variables
DEEPEST = 20
_MOST_ERRORS = 5

Resolver = Callable[..., Any]  # what it gives may be awaited; what need not be is cheaper
Place = tuple[str, ...]  # the names on the way to a field
Plan = tuple[tuple[Field, ...], Any]  # what to run, and the variables that it takes
_OURS = (GraphQLError, TooMuch)  # what they say is for the client
_TOO_MANY: Problem = {"message": f"variables: more than {MOST_VALUES} values; give fewer"}


class Engine:
    """`resolvers` by type and field. Each gets the context, the row that the field is of (unless
    it is a field of a root), and the arguments of the field.

    A field of a row without one is what the row has under its name. A query without one gives
    nothing: an empty list or null. `explain` turns what a resolver raised into the entry that the
    client sees.
    """

    def __init__(
        self,
        sdl: str,
        resolvers: Mapping[tuple[str, str], Resolver],
        explain: Callable[[Any, Exception], Problem],
    ) -> None:
        self._schema = build_schema(sdl)
        self._explain = explain
        _parse_scalars(self._schema)
        _resolve(self._schema, resolvers)
        self._checked = lru_cache(256)(self._check)
        self._planned = lru_cache(256)(self._plan)
        self._introspection = self._introspected()

    async def answer(
        self,
        text: str,
        variables: Mapping[str, Any] | None = None,
        operation: str | None = None,
        context: Any = None,
    ) -> bytes:
        """The answer as JSON: {"data"}, {"errors"}, or both."""
        if text in self._introspection:
            return self._introspection[text]
        checked = self._checked(text)
        if not isinstance(checked, DocumentNode):
            return msgspec.json.encode({"errors": checked})
        if not _few(variables or {}):
            return msgspec.json.encode({"errors": [_TOO_MANY]})
        run = Execution(context, self._explain_all)
        if operation is None and (plan := self._planned(text)):
            fields, definitions = plan
            given = get_variable_values(self._schema, definitions, dict(variables or {}))
            if isinstance(given, dict):
                data = await run.run(fields, given)
                errors = {"errors": run.problems} if run.problems else {}
                return msgspec.json.encode({**errors, "data": data})
        result = execute(
            self._schema,
            checked,
            context_value=run,
            variable_values=dict(variables or {}),
            operation_name=operation,
            max_coercion_errors=_MOST_ERRORS,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        return self._encoded(result, context)

    def _encoded(self, result: ExecutionResult, context: Any) -> bytes:
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [self._problem(error, context) for error in result.errors]
        if result.data is not None or not result.errors:
            answer["data"] = result.data
        return msgspec.json.encode(answer)

    def _problem(self, error: GraphQLError, context: Any) -> Problem:
        if error.original_error is None or isinstance(error.original_error, GraphQLError):
            return {"message": error.message}
        problem = self._explain_all(context, error.original_error)
        return problem | ({"path": list(error.path)} if error.path else {})

    def _explain_all(self, context: Any, error: Exception) -> Problem:
        return (
            {"message": str(error)} if isinstance(error, _OURS) else self._explain(context, error)
        )

    def _plan(self, text: str) -> Plan | None:
        """None for a document that is not plain; graphql-core runs it."""
        document = parse(text)
        if len(document.definitions) != 1:
            return None
        (operation,) = document.definitions
        if not isinstance(operation, OperationDefinitionNode) or operation.directives:
            return None
        root = self._schema.get_root_type(operation.operation)
        fields = _fields(root, operation.selection_set) if root else None
        return (fields, operation.variable_definitions) if fields else None

    def _check(self, text: str) -> DocumentNode | list[Problem]:
        """The document if it may run, else its errors."""
        try:
            document = parse(_short(text), max_tokens=MOST_TOKENS)
            _measure(document)
        except RecursionError:
            return [{"message": "query: nested too deeply; ask for less at once"}]
        except GraphQLError as error:
            return [{"message": error.message}]
        errors = validate(self._schema, document, max_errors=_MOST_ERRORS)
        return [{"message": error.message} for error in errors] or document

    def _introspected(self) -> dict[str, bytes]:
        """Answers to the usual query, by the two texts in which clients send it."""
        usual = get_introspection_query()
        document = parse(usual)
        answer = self._encoded(execute_sync(self._schema, document), None)
        return {usual: answer, print_ast(document): answer}


def _fields(of: GraphQLObjectType, selected: SelectionSetNode) -> tuple[Field, ...] | None:
    """None where they are not plain: fragments, directives, one of the fields twice, schemas."""
    found: dict[str, Field] = {}
    for node in selected.selections:
        if not isinstance(node, FieldNode) or node.directives:
            return None
        key = (node.alias or node.name).value
        definition = of.fields.get(node.name.value)
        field = _field(of, key, node, definition) if definition and key not in found else None
        if field is None:
            return None
        found[key] = field
    return tuple(found.values())


def _field(
    of: GraphQLObjectType, key: str, node: FieldNode, definition: GraphQLField
) -> Field | None:
    kind, nullable = _unwrapped(definition.type)
    many, items_nullable = is_list_type(kind), True
    if many:
        kind, items_nullable = _unwrapped(kind.of_type)
    inner = None
    if node.selection_set:
        inner = _fields(kind, node.selection_set)
    if is_list_type(kind) or (inner is None) != is_leaf_type(kind):
        return None
    return Field(
        key=key,
        name=node.name.value,
        resolve=definition.resolve,
        arguments=partial(get_argument_values, definition, node) if definition.args else None,
        selected=inner,
        write=None if inner or kind.name not in specified_scalar_types else kind.serialize,
        many=many,
        nullable=nullable,
        items_nullable=items_nullable,
        of=f"{of.name}.{node.name.value}",
    )


def _unwrapped(kind: Any) -> tuple[Any, bool]:
    """A type without its exclamation mark, and whether it had none."""
    return (kind.of_type, False) if is_non_null_type(kind) else (kind, True)


def _short(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise GraphQLError(f"query: more than {MOST_CHARACTERS} characters; ask for less at once")
    return text


def _measure(document: DocumentNode) -> None:
    """Raises GraphQLError for a document that goes too deep or asks for too much."""
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    budget = [MOST_FIELDS]
    alike: Counter[Place] = Counter()

    def walk(selected: SelectionSetNode | None, place: Place) -> None:
        for node in selected.selections if selected else ():
            budget[0] -= 1
            if budget[0] < 0:
                # Also the end of a fragment that holds itself.
                raise GraphQLError(f"query: more than {MOST_FIELDS} fields; ask for less at once")
            if len(place) >= DEEPEST:
                raise GraphQLError(f"query: more than {DEEPEST} levels deep; ask for less at once")
            if isinstance(node, FragmentSpreadNode):
                fragment = fragments.get(node.name.value)
                walk(fragment.selection_set if fragment else None, place)
            elif isinstance(node, FieldNode):
                inner = (*place, (node.alias or node.name).value)
                alike[inner] += 1
                if alike[inner] > MOST_ALIKE:
                    what = f"more than {MOST_ALIKE} fields {inner[-1]!r} at one place"
                    raise GraphQLError(f"query: {what}; ask for it once")
                walk(node.selection_set, inner)
            else:
                walk(getattr(node, "selection_set", None), place)

    for definition in document.definitions:
        walk(getattr(definition, "selection_set", None), ())


def _few(variables: Mapping[str, Any]) -> bool:
    """Whether they have few enough values to be checked in good time."""
    level: list[Any] = [variables]
    count = 0
    while level and count <= MOST_VALUES:
        count += len(level)
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return count <= MOST_VALUES


def _parse_scalars(schema: GraphQLSchema) -> None:
    for name, parser in (("bigint", _bigint), ("uuid", _uuid), ("timestamptz", _instant)):
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)  # noqa: S101 - the schema is ours
        scalar.parse_value = parser  # type: ignore[method-assign]


def _bigint(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GraphQLError("give a whole number")
    try:
        number = int(value)
    except ValueError:
        raise GraphQLError("give a whole number") from None
    if not -(2**63) <= number < 2**63:
        raise GraphQLError("give a number of 64 bits")
    return number


def _uuid(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise GraphQLError("give a UUID") from None


def _instant(value: Any) -> datetime:
    if not isinstance(value, str) or (found := instant(value)) is None:
        raise GraphQLError("give an instant such as 2026-11-22T10:00:00Z")
    return found


def _resolve(schema: GraphQLSchema, resolvers: Mapping[tuple[str, str], Resolver]) -> None:
    roots = [root for root in (schema.query_type, schema.mutation_type) if root]
    for root in roots:
        for field in root.fields.values():
            kind = field.type.of_type if is_non_null_type(field.type) else field.type
            field.resolve = _nothing(is_list_type(kind))
    for (type_name, field_name), resolver in resolvers.items():
        of = schema.type_map[type_name]
        assert isinstance(of, GraphQLObjectType)  # noqa: S101 - the schema is ours
        of.fields[field_name].resolve = _of_root(resolver) if of in roots else _of_row(resolver)


def _of_root(resolver: Resolver) -> Callable[..., Any]:
    def resolve(_: Any, info: Any, **arguments: Any) -> Any:
        return info.context.counted(resolver(info.context.given, **arguments))

    return resolve


def _of_row(resolver: Resolver) -> Callable[..., Any]:
    def resolve(row: Any, info: Any, **arguments: Any) -> Any:
        return info.context.counted(resolver(info.context.given, row, **arguments))

    return resolve


def _nothing(many: bool) -> Callable[..., Any]:
    return lambda *_, **__: [] if many else None
