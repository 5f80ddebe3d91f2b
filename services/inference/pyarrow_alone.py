"""pyarrow without pandas: it imports that with the first array that it makes, if it is installed.

That takes a second of a processor and 45 MiB. Who needs pandas (steps in Python) imports it itself,
before or after; pyarrow looks for it once.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pyarrow as pa


class _Hidden:
    """Finds no pandas, and says nothing of other modules."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is hidden while pyarrow looks for it")
        return None


def look() -> None:
    """To be called before anything else makes an array."""
    if "pandas" in sys.modules:
        return
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:  # arrays of numpy's values and of Python's are made in two places, and each looks
        pa.array(np.zeros(1))
        pa.array([1.5, None])
    finally:
        sys.meta_path.remove(hidden)
