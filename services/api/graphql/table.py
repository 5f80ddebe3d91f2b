"""The type of the tables of fields: the noun's file of each type has one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.api.graphql.engine.engine import Resolver

# By type and name of the field. What a table has gives rows of its noun, wherever they stand.
Fields = Mapping[tuple[str, str], "Resolver"]
