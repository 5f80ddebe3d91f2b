"""The settings of the process that seals and reads pipeline logs; those of the service that starts
it are a superset."""

from pathlib import Path
from typing import Annotated

import msgspec

from libs.service.config import WithPostgres

RECORDS = "records"  # the folder of write-ahead files, within `data`


class Config(WithPostgres, frozen=True, kw_only=True):
    """Logs are kept for `log_retention_days`, and of a pipeline the newest `log_max_bytes`. The
    process ends when it has not been asked for `log_idle_seconds`."""

    blobs_url: str
    data: Path
    log_retention_days: Annotated[int, msgspec.Meta(ge=1)] = 30
    log_max_bytes: Annotated[int, msgspec.Meta(ge=1)] = 10 << 30
    log_idle_seconds: float = 120.0
