"""What the logs service is told from outside."""

from typing import Annotated

import msgspec

from libs.service.config import Secret, WithPostgres


class Config(WithPostgres, frozen=True, kw_only=True):
    """`internal_token` is what the api service shows; logs are kept for `retention_days`."""

    internal_token: Secret
    retention_days: Annotated[int, msgspec.Meta(ge=1)] = 30
