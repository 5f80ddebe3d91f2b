"""Errors of an inference, in the shape that clients show to their users."""

import msgspec

from services.api.http.errors import Refusal


class EngineError(msgspec.Struct):
    """`source` says who refused: the engine, or we before it."""

    code: int
    error: str
    status: str = "Error"
    source: str = "api"


class InferenceRefused(Refusal):
    """An answer to an inference that no engine has given."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(status, reason, message)
        self.body = EngineError(status, message)
