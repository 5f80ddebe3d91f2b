"""Who sends a bearer token: a person, the code of a run, or a program."""

from libs.domain.errors import Rejected
from libs.identity import service_tokens
from libs.identity.machine_principal import MachinePrincipal, acting_for
from libs.identity.users import User
from libs.runtoken import token as run_token
from services.api.access import run_tokens
from services.api.access.identity import Identity
from services.api.read_model.row_types import Rows


async def authenticate(identity: Identity, rows: Rows, authorization: str) -> User:
    """The user of an Authorization header (RFC 6750). Rejected("unauthorized") for a bad one."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Rejected("unauthorized", "Authorization: send 'Bearer' and an access token")
    return await _bearer(identity, rows, token.strip())


async def _bearer(identity: Identity, rows: Rows, token: str) -> User:
    if not token.isascii():
        raise Rejected("unauthorized", "Authorization: the token is none of ours; log in again")
    if run_token.is_one(token):
        return await run_tokens.user(identity, rows, token)
    if service_tokens.is_one(token):
        return await _machine(identity, token)
    if identity.oidc is not None and identity.oidc.issued(token):
        return await identity.oidc.user(token)
    claims = identity.tokens.claims(token, "Bearer")
    user = await identity.users.by_id(claims.sub, claims.iat)
    if user is None:
        raise Rejected("unauthorized", "Authorization: this user is gone or disabled; log in again")
    return user


async def _machine(identity: Identity, token: str) -> MachinePrincipal:
    service_token = await identity.service_tokens.known(token)
    owner = await identity.users.by_id(service_token.owner) if service_token else None
    if service_token is None or owner is None:
        raise Rejected(
            "unauthorized", "Authorization: this token is revoked or expired; make another one"
        )
    return acting_for(owner, service_token.workspaces)
