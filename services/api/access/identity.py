"""Accounts, and everything that proves who somebody is."""

from dataclasses import dataclass

from libs.identity.device import Devices
from libs.identity.login import Login
from libs.identity.oidc import Oidc
from libs.identity.service_tokens import ServiceTokens
from libs.identity.sessions import Sessions
from libs.identity.tokens import Tokens
from libs.identity.users import Users
from libs.runtoken.token import RunTokens


@dataclass(frozen=True)
class Identity:
    """Who may log in, and the tokens and sessions that follow."""

    users: Users
    tokens: Tokens
    run_tokens: RunTokens
    login: Login
    devices: Devices
    service_tokens: ServiceTokens
    oidc: Oidc | None
    sessions: Sessions
