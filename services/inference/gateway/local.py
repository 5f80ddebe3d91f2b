"""The gateways as control sees them, where there is the one of its own process."""

from uuid import UUID

from services.inference.gateway.gateway import Gateway
from services.inference.gateway.table import Load, Route


class LocalGateways:
    """See Gateways of services/inference/control/keeper.py."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def route(self, route: Route) -> None:
        self._gateway.route(route)

    def drop(self, id: UUID) -> None:
        self._gateway.drop(id)

    def busy(self, id: UUID, replica: UUID) -> bool:
        pool = self._gateway.pools.get(id)
        return pool is not None and pool.runs(replica) > 0

    def load(self, id: UUID) -> Load:
        return self._gateway.load(id)
