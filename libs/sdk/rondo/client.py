# Made from aio/client.py by generate.py: change that one, then run this.
"""The client: every program starts with one."""

from __future__ import annotations

import os

from rondo import credentials
from rondo.accounts import Accounts
from rondo.auth import Auth
from rondo.events import Events
from rondo.http_messages import Endpoint
from rondo.instants import TIME_FORMAT
from rondo.orchestrations import Orchestrations
from rondo.pipelines import Pipelines
from rondo.session import Session
from rondo.tags import Tags

_REQUEST_TIMEOUT_SECONDS = 60.0


class Client(Orchestrations, Pipelines, Tags, Accounts, Events):
    """A connection to a platform, as one user. It logs in before its first call.

    Without arguments, the address and the login come from the environment, or from the last
    `rondo login`. In a task they are those of the task.

    Arguments:
    - `api_endpoint`: the address, such as `http://localhost:8080`.
    - `request_timeout`: how many seconds to wait for each answer. The default is
      WALLAROO_REQUEST_TIMEOUT, or 60.
    - `auth_type`: how to log in: `user_password`, `sso`, `token` or `orch`.
    - `time_format`: how notebooks show times, as for `strftime`.
    - `login`: a `Password` or `Tokens`; it replaces every other way to log in.
    - `gql_client`, `interactive` and `config` are accepted for older scripts, and ignored.

    Raises ValueError when the address or a part of the login is missing.
    """

    def __init__(
        self,
        api_endpoint: str | None = None,
        request_timeout: float | None = None,
        auth_type: str | None = None,
        gql_client: object = None,
        interactive: bool | None = None,
        time_format: str = TIME_FORMAT,
        config: object = None,
        *,
        login: credentials.Password | credentials.Tokens | None = None,
    ) -> None:
        super().__init__()
        self.api_endpoint = credentials.url(api_endpoint)
        self.time_format = time_format
        configured = os.environ.get("WALLAROO_REQUEST_TIMEOUT") or _REQUEST_TIMEOUT_SECONDS
        self.session = Session(
            Endpoint.of(self.api_endpoint),
            request_timeout or float(configured),
            credentials.of_login(login) or credentials.find(auth_type, self.api_endpoint),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.api_endpoint}>"

    @property
    def auth(self) -> Auth:
        """The login, for requests of your own: `auth.auth_header()`."""
        return self.session.auth
