# Made from aio/client.py by generate.py: change that one, then run this.
"""The client: everything begins here."""

from __future__ import annotations

import os

from rondo import credentials, wire
from rondo.accounts import Accounts
from rondo.auth import Auth
from rondo.events import Events
from rondo.models import TIME_FORMAT
from rondo.orchestrations import Orchestrations
from rondo.session import Session

_TIMEOUT = 60.0  # s


class Client(Orchestrations, Accounts, Events):
    """A user's way to a platform. It logs in when it is first used.

    Without arguments the address and the login come from the environment, or from the last
    `rondo login`; in a task they are the task's own. ValueError when something is missing.

    `request_timeout` is in seconds, for each wait on the platform; by default
    WALLAROO_REQUEST_TIMEOUT, or 60. `time_format` is for the tables and cards of notebooks.
    `login` overrides every other way to log in. `gql_client`, `interactive` and `config` are there
    for scripts that give them; nothing of ours needs them.
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
        timeout = request_timeout or float(os.environ.get("WALLAROO_REQUEST_TIMEOUT") or _TIMEOUT)
        endpoint = wire.Endpoint.of(self.api_endpoint)
        found = credentials.given(login) or credentials.find(auth_type, self.api_endpoint)
        self.session = Session(endpoint, timeout, found)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.api_endpoint}>"

    @property
    def auth(self) -> Auth:
        """For requests of your own: `auth.auth_header()`."""
        return self.session.auth
