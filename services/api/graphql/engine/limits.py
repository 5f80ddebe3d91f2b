"""How much a document and its variables may be.

Fields are counted as often as their fragments are used.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    SelectionSetNode,
)

MOST_CHARACTERS = 32 << 10
MOST_TOKENS = 2000
MOST_FIELDS = 600
MOST_ALIKE = 20  # fields of one name at one place: each is compared with each
MOST_VALUES = 2000  # in the variables
DEEPEST = 20

Place = tuple[str, ...]  # the names on the way to a field


def short(text: str) -> str:
    """The same text. Raises GraphQLError for one that is too long."""
    if len(text) > MOST_CHARACTERS:
        raise GraphQLError(f"query: more than {MOST_CHARACTERS} characters; ask for less at once")
    return text


def measure(document: DocumentNode) -> None:
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


def has_few_values(variables: Mapping[str, Any]) -> bool:
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
