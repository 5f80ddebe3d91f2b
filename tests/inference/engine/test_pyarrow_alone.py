"""In a new process: what pyarrow brings with it is decided once."""

import subprocess
import sys

_CODE = """
import sys
from services.inference.engine import arrow_request
import numpy as np
import pyarrow as pa

pa.array(np.zeros(3))
pa.array([1.5, None])
pa.array([{"a": ["x"]}]).to_numpy(zero_copy_only=False)
assert "pandas" not in sys.modules
assert len(pa.table({"a": [1]}).to_pandas()) == 1
"""


def test_arrow_requests_bring_no_pandas_and_steps_in_python_still_find_it() -> None:
    subprocess.run([sys.executable, "-c", _CODE], check=True)
