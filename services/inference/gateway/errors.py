"""Why a caller gets no inference, in the shape that the SDK reads."""

import msgspec


class NoAnswer(Exception):
    """`status` is HTTP's; `body` is JSON, already as the caller gets it. With `retry_after`, whole
    seconds, it is worth another try."""

    def __init__(self, status: int, body: bytes, retry_after: int = 0) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.retry_after = retry_after


def refusal(status: int, message: str, retry_after: int = 0) -> NoAnswer:
    """Of our own: `message` is for people."""
    shape = {"code": status, "status": "Error", "error": message, "source": "engine"}
    return NoAnswer(status, msgspec.json.encode(shape), retry_after)


def not_deployed(pipeline: str) -> NoAnswer:
    """Said as well to those who may not know of it."""
    return refusal(404, f"pipeline {pipeline[:80]!r} is not deployed here; deploy it first")


def not_served_yet(pipeline: str) -> NoAnswer:
    """It is deployed, but this service has just begun."""
    return refusal(503, f"pipeline {pipeline[:80]!r} is not served yet; try again", 1)


def failed(pipeline: str, reason: str) -> NoAnswer:
    """It is deployed, and can't be served. Not 503, with which clients try again for minutes."""
    text = f"pipeline {pipeline!r} can't be served: {reason}; deploy another version"
    return refusal(500, text)


def busy(waiting: int) -> NoAnswer:
    """More wait than may."""
    return refusal(503, f"{waiting} requests wait for this pipeline; try again, or scale it up", 1)
