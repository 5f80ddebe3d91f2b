"""Makes houseprice.onnx: boosted trees for the price of a house, from houses that are made up.

Only who wants another model needs it: `pip install onnx`, then `python make_model.py`. The same
numpy makes the same file.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper

COLUMNS = ("bedrooms", "bathrooms", "living", "lot", "floors", "condition", "grade", "age")
HOUSES, TREES, DEPTH, RATE = 2000, 60, 3, 0.15


class Node(NamedTuple):
    """A leaf has a value; any other node two children: the first for what is at most `limit`."""

    value: float = 0.0
    column: int = 0
    limit: float = 0.0
    children: tuple["Node", ...] = ()


def houses(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Made up houses, a row each, and their prices."""
    living = random.uniform(500, 5000, HOUSES).round(-1)
    grade = np.clip((living / 600 + random.normal(5, 1, HOUSES)).round(), 3, 13)
    columns = [
        random.integers(1, 7, HOUSES),
        random.integers(2, 9, HOUSES) / 2,
        living,
        (living * random.uniform(1, 8, HOUSES)).round(-1),
        random.integers(2, 7, HOUSES) / 2,
        random.integers(1, 6, HOUSES),
        grade,
        random.integers(0, 110, HOUSES),
    ]
    table = np.column_stack(columns).astype(np.float32)
    price = 90 * living + 9000 * (grade - 5) ** 2 + 12_000 * columns[5] - 400 * columns[7]
    return table, price + random.normal(60_000, 15_000, HOUSES)


def grow(table: np.ndarray, rest: np.ndarray, depth: int) -> Node:
    """The tree that explains most of `rest`."""
    splits = [] if depth == 0 or len(rest) < 40 else list(_splits(table, rest))
    if not splits:
        return Node(value=float(rest.mean()))
    _, column, limit = min(splits)
    left = table[:, column] <= limit
    children = grow(table[left], rest[left], depth - 1), grow(table[~left], rest[~left], depth - 1)
    return Node(column=column, limit=limit, children=children)


def _splits(table: np.ndarray, rest: np.ndarray) -> Any:
    """Error, column and limit of each that leaves houses on both sides."""
    for column in range(table.shape[1]):
        for limit in np.unique(np.quantile(table[:, column], np.linspace(0.1, 0.9, 9))):
            left = table[:, column] <= np.float32(limit)
            if 10 <= left.sum() <= len(rest) - 10:
                error = rest[left].var() * left.sum() + rest[~left].var() * (~left).sum()
                yield float(error), column, float(np.float32(limit))


def predict(node: Node, table: np.ndarray) -> np.ndarray:
    """A value for each house."""
    if not node.children:
        return np.full(len(table), node.value)
    left = table[:, node.column] <= node.limit
    return np.where(left, predict(node.children[0], table), predict(node.children[1], table))


def boost(table: np.ndarray, prices: np.ndarray) -> tuple[float, list[Node]]:
    """The mean price, and trees of which each explains a part of what the others leave."""
    mean, trees = float(prices.mean()), []
    rest = prices - mean
    for _ in range(TREES):
        tree = grow(table, rest, DEPTH)
        rest = rest - RATE * predict(tree, table)
        trees.append(tree)
    return mean, trees


def attributes(mean: float, trees: Sequence[Node]) -> dict[str, Any]:
    """What the operator TreeEnsembleRegressor calls them: a list for each field of the nodes."""
    fields: dict[str, list[Any]] = {name: [] for name in _FIELDS}
    for number, tree in enumerate(trees):
        _add(fields, number, tree, 0)
    return {**fields, "n_targets": 1, "base_values": [mean]}


_FIELDS = (
    *("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes"),
    *("nodes_truenodeids", "nodes_falsenodeids"),
    *("target_treeids", "target_nodeids", "target_ids", "target_weights"),
)


def _add(fields: dict[str, list[Any]], tree: int, node: Node, id: int) -> int:
    """Adds a node as number `id` and all below it; the next free number."""
    place = len(fields["nodes_nodeids"])
    row = (tree, id, node.column, node.limit, "BRANCH_LEQ" if node.children else "LEAF", 0, 0)
    for name, value in zip(_FIELDS[:7], row, strict=True):
        fields[name].append(value)
    if not node.children:
        for name, value in zip(_FIELDS[7:], (tree, id, 0, RATE * node.value), strict=True):
            fields[name].append(value)
        return id + 1
    left, right = node.children
    fields["nodes_truenodeids"][place] = id + 1
    next_id = _add(fields, tree, left, id + 1)
    fields["nodes_falsenodeids"][place] = next_id
    return _add(fields, tree, right, next_id)


def model(mean: float, trees: Sequence[Node]) -> onnx.ModelProto:
    """`tensor` [N, 8] to `price` [N, 1]."""
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["tensor"],
        ["price"],
        domain="ai.onnx.ml",
        **attributes(mean, trees),
    )
    graph = helper.make_graph(
        [node],
        "houseprice",
        [helper.make_tensor_value_info("tensor", TensorProto.FLOAT, ["N", len(COLUMNS)])],
        [helper.make_tensor_value_info("price", TensorProto.FLOAT, ["N", 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def main() -> None:
    table, prices = houses(np.random.default_rng(7))
    onnx.save(model(*boost(table, prices)), Path(__file__).with_name("houseprice.onnx"))


if __name__ == "__main__":
    main()
