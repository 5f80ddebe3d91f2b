"""What the scalars of the schema take."""

from datetime import datetime
from typing import Any
from uuid import UUID

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema

from services.api.text import instant


def parse_scalars(schema: GraphQLSchema) -> None:
    """Has the schema turn what clients send into values."""
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
