"""Who is at fault, in the type: the caller, or the infrastructure. Anything else is a bug."""

from typing import Literal

Code = Literal["invalid", "unauthorized", "forbidden", "not_found", "conflict", "no_space"]


class Rejected(Exception):
    """The caller asked for what can't be done. The message names the field and the remedy.

    `code` says which kind; the HTTP edge turns it into a status (services/api/http/errors.py).
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Unavailable(Exception):
    """A server that we depend on can't be reached or won't answer in time. Worth trying again."""
