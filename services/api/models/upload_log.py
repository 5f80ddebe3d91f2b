"""What became of an upload, in words."""

from collections.abc import Iterator, Sequence

from libs.domain.events import (
    ModelVersionFailed,
    ModelVersionPackaged,
    ModelVersionReady,
    ModelVersionUploaded,
)
from libs.eventlog.envelope import Recorded

_OUTCOMES = (ModelVersionReady, ModelVersionFailed)


def lines(facts: Sequence[Recorded]) -> list[str]:
    """Oldest first; `facts` are all events of the version."""
    told = [line for fact in facts for line in _of(fact)]
    over = any(isinstance(fact.event, _OUTCOMES) for fact in facts)
    return told if over else [*told, "waits to be loaded and probed"]


def _of(fact: Recorded) -> Iterator[str]:
    match fact.event:
        case ModelVersionUploaded() as file:
            size = f"{file.file_size} bytes, sha {file.sha}"
            yield f"{fact.at.isoformat()} {file.file_name}: {size}"
            if file.requirements:
                yield f"needs an environment with {', '.join(file.requirements)}"
        case ModelVersionPackaged(environment=environment, seconds=steps):
            spent = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in steps.items())
            yield f"environment {environment} is there: {spent}".removesuffix(": ")
        case ModelVersionReady() as found:
            inputs = ", ".join(each.name for each in found.inputs)
            outputs = ", ".join(each.name for each in found.outputs)
            yield from (f"warning: {each}" for each in found.warnings)
            yield f"loaded and probed: inputs {inputs}; outputs {outputs}"
        case ModelVersionFailed(reason=reason):
            yield f"can't be served: {reason}"
