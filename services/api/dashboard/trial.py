"""Trying a pipeline: JSON from a form goes the way of every inference, as its visitor."""

import asyncio
import time
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import aiohttp
import msgspec
from aiohttp import web

from libs.domain.deployment import Deployment
from libs.domain.errors import Rejected, Unavailable
from libs.domain.pipeline_steps import (
    MetaValueSplit,
    RandomSplit,
    Step,
    models_of,
    parse_steps,
)
from libs.domain.values import DeployedModel, TensorSpec
from services.api.dashboard import pipeline
from services.api.dashboard.formats import readable
from services.api.dashboard.page_context import PageContext
from services.api.deployments.paths import path_of
from services.api.http.request_context import REQUEST_ID

MAX_SHOWN = 64 << 10  # characters of an answer
_TIMEOUT_SECONDS = 60.0
_MAX_VALUES = 1000  # of an example
_RECORDS = "application/json; format=pandas-records"
_ZEROS: dict[str, Any] = {"string": "", "bool": False, "double": 0.0}


class _Problem(msgspec.Struct):
    error: str


class Trial(NamedTuple):
    """What came of it: an answer as JSON, or a problem in words."""

    answer: str = ""
    problem: str = ""
    seconds: float = 0.0


async def show(visit: PageContext) -> web.Response:
    shown = await pipeline.about(visit)
    return await pipeline.page(visit, shown, "try", text=example(shown.served), trial=None)


async def send(visit: PageContext) -> web.Response:
    form = await visit.form()
    shown = await pipeline.about(visit)
    text = form.get("body", "")
    trial = await _infer(visit, shown.served, text) if shown.served else None
    return await pipeline.page(visit, shown, "try", text=text, trial=trial)


async def _infer(visit: PageContext, deployment: Deployment, text: str) -> Trial:
    token = visit.context.identity.tokens.issue(visit.user).access_token
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": _RECORDS,
        "X-Request-Id": visit.context.request[REQUEST_ID],
    }
    path, begun = path_of(deployment), time.monotonic()
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            async with await visit.context.gateway.infer(path, headers, text.encode()) as answer:
                content = await answer.read()
    except (Unavailable, aiohttp.ClientError):
        return Trial(problem="The inference service is away for a moment; try again")
    except TimeoutError:
        return Trial(problem=f"There was no answer within {_TIMEOUT_SECONDS:.0f} seconds; try less")
    if answer.status != 200:
        return Trial(problem=_problem(content))
    return Trial(_shown(content), seconds=time.monotonic() - begun)


def _problem(content: bytes) -> str:
    """What the engine, or we before it, say in an error."""
    try:
        return msgspec.json.decode(content, type=_Problem).error
    except msgspec.DecodeError:
        return content.decode(errors="replace")[:MAX_SHOWN]


def _shown(content: bytes) -> str:
    """As JSON for people; of a long one, the beginning."""
    try:
        short = len(content) <= MAX_SHOWN  # laying out a long one would keep others waiting
        text = readable(msgspec.json.decode(content)) if short else content.decode()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        text = content.decode(errors="replace")
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}\n…"


def example(deployment: Deployment | None) -> str:
    """A request of one row, of zeros, that the pipeline can answer; empty if it would be long."""
    if deployment is None:
        return ""
    try:
        steps = parse_steps(deployment.serving.steps)
    except Rejected:
        return ""
    first = next(iter(models_of(steps[0])), None)
    models = {str(one.version): one for one in deployment.serving.models}
    model = models.get(first.version) if first else None
    row = _row(model) if model else None
    if row is None:
        return ""
    for step in steps:
        row |= _route(step)
    return readable([row])


def _row(model: DeployedModel) -> dict[str, Any] | None:
    """A value for each column; None if they are too many."""
    if sum(prod(_sizes(one)) for one in model.inputs) > _MAX_VALUES:
        return None
    names = model.tensor_fields or [one.name for one in model.inputs]
    if not model.tensor_fields and len(names) == 1:
        names = ["tensor"]
    return {name: _value(one, _sizes(one)) for name, one in zip(names, model.inputs, strict=False)}


def _sizes(tensor: TensorSpec) -> list[int]:
    """Of one row: without the first size, which is how many rows there are."""
    return [size or 1 for size in tensor.shape[1:]]


def _value(tensor: TensorSpec, sizes: Sequence[int]) -> Any:
    if sizes:
        return [_value(tensor, sizes[1:]) for _ in range(sizes[0])]
    return _ZEROS.get(tensor.dtype, 0.0 if "float" in tensor.dtype else 0)


def _route(step: Step) -> dict[str, Any]:
    """The column that chooses a model."""
    match step:
        case MetaValueSplit(split_key=key, routes=routes):
            return {key: next(iter(routes), "")}
        case RandomSplit(hash_key=str(key)):
            return {key: "1"}
    return {}
