"""One inference as the log keeps it: what the gateway knows of it, and what the replica saw.

The gateway writes the head itself, so that user code in a replica can only speak for its own
inference. Both are msgpack.
"""

from typing import Literal
from uuid import UUID

import msgspec

Format = Literal["json", "arrow"]


class RecordHead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Written by the gateway. `time` is in ms since 1970 and never goes back within a pipeline;
    `run` is the task run that asked, if one did."""

    id: UUID
    time: int
    workspace: int
    pipeline: UUID
    version: UUID
    caller: str
    run: UUID | None
    partition: str  # the replica


class RecordBody(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Written by the replica, of `rows` rows.

    `inputs` is the body of the request as it came: JSON, a list of records or an object of
    columns; or an Arrow IPC file. `outputs` has the columns of the answer by their flat names
    (`out.variable`, `out_other.variable`, `out._model_split`, `anomaly.count`, ...): JSON, an
    object of columns, whose element types (ONNX's, as in TensorSpec) are in `types`; or an Arrow
    IPC stream.
    """

    rows: int
    format: Format
    inputs: bytes
    outputs: bytes
    types: dict[str, str]
    last_model: str  # JSON: {"model_name", "model_sha"}
    elapsed: list[int]  # ns: parsing, then each step
    dropped: list[str] = []  # columns that were left out because they were too large
