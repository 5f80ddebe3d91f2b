"""Signed JSON Web Tokens (RFC 7519) by a ring of keys: the only file here that imports joserfc."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization, OKPKey

ALGORITHM = "Ed25519"  # RFC 9864's name; "EdDSA" is deprecated

Claims = dict[str, Any]

_MAX_VERIFIED = 1000  # tokens, the last used
_PEM = re.compile(r"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----", re.DOTALL)


class BadSignature(Exception):
    """The token is malformed, or signed by none of the keys."""


class UnknownKey(BadSignature):
    """The token names a key that is not among those given."""


class Verifier:
    """Checks tokens by the public keys of a JWK set (RFC 7517).

    The keys stay the same, so a token that they have verified once needs not be verified again.
    """

    def __init__(self, keys: KeySet, algorithms: Collection[str]) -> None:
        self._keys = keys
        self._algorithms = list(algorithms)
        self._verified = lru_cache(_MAX_VERIFIED)(self._verify)  # failures are not kept

    @staticmethod
    def of_jwks(jwks: Any, algorithms: Collection[str]) -> "Verifier":
        """Raises BadSignature when it is no JWK set. Leaves out keys of unknown kinds."""
        try:
            usable = [
                key
                for key in jwks["keys"]
                if key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
            ]
            return Verifier(KeySet.import_key_set({"keys": usable}), algorithms)
        except (JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadSignature("no JWK set") from error

    def claims(self, token: str) -> Claims:
        """What a token says, which is not to say that it is still good.

        Raises UnknownKey or BadSignature. The caller may change what it gets.
        """
        return self._verified(token).copy()

    def _verify(self, token: str) -> Claims:
        try:
            return dict(jwt.decode(token, self._keys, algorithms=self._algorithms).claims)
        except JoseError as error:
            if error.error == "invalid_key_id":
                raise UnknownKey(str(error)) from error
            raise BadSignature(str(error)) from error
        except (ValueError, TypeError, RecursionError) as error:  # made-up tokens
            raise BadSignature(str(error)) from error


class SigningKeys(Verifier):
    """Ed25519 keys as PKCS8 PEM, one after the other: the last one signs, all of them verify.

    Raises ValueError for a text without a key.
    """

    def __init__(self, pem: str) -> None:
        keys = [
            OKPKey.import_key(text, {"use": "sig", "alg": ALGORITHM}) for text in _PEM.findall(pem)
        ]
        if not keys:
            raise ValueError("there is no private key in PEM (PKCS8)")
        for key in keys:
            key.ensure_kid()
        self._newest = keys[-1]
        super().__init__(KeySet(list(keys)), [ALGORITHM])

    def sign(self, claims: Claims) -> str:
        """A token of these claims (JWS compact form)."""
        header = {"alg": ALGORITHM, "kid": self._newest.kid}
        return jwt.encode(header, claims, self._newest, algorithms=[ALGORITHM])

    def public(self) -> KeySetSerialization:
        """The JWK set that others verify by."""
        return self._keys.as_dict(private=False)


def unverified(token: str) -> Claims:
    """What a token says, which nothing proves; {} where it is no token."""
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, msgspec.DecodeError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
