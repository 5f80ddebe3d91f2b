"""The models of a deployment and the steps over them: what a replica runs."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Protocol, Self
from uuid import UUID

from libs.domain.errors import Rejected
from libs.domain.values import DeployedModel
from services.inference.engine import json_request
from services.inference.engine.environment_step import EnvironmentStep, StepProcess
from services.inference.engine.errors import BadModel, Refused
from services.inference.engine.flow import Flow
from services.inference.engine.model import Columns, Model, Session
from services.inference.engine.onnx_session import OnnxSession
from services.inference.engine.outputs import Output, outputs_of
from services.inference.engine.python_step import PythonStep
from services.inference.engine.request import ARROW, JSON, Answer, Cancel, Request
from services.inference.engine.steps import Runnable, compile_steps
from services.inference.engine.tensors import zeros
from services.inference.record import Format, RecordBody
from services.inference.step_worker import entry

MAX_ROWS = 1_000_000


class RequestColumns(Columns, Protocol):
    """The columns of a request, in the format in which it is answered."""

    format: Format
    media_type: str

    def encode(
        self, request: Request, outputs: Sequence[Output], metadata: Mapping[str, Any]
    ) -> tuple[bytes, bytes]:
        """The body of the answer, with what the request wants of its inputs, the outputs and the
        metadata; and all outputs, for the log."""
        ...


class Engine:
    """Any number of threads may infer at once."""

    def __init__(self, models: Sequence[Model], steps: Sequence[Runnable]) -> None:
        self._models = models
        self._steps = steps

    @classmethod
    def load(
        cls,
        steps: Sequence[Mapping[str, Any]],
        models: Sequence[DeployedModel],
        paths: Mapping[UUID, Path],
        processes: Mapping[UUID, StepProcess] | None = None,
    ) -> Self:
        """`paths` are the models' files by version, `processes` those of models that run in an
        environment. BadModel says what can't be served."""
        by_version = {
            each.version: Model(each, _session(each, paths, processes or {})) for each in models
        }
        try:
            return cls(list(by_version.values()), compile_steps(steps, by_version))
        except Rejected as error:
            raise BadModel(error.message) from error

    def warm(self) -> None:
        """The first request is as quick as later ones. Models that do not take zeros stay cold."""
        for model in self._models:
            feeds = {spec.name: zeros(spec, 1) for spec in model.inputs}
            with suppress(Refused):
                model.run(feeds, len(next(iter(feeds.values()))))

    def infer(self, request: Request, cancel: Cancel | None = None) -> Answer:
        """Refused says why there is no answer; Cancelled if `cancel` said so before."""
        clock = [perf_counter_ns()]
        columns = _read(request)
        clock.append(perf_counter_ns())
        flow = Flow(request, columns, cancel)
        for step in self._steps:
            step.run(flow)
            clock.append(perf_counter_ns())
        return _answer(flow, columns, [after - before for before, after in pairwise(clock)])


def _session(
    model: DeployedModel, paths: Mapping[UUID, Path], processes: Mapping[UUID, StepProcess]
) -> Session:
    if (process := processes.get(model.version)) is not None:
        return EnvironmentStep(process, model.framework, model.inputs, model.outputs)
    path = paths[model.version]
    if model.framework in entry.FRAMEWORKS:
        return PythonStep(path, model.framework, model.inputs, model.outputs)
    return OnnxSession(path, model.threads, trees=model.trees)


def _read(request: Request) -> RequestColumns:
    kind = request.content_type.partition(";")[0].strip().lower()
    columns: RequestColumns
    if kind == JSON:
        columns = json_request.read(request.body)
    elif kind == ARROW or request.format_arrow:
        from services.inference.engine import arrow_request  # brings pyarrow: 30 MB

        columns = arrow_request.read(request.body)
    else:
        raise Refused(415, f"content type {kind!r}: send {JSON} or {ARROW}")
    if columns.rows > MAX_ROWS:
        raise Refused(413, f"{columns.rows} rows in one request; send at most {MAX_ROWS} at once")
    return columns


def _answer(flow: Flow, columns: RequestColumns, elapsed: list[int]) -> Answer:
    request = flow.request
    outputs = outputs_of(flow)
    last_model = flow.results[0].model.last_model
    metadata = {
        "last_model": last_model,
        "pipeline_version": request.pipeline_version,
        "elapsed": elapsed,
        "dropped": [],
        "partition": request.partition,
    }
    body, logged = columns.encode(request, outputs, metadata)
    record = RecordBody(
        rows=flow.rows,
        format=columns.format,
        inputs=request.body,
        outputs=logged,
        types={each.column: each.dtype for each in outputs},
        last_model=last_model,
        elapsed=elapsed,
    )
    return Answer(columns.media_type, body, record)
