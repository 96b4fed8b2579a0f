"""Converters of the domain `ai.onnx.ml`: decision trees, thresholds, chosen features."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from xdsl.ir import SSAValue

from webdnn.dialects.dnn.reference.arrays import Array, as_array
from webdnn.frontends.onnx.node import Node
from webdnn.frontends.onnx.registry import converter
from webdnn.frontends.onnx.term import Term
from webdnn.support.weights import numpy_dtype

DOMAIN = "ai.onnx.ml"
MEMBER = 6
"""The mode of a node that asks whether a feature is one of several values"""


@converter("Binarizer", domain=DOMAIN)
def binarizer(node: Node) -> SSAValue:
    above = Term.operand(node, 0).greater(node.number("threshold", 0.0))
    return above.cast(node.element(0).name).value


@converter("ArrayFeatureExtractor", domain=DOMAIN)
def array_feature_extractor(node: Node) -> SSAValue:
    """The features of the last axis that are named."""
    x, indices = Term.operand(node, 0), Term.operand(node, 1)
    count = int(np.prod(indices.shape))
    return x.gathered(indices.reshaped(count), len(x.shape) - 1).value


@dataclass
class Trees:
    """The leaves of an ensemble as conditions: for each leaf the nodes above it, and whether each has to hold."""

    node: Node
    paths: list[list[tuple[int, bool]]] = field(default_factory=list[list[tuple[int, bool]]])
    leaves: list[int] = field(default_factory=list[int])

    def walk(self) -> None:
        names = ("nodes_truenodeids", "nodes_falsenodeids", "nodes_trueleafs", "nodes_falseleafs")
        true, false, true_leaf, false_leaf = (self.node.integers(name) for name in names)
        pending: list[tuple[int, bool, list[tuple[int, bool]]]] = []
        for root in self.node.integers("tree_roots"):
            single = true[root] == false[root] and bool(true_leaf[root]) and bool(false_leaf[root])
            pending.append((true[root] if single else root, single, []))
        while pending:
            place, leaf, path = pending.pop()
            if leaf:
                self.paths.append(path)
                self.leaves.append(place)
                continue
            if len(path) > len(true):
                self.node.refuse("has a tree that leads back to itself", hint="check the model with onnx.checker")
            for holds, targets, ends in ((True, true, true_leaf), (False, false, false_leaf)):
                pending.append((targets[place], bool(ends[place]), [*path, (place, holds)]))


def members_of(node: Node, modes: Array) -> list[Array]:
    """For each node of mode MEMBER its values; the list of all is cut by NaN."""
    if not (modes == MEMBER).any():
        return []
    values = node.tensor("membership_values").astype(np.float64).reshape(-1)
    ends = [-1, *np.flatnonzero(np.isnan(values)).tolist()]
    return [as_array(values[start + 1 : end]) for start, end in pairwise(ends)]


def conditions(node: Node, x: Term) -> Term:
    """For each row and node, 1 where the node's condition holds: [row, node]. Nothing holds of NaN but `!=`."""
    modes = node.tensor("nodes_modes").astype(np.int64).reshape(-1)
    features, splits = node.integers("nodes_featureids"), node.tensor("nodes_splits").reshape(-1)
    if any(node.integers("nodes_missing_value_tracks_true", ())):
        node.refuse("lets missing values take the true branch", hint="fill missing values in before the model")
    element, dtype = node.element(0).name, numpy_dtype(node.element(0))
    taken = x.gathered(Term.known(node, as_array(np.array(features, np.int64))), 1)
    limits = Term.known(node, as_array(splits.astype(dtype)))
    below, above, equal = (t.cast(element) for t in (taken.less(limits), taken.greater(limits), taken.equals(limits)))
    holds = [below + equal, below, above + equal, above, equal, 1 - equal]
    found = Term.known(node, as_array(np.zeros((x.shape[0], len(features)), dtype)))
    for mode, condition in enumerate(holds):
        mask = as_array((modes == mode).astype(dtype))
        if mask.any():
            found = found + condition * Term.known(node, mask)
    for place, values in zip(np.flatnonzero(modes == MEMBER).tolist(), members_of(node, as_array(modes)), strict=True):
        mask = Term.known(node, as_array((np.arange(len(features)) == place).astype(dtype)))
        for value in values.tolist():
            found = found + taken.equals(value).cast(element) * mask
    return found


@converter("TreeEnsemble", domain=DOMAIN)
def tree_ensemble(node: Node) -> SSAValue:
    """A leaf is reached where all conditions above it are met: a product of matrices counts them."""
    if node.integer("aggregate_function", 1) != 1 or node.integer("post_transform", 0):
        node.refuse("does more than add up the leaves of its trees", hint="sum them, and compute the rest outside")
    trees = Trees(node)
    trees.walk()
    x, dtype = Term.operand(node, 0), numpy_dtype(node.element(0))
    nodes, leaves = len(node.integers("nodes_featureids")), len(trees.leaves)
    signs, wanted = np.zeros((nodes, leaves)), np.zeros(leaves)
    for leaf, path in enumerate(trees.paths):
        for place, holds in path:
            signs[place, leaf] += 1 if holds else -1
            wanted[leaf] += holds
    met = conditions(node, x) @ Term.known(node, as_array(signs.astype(dtype)))
    reached = met.equals(Term.known(node, as_array(wanted.astype(dtype)))).cast(node.element(0).name)
    targets, weights = node.integers("leaf_targetids"), node.tensor("leaf_weights").reshape(-1)
    values = np.zeros((leaves, node.integer("n_targets", max(targets) + 1)))
    for row, leaf in enumerate(trees.leaves):
        values[row, targets[leaf]] = weights[leaf]
    return (reached @ Term.known(node, as_array(values.astype(dtype)))).value
