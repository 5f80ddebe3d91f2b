"""The model that all serve, and what they are asked: alike in size to the one of the tutorials.

Its rows lie close together, so that a processor guesses most branches, as it does with houses.
"""

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from bench.serving.server import Rows
from tests.inference.models import trees

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before its import
import onnxruntime as ort

WIDTH, COUNT = 18, 1000


class Session(Protocol):
    def run(self, names: None, feeds: dict[str, Rows]) -> list[Rows]: ...


def model(path: Path) -> Path:
    """100 trees of 63 nodes, 231 kB."""
    return trees(path, depth=5)


def feeds(count: int) -> dict[str, Rows]:
    return {"float_input": rows(count)}


def rows(count: int = COUNT) -> Rows:
    spread = np.random.default_rng(1).random((count, WIDTH), np.float32)
    return (0.5 + 0.05 * (spread - 0.5)).astype(np.float32)


def records(count: int) -> list[dict[str, Any]]:
    """As pandas writes them."""
    return [{"tensor": row} for row in rows(count).tolist()]


def arrow(count: int) -> bytes:
    """The same as an Arrow file, its column a list of fixed size as in the tutorials."""
    flat = pa.array(rows(count).reshape(-1))
    batch = pa.record_batch({"tensor": pa.FixedSizeListArray.from_arrays(flat, WIDTH)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as file:
        file.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def session(path: Path, threads: int = 1) -> Session:
    """onnxruntime by itself: all else is compared with it. It does not spin."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    made: Session = ort.InferenceSession(str(path), options)
    return made


def predictions(session: Session, count: int) -> Rows:
    return session.run(None, feeds(count))[0]
