"""What models are made of."""

from enum import Enum


class Framework(str, Enum):  # StrEnum came with Python 3.11
    """The format of a model file. Not every platform serves every one: it refuses the rest."""

    ONNX = "onnx"
    TENSORFLOW = "tensorflow"
    PYTHON = "python"
    KERAS = "keras"
    SKLEARN = "sklearn"
    PYTORCH = "pytorch"
    XGBOOST = "xgboost"
    CUSTOM = "custom"

    def __str__(self) -> str:
        return self.value
