#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: `post_transform` of a regressor is skipped if it has one target.
# Expected: LOGISTIC of a raw 2.0 is 0.8807971, for one target as for two; the operators' text has no
# exception for one.
# Seen: LinearRegressor and TreeEnsembleRegressor answer 0.88 for two targets and the raw 2.0 for one.
# So a model of probabilities, which has one target, answers with log-odds.
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

X = np.array([[2.0]], np.float32)


def linear(targets: int) -> onnx.NodeProto:
    return make_node(
        "LinearRegressor", ["x"], ["y"], domain="ai.onnx.ml", post_transform="LOGISTIC",
        coefficients=[1.0] * targets, intercepts=[0.0] * targets, targets=targets,
    )


def trees(targets: int) -> onnx.NodeProto:
    """One leaf, of weight 2.0 for each target."""
    leaf = dict.fromkeys(("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids"), [0])
    return make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", post_transform="LOGISTIC",
        **{f"nodes_{name}": value for name, value in leaf.items()},
        nodes_modes=["LEAF"], nodes_values=[0.0], n_targets=targets,
        target_treeids=[0] * targets, target_nodeids=[0] * targets,
        target_ids=list(range(targets)), target_weights=[2.0] * targets,
    )


def answer(node: onnx.NodeProto) -> np.ndarray:
    inputs = [make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1])]
    outputs = [make_tensor_value_info("y", TensorProto.FLOAT, ["n", "m"])]
    imports = [make_opsetid("", 21), make_opsetid("ai.onnx.ml", 3)]
    model = make_model(make_graph([node], "g", inputs, outputs), opset_imports=imports, ir_version=10)
    onnx.checker.check_model(model)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": X})[0][0]


print("onnxruntime", ort.__version__)
seen = {(kind.__name__, targets): answer(kind(targets)) for kind in (linear, trees) for targets in (1, 2)}
for (kind, targets), values in seen.items():
    print(f"{kind}, {targets} target(s): expected 0.8807971 each, seen {values}")
one = all(seen[kind, 1].tolist() == [2.0] for kind in ("linear", "trees"))
two = all(np.allclose(seen[kind, 2], 0.8807971) for kind in ("linear", "trees"))
sys.exit(0 if one and two else 1)
PY
"$folder/venv/bin/python" "$folder/show.py"
