"""What the scripts about pipelines share: models, pipelines and inputs."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from wallaroo.framework import Framework

from tests.sdk_acceptance.scripts.common import unique

WIDTH = 18


def name(start: str) -> str:
    """The SDK takes shorter ones than our others are."""
    return unique(start)[:40]


def model(wl: Any, folder: str, file: str, **config: Any) -> Any:
    """A version that is configured, as tutorials do it in one line."""
    uploaded = wl.upload_model(name("m"), f"{folder}/{file}", framework=Framework.ONNX)
    return uploaded.configure(**config)


def rows(count: int, column: str = "tensor") -> pd.DataFrame:
    """Numbers that are the same in each run, in float32."""
    numbers = np.random.default_rng(1).random((count, WIDTH), np.float32)
    return pd.DataFrame({column: [[float(one) for one in row] for row in numbers]})


def table(count: int, column: str = "tensor") -> pa.Table:
    """The same, as tutorials have it in files: lists of a fixed size."""
    numbers = np.random.default_rng(1).random((count, WIDTH), np.float32)
    flat = pa.array(numbers.reshape(-1))
    return pa.table({column: pa.FixedSizeListArray.from_arrays(flat, WIDTH)})


def deployed(wl: Any, *steps: Any, config: Any = None) -> Any:
    """A pipeline with these model steps, running."""
    pipeline = wl.build_pipeline(name("p"))
    for step in steps:
        pipeline.add_model_step(step)
    pipeline.deploy(deployment_config=config)
    assert pipeline.status()["status"] == "Running"
    return pipeline


def outputs(answer: Any, column: str = "out.variable") -> list[float]:
    """One number a row, of a DataFrame or a table, as the float32 that it is."""
    frame = answer.to_pandas() if isinstance(answer, pa.Table) else answer
    return [float(np.float32(row[0])) for row in frame[column]]
