"""Why a caller gets no inference, in the shape that the SDK reads."""

import msgspec


class NoAnswer(Exception):
    """`status` is HTTP's; `body` is JSON, already as the caller gets it.

    With 503 it is worth another try. When, is left to the caller: the published SDK obeys a
    Retry-After and gives up after ten of them, while by its own pace it goes on for minutes.
    """

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def refusal(status: int, message: str) -> NoAnswer:
    """Of our own: `message` is for people."""
    shape = {"code": status, "status": "Error", "error": message, "source": "engine"}
    return NoAnswer(status, msgspec.json.encode(shape))


def not_deployed(pipeline: str) -> NoAnswer:
    """Said as well to those who may not know of it."""
    return refusal(404, f"pipeline {pipeline[:80]!r} is not deployed here; deploy it first")


def not_served_yet(pipeline: str) -> NoAnswer:
    """It is deployed, but this service has just begun."""
    return refusal(503, f"pipeline {pipeline[:80]!r} is not served yet; try again")


def failed(pipeline: str, reason: str) -> NoAnswer:
    """It is deployed, and can't be served. Not 503, with which clients try again for minutes."""
    text = f"pipeline {pipeline!r} can't be served: {reason}; deploy another version"
    return refusal(500, text)


def busy(waiting: int) -> NoAnswer:
    """More wait than may."""
    return refusal(503, f"{waiting} requests wait for this pipeline; try again, or scale it up")
