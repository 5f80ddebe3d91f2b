"""What events say with more than a number or a text: their words, and what belongs together.

Stored and published with the events, so changed as they are: by optional fields only.
"""

from typing import Literal

import msgspec

Role = Literal["owner", "collaborator"]
Kind = Literal["once", "scheduled", "continuous"]
Misfire = Literal["latest", "all", "none"]
Overlap = Literal["allow", "skip", "queue"]
RunEnd = Literal["success", "failure", "timed_out", "killed"]
Mode = Literal["fork", "exec"]
SubscriptionKind = Literal["webhook", "nats"]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a scheduled task is due, and what happens to ticks that can't run in time.

    `misfire` says what becomes of ticks that passed while nobody could fire them: `latest` runs
    the last of them, `all` runs each (at most `misfire_cap`, the newest), `none` runs none.
    `overlap` says what a tick does while an earlier run is still open: `allow`, `skip` or `queue`.
    """

    expression: str
    zone: str = "UTC"
    misfire: Misfire = "latest"
    misfire_cap: int = 100
    overlap: Overlap = "allow"


class Retry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run that ends in failure or timed_out is asked for again, as a new run.

    At most `attempts` runs in all; `backoff` seconds before the second, doubling from there.
    """

    attempts: int = 1
    backoff: float = 1.0


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a run's processes used: CPU seconds, and bytes of memory at the peak."""

    cpu_seconds: float = 0.0
    max_rss_bytes: int = 0
