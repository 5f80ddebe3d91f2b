#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: a missing value in a tensor of strings becomes a text.
# Expected: an error for None and for NaN (pandas' sign for a missing text), which are no strings.
# Seen: the model gets "None" and "nan". A row without a value is answered as if somebody had written
# these words. A server has to look for missing texts itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat >"$folder/show.py" <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info

ends = [make_tensor_value_info(name, TensorProto.STRING, ["n"]) for name in ("x", "y")]
graph = make_graph([make_node("Identity", ["x"], ["y"])], "same", ends[:1], ends[1:])
model = make_model(graph, opset_imports=[make_opsetid("", 21)], ir_version=10)
onnx.checker.check_model(model)
session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
answer = session.run(None, {"x": np.array([None, float("nan"), "b"], object)})[0].tolist()

print("onnxruntime", ort.__version__)
print(f"None, NaN and 'b' in: expected an error, seen {answer}")
sys.exit(0 if answer == ["None", "nan", "b"] else 1)
PY
"$folder/venv/bin/python" "$folder/show.py"
