"""Errors of logging in."""

from rondo.errors import AuthError as AuthError
from rondo.errors import TokenFetchError as TokenFetchError
from rondo.errors import TokenRefreshError as TokenRefreshError
