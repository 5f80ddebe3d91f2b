#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: `Unique` loses values if one of them is NaN.
# Expected: the numbers that are there, each once, and NaN.
# Seen: with NaN in the first place nothing but NaN comes out, whatever else was there; with NaN in any
# other place the NaN is left out. `sorted` makes no difference. So the answer goes by where NaN is.
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

def unique(*values: float) -> np.ndarray:
    vector = [make_tensor_value_info(name, TensorProto.FLOAT, [size]) for name, size in (("x", "n"), ("y", "m"))]
    graph = make_graph([make_node("Unique", ["x"], ["y"])], "unique", vector[:1], vector[1:])
    model = make_model(graph, opset_imports=[make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array(values, np.float32)})[0]


NAN = float("nan")
print("onnxruntime", ort.__version__)
first, later = unique(NAN, 5, 4, 3), unique(5, 4, NAN, 3)
for given, seen in (("nan 5 4 3", first), ("5 4 nan 3", later)):
    print(f"Unique of {given}: expected 3 4 5 nan, seen {seen}")
sys.exit(0 if np.isnan(first).tolist() == [True] and later.tolist() == [3, 4, 5] else 1)
PY
"$folder/venv/bin/python" "$folder/show.py"
