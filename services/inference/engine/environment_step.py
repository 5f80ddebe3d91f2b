"""A step that runs in an environment of its own: a process with other packages than ours.

What it takes and gives is what its schemas say, as for a step that runs here.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from libs.domain.values import TensorSpec
from services.inference.engine.python_step import output
from services.inference.engine.request import Cancel
from services.inference.engine.tensors import Array, zero_rows


class StepProcess(Protocol):
    """The process that has it."""

    def load(self, what: Mapping[str, Any]) -> list[str]:
        """What its libraries had to say. BadModel says why it can't be loaded."""
        ...

    def run(self, arrays: Mapping[str, Array], cancel: Cancel | None) -> dict[str, Array]:
        """What the step gives, by name. Refused(500), or Cancelled."""
        ...


class EnvironmentStep:
    """BadModel if it can't be loaded. Its calls wait for one another; one that is cancelled is
    killed."""

    rows_at_once = sys.maxsize  # it may look at all of them
    gives_lists = False  # but where its schema says so

    def __init__(
        self,
        process: StepProcess,
        framework: str,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
    ) -> None:
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self._process = process
        self.warnings = process.load(
            {
                "framework": framework,
                "inputs": {each.name: each.shape for each in inputs},
                "outputs": [each.name for each in outputs],
            }
        )

    def run(self, feeds: Mapping[str, Array], cancel: Cancel | None) -> list[Any]:
        """See Session. Refused(500) with the place in the step where it fails."""
        rows = len(next(iter(feeds.values())))
        if not rows:
            return [zero_rows(spec) for spec in self.outputs]
        result = self._process.run(feeds, cancel)
        return [output(result, spec, rows) for spec in self.outputs]
