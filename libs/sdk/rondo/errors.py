"""The errors of the SDK, by who can do something about them. Each is a RondoError.

Wrong types and values of arguments are TypeError and ValueError. A wait that takes too long is
TimeoutError.
"""


class RondoError(Exception):
    """Every error of the platform and of the SDK.

    `message` is for people, `code` is a stable word for programs, `status` is the HTTP status, or
    None when there was no answer.
    """

    def __init__(self, message: str, code: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


class RequestRefused(RondoError):
    """The platform understood the request and refuses it. The message names field and remedy."""


class AuthError(RequestRefused):
    """You are not logged in, or no longer: log in again."""


class TokenFetchError(AuthError):
    """The platform refused the login."""


class TokenRefreshError(AuthError):
    """The login has expired."""


class Forbidden(RequestRefused):
    """You are logged in, but may not do this: you are no member of the workspace, for example."""


class EntityNotFoundError(RequestRefused):
    """There is no such thing, or you may not know of it."""


class RequiredAttributeMissing(RondoError):
    """A thing lacks something that is needed."""


class ConnectionNotFound(EntityNotFoundError, RequiredAttributeMissing):
    """There is no such connection. It has two base classes since older scripts catch the second."""


class Conflict(RequestRefused):
    """The present state does not allow it: a name is taken, a task has ended."""


class TooManyRequests(RequestRefused):
    """There were too many attempts: wait a little."""


class OrchestrationUploadFailed(RequestRefused):
    """The platform refused the archive."""


class OrchestrationMissingFile(RondoError):
    """Neither a path nor bytes were given to upload."""


class OrchestrationPackagingFailed(RondoError):
    """The orchestration will never be ready. The message says why."""


class OrchestrationDeployOneshotFailed(RequestRefused):
    """The platform refused the task."""


class ModelUploadFailed(RequestRefused):
    """The platform refused the model file."""


class ModelFailed(RondoError):
    """The model can't be served. The message says why."""


class DeploymentFailed(RondoError):
    """The pipeline can't be served. The message says why."""


class InferenceError(RequestRefused):
    """The pipeline can't answer: it is not deployed, the input does not fit, or a step fails."""


class TaskEnded(RondoError):
    """The task is over, and no run will come."""


class Unavailable(RondoError):
    """The platform, or a part of it, is away. Try again later."""


class Unreachable(Unavailable):
    """No connection could be made, so the platform received nothing."""


class NotVisibleYet(Unavailable):
    """The platform accepted the command as `id`, but reads lag. Do not send it again."""

    def __init__(self, message: str, id: str) -> None:
        super().__init__(message, "not_visible_yet", 503)
        self.id = id


class ServerError(RondoError):
    """The platform failed. The message has the id of the entry in its log."""


_BY_STATUS: dict[int, type[RondoError]] = {
    401: AuthError,
    403: Forbidden,
    404: EntityNotFoundError,
    409: Conflict,
    429: TooManyRequests,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def of_status(status: int) -> type[RondoError]:
    """The class of error for an HTTP status that is no success."""
    return _BY_STATUS.get(status, ServerError if status >= 500 else RequestRefused)
