"""The settings of the logs service."""

from typing import Annotated

import msgspec

from libs.service.config import Secret, WithPostgres


class Config(WithPostgres, frozen=True, kw_only=True):
    """The api service shows `internal_token`; logs are kept for `retention_days`."""

    internal_token: Secret
    retention_days: Annotated[int, msgspec.Meta(ge=1)] = 30
