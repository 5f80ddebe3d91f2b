"""What can go wrong, by who can do something about it. Every error of ours is a RondoError.

Wrong types and values of arguments are TypeError and ValueError, a wait that is over TimeoutError.
"""


class RondoError(Exception):
    """`code` is a stable word for programs; `status` the HTTP status, None without an answer."""

    def __init__(self, message: str, code: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


class RequestRefused(RondoError):
    """The platform understood, and won't do it: the message names the field and the remedy."""


class AuthError(RequestRefused):
    """Who you are is not known, or no longer: log in again."""


class TokenFetchError(AuthError):
    """The login was refused."""


class TokenRefreshError(AuthError):
    """The login has run out."""


class Forbidden(RequestRefused):
    """You are known, but are no member of that workspace."""


class EntityNotFoundError(RequestRefused):
    """There is no such thing, or you may not know of it."""


class RequiredAttributeMissing(RondoError):
    """What was asked for lacks something that is needed."""


class ConnectionNotFound(EntityNotFoundError, RequiredAttributeMissing):
    """Older scripts expect the second kind where a connection does not exist, newer the first."""


class Conflict(RequestRefused):
    """It can't be done in the present state: a name is taken, a task has ended."""


class TooManyRequests(RequestRefused):
    """Too many attempts: wait a little."""


class OrchestrationUploadFailed(RequestRefused):
    """The archive was refused."""


class OrchestrationMissingFile(RondoError):
    """Neither a path nor bytes were given to upload."""


class OrchestrationPackagingFailed(RondoError):
    """The orchestration will never be ready: the message says why."""


class OrchestrationDeployOneshotFailed(RequestRefused):
    """The task was refused."""


class TaskEnded(RondoError):
    """The task is over, and the run that was waited for never came."""


class Unavailable(RondoError):
    """The platform can't be reached, or a part of it is away: worth trying again later."""


class Unreachable(Unavailable):
    """No connection came about, so nothing was asked for."""


class NotVisibleYet(Unavailable):
    """The command is accepted as `id`; only reads don't show it yet. Don't send it again."""

    def __init__(self, message: str, id: str) -> None:
        super().__init__(message, "not_visible_yet", 503)
        self.id = id


class ServerError(RondoError):
    """The platform failed: the message has the id of the entry in its log."""


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
    return _BY_STATUS.get(status, ServerError if status >= 500 else RequestRefused)
