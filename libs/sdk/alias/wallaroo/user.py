"""Users."""

from rondo.user import User as User
