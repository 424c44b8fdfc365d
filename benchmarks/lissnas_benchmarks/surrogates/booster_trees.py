"""Check that the trees of a booster are trees. The libraries do not check, and a loop makes a prediction endless."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class _Tree(msgspec.Struct):
    left_children: list[int]
    right_children: list[int]
    split_indices: list[int]
    split_type: list[int]
    split_conditions: list[float]
    tree_param: dict[str, str]


class _Trees(msgspec.Struct):
    trees: list[_Tree]
    tree_info: list[int]
    iteration_indptr: list[int]
    gbtree_model_param: dict[str, str]


class _GradientBooster(msgspec.Struct):
    name: str
    model: _Trees


class _Objective(msgspec.Struct):
    name: str


class _Learner(msgspec.Struct):
    gradient_booster: _GradientBooster
    learner_model_param: dict[str, str]
    objective: _Objective


class _Model(msgspec.Struct):
    learner: _Learner


def check_xgboost(text: bytes, features: int) -> None:
    """Check a booster in XGBoost's JSON; raises ValueError unless it sums trees over that many features."""
    learner = msgspec.json.decode(text, type=_Model).learner
    model, parameters = learner.gradient_booster.model, learner.learner_model_param
    _require(learner.gradient_booster.name == "gbtree", "it is not a sum of trees")
    _require(learner.objective.name.startswith("reg:"), "it does not predict a number")
    _require(parameters.get("num_class", "0") in ("0", "1"), "it predicts classes")
    _require(parameters.get("num_target", "1") in ("0", "1"), "it predicts several numbers")
    _require(len(model.tree_info) == len(model.trees) and not any(model.tree_info), "its trees have several targets")
    ends = model.iteration_indptr
    _require(
        ends == sorted(ends) and set(ends) <= set(range(len(model.trees) + 1)), "its rounds do not match its trees"
    )
    for number, tree in enumerate(model.trees):
        left, right = (np.array(of, dtype=np.int64) for of in (tree.left_children, tree.right_children))
        count = len(left)
        lengths = {len(of) for of in (right, tree.split_indices, tree.split_type, tree.split_conditions)}
        _require(count > 0 and lengths == {count}, f"tree {number} lacks nodes")
        _require(tree.tree_param.get("num_nodes") == str(count), f"tree {number} states another number of nodes")
        _require(tree.tree_param.get("size_leaf_vector", "0") in ("0", "1"), f"tree {number} predicts several numbers")
        _require(not any(tree.split_type), f"tree {number} splits by categories")
        inner = left != -1
        _require(np.array_equal(inner, right != -1), f"tree {number} has a node with one child")
        _require_features(np.array(tree.split_indices, dtype=np.int64)[inner], features, number)
        _require_tree(np.concatenate([left[inner], right[inner]]), count, number)


def check_lightgbm(text: str, features: int) -> None:
    """Check a booster in LightGBM's text; raises ValueError unless it sums trees over that many features."""
    head, *blocks = text.partition("\nend of trees\n")[0].split("\nTree=")
    header = _entries(head)
    for name, expected in (("num_class", "1"), ("num_tree_per_iteration", "1")):
        _require(header.get(name) == expected, f"its {name} is {header.get(name)}, not {expected}")
    count = int(header.get("max_feature_idx", "-1")) + 1
    _require(count == features, f"a booster of {count} features instead of {features}")
    for name in ("feature_names", "feature_infos"):
        _require(len(header.get(name, "").split()) == features, f"its {name} are not for {features} features")
    _require(header.get("objective", "regression").startswith("regression"), "it does not predict a number")
    for number, block in enumerate(blocks):
        tree = _entries(block)
        leaves = int(tree.get("num_leaves", 0))
        _require(leaves > 0, f"tree {number} has no leaves")
        _require(tree.get("num_cat") == "0" and tree.get("is_linear", "0") == "0", f"tree {number} is of another kind")
        _require(len(tree.get("leaf_value", "").split()) == leaves, f"tree {number} lacks leaves")
        if leaves == 1:
            continue
        left, right, split, kind = (
            np.array(tree.get(name, "").split(), dtype=np.int64)
            for name in ("left_child", "right_child", "split_feature", "decision_type")
        )
        thresholds = tree.get("threshold", "").split()
        lengths = {len(of) for of in (left, right, split, kind, thresholds)}
        _require(lengths == {leaves - 1}, f"tree {number} lacks nodes")
        _require(not (kind & 1).any(), f"tree {number} splits by categories")
        _require_features(split, features, number)
        children = np.concatenate([left, right])
        # Inner nodes are numbered first, then the leaves; the first leaf is called -1.
        _require_tree(np.where(children < 0, leaves - 2 - children, children), 2 * leaves - 1, number)


def _entries(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _require_tree(children: Numbers, count: int, number: int) -> None:
    """Raise ValueError unless every child is a node other than the root and occurs once; then there is no loop."""
    in_range = ((children > 0) & (children < count)).all()
    _require(bool(in_range) and len(np.unique(children)) == len(children), f"tree {number} is not a tree")


def _require_features(split: Numbers, features: int, number: int) -> None:
    _require(bool(((split >= 0) & (split < features)).all()), f"tree {number} splits by a feature that does not exist")


def _require(condition: Any, why: str) -> None:
    if not condition:
        raise ValueError(why)
