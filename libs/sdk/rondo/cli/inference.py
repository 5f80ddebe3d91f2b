"""The commands for models, pipelines and inferences."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rondo.cli import output
from rondo.cli.commands import connected, in_workspace, workspace_name
from rondo.cli.events import instant
from rondo.errors import EntityNotFoundError
from rondo.model import Model
from rondo.pipeline import Pipeline

_MODEL = ("ID", "Name", "Created At", "Updated At")
_VERSION = ("ID", "Name", "Version", "Status", "File Name", "Reason")
_STEPS = ("ID", "Pipeline", "Steps")
_PIPELINE = ("ID", "Name", "Created At", "Updated At", "Workspace Name")
_DEPLOYMENT = ("ID", "Pipeline", "Status", "Replicas", "Models", "Updated At", "Reason")


def upload_model(arguments: Namespace) -> int:
    """`rondo upload-model`."""
    client = in_workspace(arguments)
    name = arguments.name or Path(arguments.path).stem
    version = client.upload_model(name, arguments.path, arguments.framework)
    if arguments.fields:
        version.configure(tensor_fields=arguments.fields.split(","))
    output.one(version, arguments)
    return 0


def models(arguments: Namespace) -> int:
    """`rondo models`."""
    if arguments.model is None:
        output.show(in_workspace(arguments).list_models(), _MODEL, arguments)
    else:
        output.show(_model(arguments).versions(), _VERSION, arguments)
    return 0


def delete_model(arguments: Namespace) -> int:
    """`rondo delete-model`."""
    model = _model(arguments)
    if arguments.version is None:
        model.delete()
        return 0
    for version in model.versions():
        if arguments.version in (version.version(), str(version.id())):
            version.delete()
            return 0
    message = f"model {model.name()!r} has no version {arguments.version!r}; see `rondo models`"
    raise EntityNotFoundError(message, "not_found", 404)


def _model(arguments: Namespace) -> Model:
    for model in in_workspace(arguments).list_models():
        if model.name() == arguments.model:
            return model
    message = f"there is no model {arguments.model!r}; see `rondo models`"
    raise EntityNotFoundError(message, "not_found", 404)


def delete_pipeline(arguments: Namespace) -> int:
    """`rondo delete-pipeline`."""
    pipeline = _pipeline(arguments)
    if arguments.version is None:
        pipeline.delete()
    else:
        pipeline.delete_version(arguments.version)
    return 0


def pipelines(arguments: Namespace) -> int:
    """`rondo pipelines`."""
    if arguments.pipeline is not None:
        output.show(_pipeline(arguments).versions(), _STEPS, arguments)
        return 0
    found = connected(arguments).list_pipelines(workspace_name=workspace_name(arguments))
    output.show(found, _PIPELINE, arguments)
    return 0


def deployments(arguments: Namespace) -> int:
    """`rondo deployments`."""
    found = connected(arguments).list_deployments(workspace_name=workspace_name(arguments))
    output.show([one for one in found if one.deployed()], _DEPLOYMENT, arguments)
    return 0


def deploy(arguments: Namespace) -> int:
    """`rondo deploy`."""
    client = in_workspace(arguments)
    if arguments.model:
        models = [client.get_model(*model.split("=", 1)) for model in arguments.model]
        pipeline = client.build_pipeline(arguments.pipeline)
        for model in models:
            pipeline.add_model_step(model)
    else:
        pipeline = client.get_pipeline(arguments.pipeline, arguments.version)
    pipeline.deploy(
        wait_for_status=not arguments.no_wait,
        replicas=arguments.replicas,
        cpus=arguments.cpus,
        memory=arguments.memory,
        autoscale=tuple(arguments.autoscale) if arguments.autoscale else None,
    )
    return _print_status(pipeline, arguments)


def undeploy(arguments: Namespace) -> int:
    """`rondo undeploy`."""
    return _print_status(_pipeline(arguments).undeploy(), arguments)


def infer(arguments: Namespace) -> int:
    """`rondo infer`."""
    given = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text("utf-8")
    try:
        value = json.loads(given)
    except ValueError as error:
        raise ValueError(f"file: {arguments.file} holds no JSON: {error}") from None
    rows = _pipeline(arguments).infer(value, dataset=_names(arguments.dataset))
    _print_rows(rows, arguments)
    return 0


def inferences(arguments: Namespace) -> int:
    """`rondo inferences`."""
    start, dataset = instant(arguments.since), _names(arguments.dataset)
    _print_rows(_pipeline(arguments).logs(arguments.limit, start, dataset=dataset), arguments)
    return 0


def _pipeline(arguments: Namespace) -> Pipeline:
    return in_workspace(arguments).get_pipeline(arguments.pipeline)


def _names(text: str | None) -> list[str] | None:
    return text.split(",") if text else None


def _print_rows(rows: Iterable[dict[str, Any]], arguments: Namespace) -> None:
    if arguments.json:
        output.dump(list(rows))
        return
    output.lines((json.dumps(row) for row in rows), as_json=False)


def _print_status(pipeline: Pipeline, arguments: Namespace) -> int:
    status = pipeline.status()
    if arguments.json:
        output.dump(status)
    elif arguments.quiet:
        output.ids([pipeline])
    else:
        print(f"{pipeline.name()}  {status['status']}")
    return 0
