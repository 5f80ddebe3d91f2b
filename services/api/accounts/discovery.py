"""The document of our issuer and its public keys, by which other programs check our tokens.

OpenID Connect Discovery 1.0 and RFC 7517, at Keycloak's places.
"""

from typing import Any

import msgspec

from libs.identity.signatures import ALGORITHM
from libs.identity.tokens import REALM
from services.api.http.request_context import RequestContext

DOCUMENT = f"{REALM}/.well-known/openid-configuration"
OPENID = f"{REALM}/protocol/openid-connect"
CERTS = f"{OPENID}/certs"
DEVICE = f"{OPENID}/auth/device"


class KeySet(msgspec.Struct):
    keys: list[dict[str, Any]]


class Issuer(msgspec.Struct):
    """The document; its addresses are those for users."""

    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    subject_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]


async def document(context: RequestContext, _: None) -> Issuer:
    root = context.identity.tokens.issuer.removesuffix(REALM)
    return Issuer(
        issuer=context.identity.tokens.issuer,
        token_endpoint=f"{root}{OPENID}/token",
        device_authorization_endpoint=root + DEVICE,
        jwks_uri=root + CERTS,
        grant_types_supported=[
            "password",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        id_token_signing_alg_values_supported=[ALGORITHM],
        subject_types_supported=["public"],
        token_endpoint_auth_methods_supported=["none"],
    )


async def certs(context: RequestContext, _: None) -> KeySet:
    return KeySet(list(context.identity.tokens.keys.public()["keys"]))
