#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: what a tree ensemble answers for a row depends on how many other rows are
# in the same call, once the session has more than one intra-op thread.
# Expected: a row's prediction is the row's alone; or it differs from two rows on, if at all.
# Seen: with 2 or 4 threads every row of a batch of up to 50 rows is bit-equal to the row alone;
# from 51 rows on most rows differ in their last digits. With 1 thread none ever does.
# So a server that merges or splits requests of tree models changes their answers, and the thread
# count belongs to the deployment's record, not to the machine.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    onnxruntime==1.32.0 skl2onnx==1.20.0 scikit-learn==1.9.0 numpy==2.4.6
cat >"$folder/show.py" <<'PY'
import sys

import numpy as np
import onnxruntime as ort
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestRegressor

rng = np.random.default_rng(7)
rows = rng.random((1000, 18), dtype=np.float32)
prices = (rows @ rng.random(18, dtype=np.float32)) * 1e5
forest = RandomForestRegressor(100, max_depth=8, random_state=7).fit(rows, prices)
model = to_onnx(forest, rows[:1]).SerializeToString()


def differing(threads: int, size: int) -> int:
    """How many rows, in batches of `size`, get another answer than alone."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name, whole = session.get_inputs()[0].name, len(rows) // size * size
    alone = np.concatenate([session.run(None, {name: row[None]})[0] for row in rows[:whole]])
    batches = [session.run(None, {name: rows[at : at + size]})[0] for at in range(0, whole, size)]
    return int((np.concatenate(batches) != alone).sum())


print("onnxruntime", ort.__version__)
print("threads  rows in a call  rows that differ from the row alone")
seen = {(threads, size): differing(threads, size) for threads in (1, 2, 4) for size in (2, 50, 51, 1000)}
for (threads, size), count in seen.items():
    print(f"{threads:7}  {size:14}  {count:6}")
equal = [count for (threads, size), count in seen.items() if threads == 1 or size <= 50]
other = [count for (threads, size), count in seen.items() if threads > 1 and size > 50]
sys.exit(0 if not any(equal) and min(other) > 100 else 1)
PY
"$folder/venv/bin/python" "$folder/show.py"
