"""What a subscription is told, as the tail and the log are asked for it."""

from libs.domain.subscription import Subscription
from libs.eventlog.envelope import Recorded


class Wanted:
    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._aggregate, _, self._id = subscription.aggregate.partition(":")

    def wants(self, event: Recorded) -> bool:
        stream = event.stream
        return (
            stream.workspace == self._subscription.workspace
            and self._aggregate in ("", stream.aggregate)
            and self._id in ("", stream.id)
            and self._subscription.wants(event.event)
        )

    async def subjects(self) -> list[str]:
        return self._subscription.subjects
