"""Why there is no answer. The messages are for the users of models."""


class Refused(Exception):
    """The request can't be answered; `status` is HTTP's. The message names the column and the
    remedy."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class BadModel(Exception):
    """The model can't be served, whatever the request."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cancelled(Exception):
    """Somebody cancelled the inference: no one waits for the answer."""
