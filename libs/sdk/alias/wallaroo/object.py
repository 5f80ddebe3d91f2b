"""Errors that scripts catch."""

from rondo.errors import EntityNotFoundError as EntityNotFoundError
from rondo.errors import RequiredAttributeMissing as RequiredAttributeMissing
