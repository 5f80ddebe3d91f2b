"""Executes GraphQL documents over a schema.

A document is checked before it runs: by its size (limits.py), then by the schema. Introspection in
its usual form is answered from bytes made once. Most documents are plain, and run by a plan
(planner.py); the others by graphql-core.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    execute,
    execute_sync,
    get_introspection_query,
    get_variable_values,
    is_list_type,
    is_non_null_type,
    parse,
    print_ast,
    validate,
)

from services.api.graphql.engine.limits import (
    MOST_TOKENS,
    MOST_VALUES,
    has_few_values,
    measure,
    short,
)
from services.api.graphql.engine.planner import Plan, plan_of
from services.api.graphql.engine.scalars import parse_scalars
from services.api.graphql.plan import Execution, Problem, TooMuch

_MOST_ERRORS = 5

Resolver = Callable[..., Any]  # what it gives may be awaited; what need not be is cheaper
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
        parse_scalars(self._schema)
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
        if not has_few_values(variables or {}):
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
        document = self._checked(text)
        return plan_of(self._schema, document) if isinstance(document, DocumentNode) else None

    def _check(self, text: str) -> DocumentNode | list[Problem]:
        """The document if it may run, else its errors."""
        try:
            document = parse(short(text), max_tokens=MOST_TOKENS)
            measure(document)
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
