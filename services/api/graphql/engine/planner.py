"""Makes the plan of a document that is plain: fields and their arguments (plan.py)."""

from functools import partial
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_argument_values,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    specified_scalar_types,
)

from services.api.graphql.plan import Field

Plan = tuple[tuple[Field, ...], Any]  # what to run, and the variables that it takes


def plan_of(schema: GraphQLSchema, document: DocumentNode) -> Plan | None:
    """None for a document that is not plain; graphql-core runs it."""
    if len(document.definitions) != 1:
        return None
    (operation,) = document.definitions
    if not isinstance(operation, OperationDefinitionNode) or operation.directives:
        return None
    root = schema.get_root_type(operation.operation)
    fields = _fields(root, operation.selection_set) if root else None
    return (fields, operation.variable_definitions) if fields else None


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
