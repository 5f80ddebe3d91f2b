"""What this platform does not have, but clients ask for on their way: an empty answer, or a refusal
that says so.

Nothing here depends on who asks.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from services.api.http.errors import Error, Refusal
from services.api.http.request_context import RequestContext
from services.api.http.route import ALWAYS, Route


class Anything(msgspec.Struct):
    """No field of it matters."""


class Publishes(msgspec.Struct):
    publishes: list[Any] = []
    edges: list[Any] = []


class PodLogs(msgspec.Struct):
    logs: list[str] = []


class Pods(msgspec.Struct):
    pods: list[Any] = []


class Sample(msgspec.Struct, rename={"result_type": "resultType"}):
    result_type: str
    result: list[Any] = []


class Metrics(msgspec.Struct):
    """As Prometheus answers a query that matches nothing."""

    data: Sample
    status: str = "success"


def _answers(answer: Any) -> Callable[[RequestContext, Any], Awaitable[Any]]:
    async def handle(_: RequestContext, __: object) -> Any:
        return answer

    return handle


def _refuses(what: str, instead: str) -> Callable[[RequestContext, Any], Awaitable[Any]]:
    async def handle(_: RequestContext, __: object) -> Any:
        raise Refusal(501, "not_implemented", f"path: this platform has no {what}; {instead}")

    return handle


def _empty(path: str, kind: Any, answer: Any, what: str) -> Route:
    return Route(
        "POST",
        path,
        _answers(answer),
        Anything,
        kind,
        f"Always empty: there are no {what}.",
        errors=ALWAYS,
        machines=True,
    )


def _refused(path: str, what: str, instead: str) -> Route:
    return Route(
        "POST",
        path,
        _refuses(what, instead),
        Anything,
        Error,
        f"Always refused: there are no {what}.",
        status=501,
        errors=ALWAYS,
        machines=True,
    )


def _metrics(path: str, shape: str) -> Route:
    return Route(
        "GET",
        f"/v1/metrics/api/v1/{path}",
        _answers(Metrics(Sample(shape))),
        None,
        Metrics,
        "Always empty: figures are at /metrics.",
        errors=ALWAYS,
        query=("query",),
        machines=True,
    )


_DEPLOY = "deploy the pipeline instead"
ABSENT_ROUTES = (
    _empty("/v1/api/pipelines/list_publishes_for_pipeline", Publishes, Publishes(), "publishes"),
    _refused("/v1/api/pipelines/publish", "publishes", _DEPLOY),
    _empty("/v1/api/pipelines/get_sidekick_pod_logs", PodLogs, PodLogs(), "sidekicks"),
    _empty("/v1/api/pipelines/get_sidekick_pods_history", Pods, Pods(), "sidekicks"),
    _empty("/v1/api/models/list_registries", list[Any], [], "registries"),
    _empty("/v2/api/assays/get", list[Any], [], "assays"),
    _refused("/v2/api/assays/schedule", "assays", "read the pipeline's logs instead"),
    _refused("/v1/api/assays/create", "assays", "read the pipeline's logs instead"),
    _metrics("query", "vector"),
    _metrics("query_range", "matrix"),
)
