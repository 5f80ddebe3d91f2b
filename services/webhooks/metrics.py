"""Webhooks as metrics. Attempts are counted by the copy that makes them; what waits and what was
given up on is in the database, so each copy tells of all: take the maximum."""

from libs.eventlog.nats_client import Nats
from libs.eventlog.project import Position
from libs.eventlog.streams import EVENTS
from libs.telemetry.lag import Lag
from libs.telemetry.registry import MetricRegistry, Reading, Source
from services.webhooks.delivery_store import DeliveryStore
from services.webhooks.sender import Outcome

_ALL = ("event.>",)


class WebhookMetrics:
    """The counter of attempts that this copy makes."""

    def __init__(self, metrics: MetricRegistry) -> None:
        attempts = metrics.counter(
            "rondo_webhook_deliveries", "Attempts to deliver an event to a webhook.", "outcome"
        )
        self._delivered, self._failed = attempts.of("delivered"), attempts.of("failed")

    def count(self, outcome: Outcome) -> None:
        """Counts one attempt."""
        (self._delivered if outcome.delivered else self._failed).add()


def readings(deliveries: DeliveryStore, nats: Nats) -> Source:
    """The lag of the slowest webhook, and the number of dead letters."""

    async def read() -> list[Reading]:
        return [
            Reading(
                "rondo_webhook_lag_seconds",
                "Age of the oldest event that some webhook has not dealt with.",
                await _lag(deliveries, nats),
            ),
            Reading(
                "rondo_webhook_dead_letters",
                "Events given up on that nobody has sent or discarded since.",
                await deliveries.count_dead_letters(),
            ),
        ]

    return read


async def _lag(deliveries: DeliveryStore, nats: Nats) -> float:
    """The lag, in seconds, of the webhook that is behind the most. It may count an event that is
    not for that webhook: one without events to send moves its cursor only every few seconds."""
    slowest, position = await deliveries.slowest(), Position()
    if slowest is None:
        return 0.0
    position.move(slowest)
    return (await Lag("webhooks", EVENTS, _ALL, position).measure(nats)).lag_seconds
