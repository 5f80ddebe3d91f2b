"""What a page's form carries, so that no other site can send it for somebody."""

import hmac


def form_token(secret: str, purpose: str = "form") -> str:
    """For the browser with the session cookie `secret`, of which it tells nothing."""
    return hmac.digest(secret.encode(), purpose.encode(), "sha256").hex()
