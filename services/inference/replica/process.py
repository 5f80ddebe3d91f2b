"""A process that was forked from the spare, from its first step: it is confined, loads, serves.

The files that it may have come as descriptors; they are opened anew by their names in /proc, which
lead there whoever we are by then.
"""

import gc
import os
import resource
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec

from libs.domain.values import DeployedModel
from libs.linux.process_title import show_as
from services.inference import plan
from services.inference.engine.engine import Engine
from services.inference.engine.errors import BadModel
from services.inference.engine.probe import probe
from services.inference.memory import is_short, probe_words, replica_words
from services.inference.replica import isolation
from services.inference.replica.serve import Server
from services.inference.replica.step_process import StepProcess

# Between collections: a thousand rows of JSON are some thousand containers, none of them garbage.
GC_ALLOCATIONS = 50_000

Of = TypeVar("Of")
_decode_plan = msgspec.msgpack.Decoder(plan.Plan).decode
_decode_upload = msgspec.msgpack.Decoder(plan.Upload).decode


def become(order: plan.Order, descriptors: list[int]) -> None:
    """Returns when the service has closed the control socket, or a probe is done."""
    gc.enable()
    os.setsid()
    control = socket.socket(fileno=descriptors[0])
    given = descriptors[1:]
    steps = [StepProcess(socket.socket(fileno=given.pop())) for _ in range(order.steps)][::-1]
    listener = socket.socket(fileno=given.pop(0)) if order.kind == "replica" else None
    show_as([f"rondo {order.kind} {order.name}"])
    files = [Path(f"/proc/self/fd/{each}") for each in given]
    isolation.confine(order.uid, order.memory, files)
    message = plan.receive(control)
    if not message:
        return
    if listener is None:
        plan.send(control, _probe(_decode_upload(message), files[0], order.memory, *steps))
        return
    _serve(_decode_plan(message), files, order.memory, steps, control, listener)


def _probe(
    upload: plan.Upload, file: Path, memory: int | None, step: StepProcess | None = None
) -> plan.Probed | plan.Refusal:
    began = time.perf_counter()
    try:
        schemas = upload.input_schema, upload.output_schema
        found = probe(file, upload.framework, *schemas, process=step)
    except (BadModel, MemoryError) as refusal:
        return plan.refusal(probe_words(memory) if is_short(refusal) else str(refusal))
    seconds = time.perf_counter() - began
    return plan.Probed(
        list(found.inputs), list(found.outputs), found.trees, seconds, found.warnings
    )


def _serve(
    work: plan.Plan,
    files: Sequence[Path],
    memory: int | None,
    steps: Sequence[StepProcess],
    control: socket.socket,
    listener: socket.socket,
) -> None:
    began = time.perf_counter()
    try:
        in_environments = [each for each in work.models if each.environment]
        processes = paths(in_environments, steps)
        loaded = Engine.load(work.steps, work.models, paths(work.models, files), processes)
        loaded.warm()
        server = Server(loaded, work, listener)
        server.start()
    except Exception as problem:
        words = str(problem) or type(problem).__name__
        if is_short(problem):
            words = replica_words(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10, memory)
        plan.send(control, plan.refusal(words))
        return
    for each in files:
        os.close(int(each.name))
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    plan.send(control, plan.Loaded(time.perf_counter() - began))
    server.run(control)


def paths(models: Sequence[DeployedModel], files: Sequence[Of]) -> dict[UUID, Of]:
    """Of each version: files come once for each, in the order of its first use."""
    versions = dict.fromkeys(model.version for model in models)
    return dict(zip(versions, files, strict=True))
