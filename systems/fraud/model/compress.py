"""The ensemble as one ONNX graph: three members, a forest that imitates the random cut forest, and the stacker.

    x [n, 15] -> TreeEnsembleRegressor (XGBoost's margin)                  --+
              -> TreeEnsembleRegressor (LightGBM's margin)                 --+
              -> TreeEnsembleRegressor (share of the random forest) -> Log --+-> Concat -> MatMul -> Add -> Sigmoid
              -> TreeEnsembleRegressor (the imitation)                     --+

Thresholds become float32. LightGBM compares doubles with <=: its thresholds are rounded down, so that a feature that
is a float32 goes the same way at every node. XGBoost's are float32 already and compared with <. What is lost is the
order of additions, and the difference between the random cut forest and its imitation; run.py states both.
"""

from __future__ import annotations

import json
from typing import Any

import lightgbm
import numpy as np
import onnx
import xgboost
from members import MEMBERS, Members
from onnx import TensorProto, helper

Tree = list[dict[str, Any]]  # nodes: {"leaf": value} or {"feature", "threshold", "yes", "no"}, the root first


def xgboost_trees(booster: xgboost.Booster) -> tuple[list[Tree], float]:
    """The trees and the constant under them, in margins: x < threshold goes to yes."""
    trees = [nodes(json.loads(text), xgboost_node) for text in booster.get_dump(dump_format="json")]
    width = booster.num_features()
    row = np.zeros((1, width), dtype=np.float32)
    whole = float(booster.predict(xgboost.DMatrix(row), output_margin=True)[0])
    return trees, whole - sum(followed(tree, row[0], strict=True) for tree in trees)


def xgboost_node(node: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if "leaf" in node:
        return {"leaf": node["leaf"]}, []
    children = {child["nodeid"]: child for child in node["children"]}
    feature = int(node["split"].removeprefix("f"))
    made = {"feature": feature, "threshold": np.float32(node["split_condition"])}
    return made, [children[node["yes"]], children[node["no"]]]


def lightgbm_trees(booster: lightgbm.Booster) -> tuple[list[Tree], float]:
    """The trees; x <= threshold goes to yes."""
    return [nodes(tree["tree_structure"], lightgbm_node) for tree in booster.dump_model()["tree_info"]], 0.0


def shares(forest: Members) -> list[Tree]:
    """The random forest's trees, their leaves scaled so that they sum up to the mean share of frauds."""
    trees, _ = lightgbm_trees(forest.forest)
    span = forest.highest - forest.lowest
    for tree in trees:
        leaves = [node for node in tree if "leaf" in node]
        lowest = min(node["leaf"] for node in leaves)
        for node in leaves:
            node["leaf"] = (node["leaf"] - lowest) / span
    return trees


def lightgbm_node(node: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if "split_feature" not in node:
        return {"leaf": node["leaf_value"]}, []
    if node["decision_type"] != "<=":
        raise ValueError(f"decisions by {node['decision_type']} are not exported")
    made = {"feature": node["split_feature"], "threshold": down(node["threshold"])}
    return made, [node["left_child"], node["right_child"]]


def down(threshold: float) -> np.float32:
    """The largest float32 that is not above the threshold."""
    near = np.float32(threshold)
    return np.nextafter(near, np.float32(-np.inf)) if float(near) > threshold else near


def nodes(root: dict[str, Any], read: Any) -> Tree:
    """The tree as a list, children by their numbers in it."""
    made: Tree = []
    waiting: list[tuple[dict[str, Any], int, str]] = [(root, -1, "")]
    while waiting:
        node, parent, side = waiting.pop()
        own, children = read(node)
        if parent >= 0:
            made[parent][side] = len(made)
        waiting += [(child, len(made), name) for child, name in zip(children, ("yes", "no"), strict=False)]
        made.append(own)
    return made


def followed(tree: Tree, row: np.ndarray, strict: bool) -> float:
    """The leaf that a row falls into."""
    node = tree[0]
    while "leaf" not in node:
        value = row[node["feature"]]
        goes = value < node["threshold"] if strict else value <= node["threshold"]
        node = tree[node["yes" if goes else "no"]]
    return float(node["leaf"])


def forest(name: str, trees: list[Tree], base: float, mode: str) -> onnx.NodeProto:
    """One TreeEnsembleRegressor from x to `name`."""
    at: dict[str, list[Any]] = {key: [] for key in ("tree", "node", "feature", "value", "mode", "yes", "no")}
    leaf: dict[str, list[Any]] = {key: [] for key in ("tree", "node", "weight")}
    for number, tree in enumerate(trees):
        for place, node in enumerate(tree):
            inner = "leaf" not in node
            line = (number, place, node.get("feature", 0), float(node.get("threshold", 0)), mode if inner else "LEAF")
            for key, value in zip(at, (*line, node.get("yes", 0), node.get("no", 0)), strict=True):
                at[key].append(value)
            if not inner:
                for key, value in zip(leaf, (number, place, float(node["leaf"])), strict=True):
                    leaf[key].append(value)
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        [name],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[base],
        nodes_treeids=at["tree"],
        nodes_nodeids=at["node"],
        nodes_featureids=at["feature"],
        nodes_values=at["value"],
        nodes_modes=at["mode"],
        nodes_truenodeids=at["yes"],
        nodes_falsenodeids=at["no"],
        target_treeids=leaf["tree"],
        target_nodeids=leaf["node"],
        target_ids=[0] * len(leaf["tree"]),
        target_weights=leaf["weight"],
    )


def voted(half: float) -> list[onnx.NodeProto]:
    """From the random forest's share to its log-odds, half a tree's say added to either side."""
    return [
        helper.make_node("Add", ["share", "half"], ["for"]),
        helper.make_node("Sub", ["rest", "share"], ["against"]),
        helper.make_node("Div", ["for", "against"], ["odds"]),
        helper.make_node("Log", ["odds"], ["forest"]),
    ]


def graph(members: Members, imitation: lightgbm.Booster, stacker: dict[str, Any]) -> onnx.ModelProto:
    """The whole ensemble, from features to a probability."""
    scale = np.array(stacker["scale"])
    weight = (np.array(stacker["coefficients"]) / scale).astype(np.float32)
    bias = stacker["intercept"] - float(np.sum(np.array(stacker["coefficients"]) * stacker["centre"] / scale))
    steps = [
        forest("xgboost", *xgboost_trees(members.boosted), "BRANCH_LT"),
        forest("lightgbm", *lightgbm_trees(members.light), "BRANCH_LEQ"),
        forest("share", shares(members), 0.0, "BRANCH_LEQ"),
        *voted(members.half),
        forest("anomaly", *lightgbm_trees(imitation), "BRANCH_LEQ"),
        helper.make_node("Concat", list(MEMBERS), ["members"], axis=1),
        helper.make_node("MatMul", ["members", "weight"], ["weighed"]),
        helper.make_node("Add", ["weighed", "bias"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    constants = [
        helper.make_tensor("weight", TensorProto.FLOAT, [len(MEMBERS), 1], weight.tolist()),
        helper.make_tensor("bias", TensorProto.FLOAT, [1], [bias]),
        helper.make_tensor("half", TensorProto.FLOAT, [1], [members.half]),
        helper.make_tensor("rest", TensorProto.FLOAT, [1], [1 + members.half]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, members.boosted.num_features()])
    y = helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])
    whole = helper.make_graph(steps, "ensemble", [x], [y], constants)
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(whole, opset_imports=sets, ir_version=8)
    onnx.checker.check_model(made)
    return made
