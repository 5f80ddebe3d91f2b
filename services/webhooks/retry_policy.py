"""When an event that a webhook's receiver did not take is sent again, and when it is given up."""

from datetime import datetime, timedelta

import msgspec

MAX_PAUSE_SECONDS = 4 * 3600.0


class RetryPolicy(msgspec.Struct, frozen=True):
    """The first pause doubles from try to try, up to MAX_PAUSE_SECONDS."""

    first_pause_seconds: float
    give_up_seconds: float

    def next_try(self, tries: int, first_try: datetime, now: datetime, spread: float) -> datetime:
        """After so many tries. The last one is when it is time to give up.

        `spread`, from 0 to 1, keeps many webhooks from coming back at once.
        """
        pause = timedelta(seconds=self._pause(tries) * (0.5 + spread / 2))
        return min(now + pause, first_try + timedelta(seconds=self.give_up_seconds))

    def _pause(self, tries: int) -> float:
        return min(self.first_pause_seconds * 2.0 ** min(tries - 1, 30), MAX_PAUSE_SECONDS)

    def gives_up(self, first_try: datetime, now: datetime) -> bool:
        """Whether a try at `now` was the last one."""
        return (now - first_try).total_seconds() >= self.give_up_seconds
