"""How much is tried: enough to find what is wrong in `make test`, more in `make chaos`."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

LONG = os.environ.get("RONDO_TESTS") == "long"


def times(usual: int, long: int) -> int:
    """How many of something this run is to have."""
    return long if LONG else usual


def drawn(usual: int, **more: Any) -> settings:
    """Hypothesis draws so many examples, or ten times as many. How long one takes, and to draw it,
    is the machine's: no failure of the test."""
    health = list(HealthCheck)
    many = times(usual, 10 * usual)
    return settings(max_examples=many, deadline=None, suppress_health_check=health, **more)
