"""What archives of Python import to say what they are: the published names, and no more than that.

Their authors derive from these classes; the module names are those of the published examples.
"""

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

InferenceData = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class CustomInferenceConfig:
    """`model_path` is the folder of the archive's files, if it runs in an environment of its own;
    elsewhere archives are not unpacked, and there is nothing."""

    model_path: Path


class Inference(ABC):
    """What a builder makes: a model, and how it answers."""

    def __init__(self) -> None:
        self._model: Any = None

    @property
    @abstractmethod
    def expected_model_types(self) -> set[Any]:
        """Of which the model is one."""

    @property
    def model(self) -> Any:
        """What the builder has assigned."""
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        self._raise_error_if_model_is_wrong_type(model)
        self._model = model

    def predict(self, input_data: InferenceData) -> InferenceData:
        """The outputs, by name."""
        return self._predict(input_data)

    @abstractmethod
    def _predict(self, input_data: InferenceData) -> InferenceData: ...

    def _raise_error_if_model_is_wrong_type(self, model: Any) -> None:
        if not isinstance(model, tuple(self.expected_model_types)):
            raise TypeError(f"the model is a {type(model).__name__}, which is not expected")


class InferenceBuilder(ABC):
    """Makes the Inference, once, when the archive is loaded."""

    @property
    @abstractmethod
    def inference(self) -> Inference:
        """A new one, without its model."""

    @abstractmethod
    def create(self, config: CustomInferenceConfig) -> Inference:
        """One with its model."""


def provide() -> None:
    """So that `from mac.types import InferenceData`, and the others, are found."""
    names: dict[str, dict[str, Any]] = {
        "mac": {},
        "mac.types": {"InferenceData": InferenceData},
        "mac.config": {},
        "mac.config.inference": {"CustomInferenceConfig": CustomInferenceConfig},
        "mac.inference": {"Inference": Inference},
        "mac.inference.creation": {"InferenceBuilder": InferenceBuilder},
    }
    for name, members in names.items():
        module = ModuleType(name)
        module.__path__ = []
        vars(module).update(members)
        sys.modules.setdefault(name, module)
