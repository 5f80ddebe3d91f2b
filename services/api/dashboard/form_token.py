"""The token in the forms of a page, so that no other site can send them for a visitor."""

import hmac


def form_token(secret: str, purpose: str = "form") -> str:
    """The token for the session cookie `secret`, which it does not reveal."""
    return hmac.digest(secret.encode(), purpose.encode(), "sha256").hex()
