"""Small models of every kind, made here: what uploads look like. Golden digits come from them."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_graph, make_node, make_tensor_value_info

FLOAT, DOUBLE, INT64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64
STRING, BOOL, FLOAT16 = TensorProto.STRING, TensorProto.BOOL, TensorProto.FLOAT16
BFLOAT16 = TensorProto.BFLOAT16
_ML = helper.make_opsetid("ai.onnx.ml", 3)

Shape = Sequence[int | str]


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Shape]],
    outputs: dict[str, tuple[int, Shape]],
    weights: dict[str, np.ndarray] | None = None,
) -> Path:
    """A model file of these nodes."""
    graph = make_graph(
        nodes,
        "graph",
        [make_tensor_value_info(name, *spec) for name, spec in inputs.items()],
        [make_tensor_value_info(name, *spec) for name, spec in outputs.items()],
        [numpy_helper.from_array(each, name) for name, each in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17), _ML]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def linear(path: Path, width: int = 3, name: str = "variable") -> Path:
    """`float_input` [N, width] times 1, 2, 3, ... and summed, plus 0.1: `variable` [N, 1]."""
    weights = np.arange(1, width + 1, dtype=np.float32).reshape(width, 1)
    return save(
        path,
        [
            make_node("MatMul", ["float_input", "w"], ["sum"]),
            make_node("Add", ["sum", "b"], [name]),
        ],
        {"float_input": (FLOAT, ["N", width])},
        {name: (FLOAT, ["N", 1])},
        {"w": weights, "b": np.array([0.1], np.float32)},
    )


def trees(path: Path, count: int = 100, width: int = 18, seed: int = 7, depth: int = 2) -> Path:
    """A forest whose leaves are of many sizes, so that the last digits of a sum show its order."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        key: []
        for key in (
            *("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes"),
            *("nodes_truenodeids", "nodes_falsenodeids", "nodes_hitrates"),
            *("nodes_missing_value_tracks_true", "target_treeids", "target_nodeids"),
            *("target_ids", "target_weights"),
        )
    }
    for tree in range(count):
        _tree(columns, tree, width, depth, random)
    node = make_node(
        "TreeEnsembleRegressor",
        ["float_input"],
        ["variable"],
        domain="ai.onnx.ml",
        n_targets=1,
        **columns,
    )
    return save(
        path,
        [node],
        {"float_input": (FLOAT, ["N", width])},
        {"variable": (FLOAT, ["N", 1])},
    )


def _tree(
    columns: dict[str, list[Any]], tree: int, width: int, depth: int, random: np.random.Generator
) -> None:
    """All leaves lie `depth` below the root: of depth 2, nodes 0 to 2 decide, 3 to 6 are leaves."""
    first_leaf = 2**depth - 1
    for node in range(2 * first_leaf + 1):
        leaf = node >= first_leaf
        columns["nodes_treeids"].append(tree)
        columns["nodes_nodeids"].append(node)
        columns["nodes_featureids"].append(0 if leaf else int(random.integers(width)))
        columns["nodes_values"].append(0.0 if leaf else float(random.uniform(0.2, 0.8)))
        columns["nodes_modes"].append("LEAF" if leaf else "BRANCH_LEQ")
        columns["nodes_truenodeids"].append(0 if leaf else 2 * node + 1)
        columns["nodes_falsenodeids"].append(0 if leaf else 2 * node + 2)
        columns["nodes_hitrates"].append(1.0)
        columns["nodes_missing_value_tracks_true"].append(0)
        if leaf:
            columns["target_treeids"].append(tree)
            columns["target_nodeids"].append(node)
            columns["target_ids"].append(0)
            columns["target_weights"].append(float(np.float32(random.uniform(1000.0, 9000.0))))


def multi_io(path: Path) -> Path:
    """`input_1` [N, 10] and `input_2` [N, 5]: their sums of three and two columns."""
    random = np.random.default_rng(3)
    return save(
        path,
        [
            make_node("MatMul", ["input_1", "w1"], ["output_1"]),
            make_node("MatMul", ["input_2", "w2"], ["output_2"]),
        ],
        {"input_1": (FLOAT, ["N", 10]), "input_2": (FLOAT, ["N", 5])},
        {"output_1": (FLOAT, ["N", 3]), "output_2": (FLOAT, ["N", 2])},
        {
            "w1": random.random((10, 3), np.float32),
            "w2": random.random((5, 2), np.float32),
        },
    )


def identity(path: Path, dtype: int, shape: Shape = ("N", 2)) -> Path:
    """`input` of any element type comes out as `output`."""
    return save(
        path,
        [make_node("Identity", ["input"], ["output"])],
        {"input": (dtype, shape)},
        {"output": (dtype, shape)},
    )


def without_rows(path: Path) -> Path:
    """`input` [N, 2]: the sum of all rows as a scalar, `total`, and the doubled rows, `twice`."""
    return save(
        path,
        [
            make_node("ReduceSum", ["input"], ["total"], keepdims=0),
            make_node("Add", ["input", "input"], ["twice"]),
        ],
        {"input": (FLOAT, ["N", 2])},
        {"total": (FLOAT, []), "twice": (FLOAT, ["N", 2])},
    )


def one_row(path: Path) -> Path:
    """`input` [1, 2], no more and no less."""
    return identity(path, FLOAT, [1, 2])


def zipmap(path: Path) -> Path:
    """A classifier of three classes as skl2onnx writes it: labels, and maps of probabilities."""
    graph = make_graph(
        [
            make_node(
                "LinearClassifier",
                ["input"],
                ["output_label", "scores"],
                domain="ai.onnx.ml",
                classlabels_ints=[0, 1, 2],
                coefficients=[1.0, 0.0, 0.0, 1.0, 0.5, 0.5],
                intercepts=[0.0, 0.0, 0.1],
                post_transform="SOFTMAX",
            ),
            make_node(
                "ZipMap",
                ["scores"],
                ["output_probability"],
                domain="ai.onnx.ml",
                classlabels_int64s=[0, 1, 2],
            ),
        ],
        "graph",
        [make_tensor_value_info("input", FLOAT, ["N", 2])],
        [
            make_tensor_value_info("output_label", INT64, ["N"]),
            helper.make_value_info(
                "output_probability",
                helper.make_sequence_type_proto(
                    helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, []))
                ),
            ),
        ],
    )
    opsets = [helper.make_opsetid("", 17), _ML]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def slow(path: Path, rounds: int = 1 << 40) -> Path:
    """Adds 1 to `input` [N, 2] so many times: practically for ever."""
    body = make_graph(
        [
            make_node("Identity", ["more"], ["still"]),
            make_node("Add", ["value", "one"], ["next"]),
        ],
        "body",
        [
            make_tensor_value_info("round", INT64, []),
            make_tensor_value_info("more", BOOL, []),
            make_tensor_value_info("value", FLOAT, None),
        ],
        [
            make_tensor_value_info("still", BOOL, []),
            make_tensor_value_info("next", FLOAT, None),
        ],
    )
    return save(
        path,
        [make_node("Loop", ["rounds", "", "input"], ["output"], body=body)],
        {"input": (FLOAT, ["N", 2])},
        {"output": (FLOAT, ["N", 2])},
        {"rounds": np.array(rounds, np.int64), "one": np.array(1.0, np.float32)},
    )


def unknown_operator(path: Path) -> Path:
    """Of a domain that nobody has registered."""
    graph = make_graph(
        [make_node("Frobnicate", ["input"], ["output"], domain="nobody")],
        "graph",
        [make_tensor_value_info("input", FLOAT, ["N", 2])],
        [make_tensor_value_info("output", FLOAT, ["N", 2])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("nobody", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def no_operator(path: Path) -> Path:
    """Of ONNX' own domain, which has none of that name."""
    return save(
        path,
        [make_node("Frobnicate", ["input"], ["output"])],
        {"input": (FLOAT, ["N", 2])},
        {"output": (FLOAT, ["N", 2])},
    )


def of_mixed_types(path: Path) -> Path:
    """Adds floats and integers."""
    return save(
        path,
        [make_node("Add", ["input", "one"], ["output"])],
        {"input": (FLOAT, ["N", 2])},
        {"output": (FLOAT, ["N", 2])},
        {"one": np.ones(2, np.int64)},
    )


def of_opset(path: Path, opset: int, ir_version: int = 8) -> Path:
    """Says that it is of these, and is `linear` otherwise."""
    model = onnx.load(linear(path))
    model.opset_import[0].version, model.ir_version = opset, ir_version
    onnx.save(model, path)
    return path


def text_to_number(path: Path) -> Path:
    """`text` [N, 1] as numbers: fails for the empty text."""
    return save(
        path,
        [make_node("Cast", ["text"], ["number"], to=FLOAT)],
        {"text": (STRING, ["N", 1])},
        {"number": (FLOAT, ["N", 1])},
    )


def sequence(path: Path) -> Path:
    """Its output is a sequence of tensors, which no answer can say."""
    graph = make_graph(
        [make_node("SequenceConstruct", ["input", "input"], ["output"])],
        "graph",
        [make_tensor_value_info("input", FLOAT, ["N", 2])],
        [helper.make_tensor_sequence_value_info("output", FLOAT, ["N", 2])],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def truncated(path: Path) -> Path:
    """The first half of a model."""
    content = linear(path, width=18).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def weights_elsewhere(path: Path) -> Path:
    """Its weights are in a file beside it, which nobody uploaded."""
    model = onnx.load(linear(path, width=300))
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (path.parent / "weights.bin").unlink()
    return path


def step(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """A step in Python: its files in a ZIP."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
