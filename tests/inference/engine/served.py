"""Engines over the models of tests, and requests to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import orjson

from libs.domain.deployment import threads_for
from libs.domain.values import DeployedModel
from services.inference.engine.engine import Engine
from services.inference.engine.probe import probe
from services.inference.engine.request import Request

_VERSIONS = UUID("6f1c0a52-8f6e-4c3a-9b43-2f7f5a3c1d10")
AS_THE_SDK: dict[str, Any] = {
    "separator": ".",
    "dataset": ["*"],
    "exclude": ["metadata"],
}


def deployed(path: Path, **config: Any) -> DeployedModel:
    """The model as a deployment of two cpus records it, named like its file; probed, unless there
    is a `probe` of it."""
    found = config.pop("probe", None) or probe(path, "onnx")
    known: dict[str, Any] = {
        "name": path.stem,
        "version": uuid5(_VERSIONS, path.stem),
        "number": 11,
        "config": 12,
        "sha": f"sha-of-{path.stem}",
        "blob": "",
        "framework": "onnx",
        "inputs": found.inputs,
        "outputs": found.outputs,
        "trees": found.trees,
        "threads": threads_for(found.trees, 2),
    }
    return DeployedModel(**{**known, **config})


def ref(model: DeployedModel) -> dict[str, Any]:
    """As definitions name it."""
    return {"name": model.name, "version": str(model.version), "sha": model.sha}


def run_step(*models: DeployedModel) -> dict[str, Any]:
    """The step that runs them on the same input."""
    return {"ModelInference": {"models": [ref(each) for each in models]}}


def engine(paths: Sequence[Path], steps: Sequence[Any] | None = None, **config: Any) -> Engine:
    """Without `steps`, the models run one after another."""
    models = [deployed(path, **config) for path in paths]
    if steps is None:
        steps = [run_step(each) for each in models]
    files = {each.version: path for each, path in zip(models, paths, strict=True)}
    return Engine.load(steps, models, files)


def request(body: Any, **fields: Any) -> Request:
    """`body` is bytes, or becomes JSON."""
    known = {"time_ms": 1_700_000_000_000, "pipeline_version": "v1", "partition": "engine-1"}
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Request(**{"body": raw, **known, **fields})


def answer(served: Engine, body: Any, **fields: Any) -> Any:
    """What the client would read, in JSON."""
    return orjson.loads(served.infer(request(body, **fields)).body)
