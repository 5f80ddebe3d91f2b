#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: SOFTMAX_ZERO of scores that are all zero is NaN.
# Expected: the transform leaves zeros at zero (that is what it is for), or shares them out evenly.
# Seen: NaN for every class of such a row. A row of zero features and no intercept is enough, and the
# class that is chosen beside it looks as good as any.
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

node = make_node(
    "LinearClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml", post_transform="SOFTMAX_ZERO",
    coefficients=[1.0, 2.0, -1.0, -2.0], intercepts=[0.0, 0.0], classlabels_ints=[0, 1],
)
inputs = [make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])]
outputs = [
    make_tensor_value_info("label", TensorProto.INT64, ["n"]),
    make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2]),
]
imports = [make_opsetid("", 21), make_opsetid("ai.onnx.ml", 3)]
model = make_model(make_graph([node], "g", inputs, outputs), opset_imports=imports, ir_version=10)
onnx.checker.check_model(model)
session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
labels, scores = session.run(None, {"x": np.array([[0, 0], [1, 1]], np.float32)})

print("onnxruntime", ort.__version__)
print(f"features 0 0: expected scores 0 0 or 0.5 0.5, seen {scores[0]}, label {labels[0]}")
print(f"features 1 1: seen {scores[1]}, label {labels[1]}")
sys.exit(0 if np.isnan(scores[0]).all() and np.isfinite(scores[1]).all() else 1)
PY
"$folder/venv/bin/python" "$folder/show.py"
