"""ONNX: writes a trained model as one graph that takes raw columns and answers in doubles.

The general converters work in single precision, in which a value near a split may fall on its
other side, and some models they convert wrongly without a word. This exporter writes LightGBM's
trees and the linear model node by node, in doubles, encoders included, and refuses the rest.

A graph has the inputs `numeric` (double, [N, k]) and `categorical` (string, [N, m]), each absent
where there are no such columns, and the output `prediction` (double, [N]). NaN and the empty
string stand for unknown. Its metadata names the columns in order.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from simlab.artifacts import Model, Problem
from simlab.errors import SimlabError

LEQ, MEMBER = 0, 6  # modes of ai.onnx.ml.TreeEnsemble
FLOAT, DOUBLE = int(TensorProto.FLOAT), int(TensorProto.DOUBLE)
_OPSET, _ML_OPSET, _IR = 21, 5, 10
_ZERO = float(np.float32(1e-35))  # LightGBM's kZeroThreshold

LINKS: Mapping[str, Problem] = {
    "binary sigmoid:1": "binary",
    "regression": "regression",
    "regression_l1": "regression",
    "huber": "regression",
}
"""LightGBM objectives, as the model text names them, whose link is known: logistic or none."""


def export(model: Model) -> bytes:
    """The model as an ONNX graph, the same bytes for the same model.

    Raises
    ------
    SimlabError
        The model has something in it that this exporter cannot say exactly.
    """
    if model.algorithm == "lightgbm":
        return _lightgbm(model)
    if model.algorithm == "linear":
        return _linear(model)
    raise SimlabError(f"a model of the algorithm {model.algorithm!r} has no exact export")


@dataclass
class Graph:
    """A graph as it grows: nodes and constants, in order."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, values: object, dtype: type = np.float64) -> str:
        """Add a constant; returns its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        """Add an operator; returns the name of its output."""
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [output], name=output, domain=domain, **attributes)
        self.nodes.append(node)
        return output

    def encode(self, position: int, keys: Sequence[str], values: Sequence[float], unknown: float) -> str:
        """One categorical column as numbers, [N, 1]; unknown ones as `unknown`."""
        texts = self.add("Gather", "categorical", self.constant([position], np.int64), axis=1)
        if not keys:  # an encoder must have a key; this one never occurs in Unicode text
            keys, values = ("\N{NULL}",), (unknown,)
        return self.add(
            "LabelEncoder",
            texts,
            domain="ai.onnx.ml",
            keys_strings=list(keys),
            values_tensor=numpy_helper.from_array(np.asarray(values, dtype=np.float64)),
            default_tensor=numpy_helper.from_array(np.asarray([unknown], dtype=np.float64)),
        )

    def join(self, parts: Sequence[str]) -> str:
        """Columns side by side."""
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=1)

    def total(self, parts: Sequence[str]) -> str:
        """The sum, left to right."""
        whole = parts[0]
        for each in parts[1:]:
            whole = self.add("Add", whole, each)
        return whole

    def logistic(self, raw: str) -> str:
        """1 / (1 + exp(-raw)), the same for a row whatever rows stand beside it.

        The operators Sigmoid and Exp treat rows four or eight at a time and the last ones singly,
        with another last digit; Pow takes each by itself.
        """
        power = self.add("Pow", self.constant([[math.e]]), self.add("Neg", raw))
        return self.add("Reciprocal", self.add("Add", power, self.constant([[1.0]])))

    def finish(
        self,
        answers: str,
        problem: Problem,
        numeric: Sequence[str],
        categorical: Sequence[str],
        algorithm: str,
    ) -> bytes:
        """Flatten [N, 1] answers to `prediction` and write everything down."""
        self.add("Squeeze", answers, self.constant([1], np.int64), output="prediction")
        inputs = []
        if numeric:
            inputs.append(helper.make_tensor_value_info("numeric", DOUBLE, ["N", len(numeric)]))
        if categorical:
            shape = ["N", len(categorical)]
            inputs.append(helper.make_tensor_value_info("categorical", TensorProto.STRING, shape))
        output = helper.make_tensor_value_info("prediction", DOUBLE, ["N"])
        graph = helper.make_graph(self.nodes, "simlab", inputs, [output], self.constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="simlab")
        said = {
            "algorithm": algorithm,
            "categorical": json.dumps(list(categorical)),
            "numeric": json.dumps(list(numeric)),
            "problem": problem,
        }
        helper.set_model_props(model, said)
        return bytes(model.SerializeToString(deterministic=True))


@dataclass(frozen=True)
class Trees:
    """Trees in one row of arrays: node `i` asks for `feature[i]` and goes to `yes[i]` or `no[i]`.

    A negative child `c` is leaf `~c`. Children are counted within the whole ensemble.
    """

    feature: NDArray[np.int64]
    mode: NDArray[np.uint8]
    split: NDArray[np.float64]
    missing_is_yes: NDArray[np.int64]
    yes: NDArray[np.int64]
    no: NDArray[np.int64]
    roots: NDArray[np.int64]
    leaf: NDArray[np.float64]
    members: NDArray[np.float64]
    """Sets of the MEMBER nodes in node order, each closed by a NaN."""


def add_trees(graph: Graph, columns: str, trees: Trees) -> str:
    """Add the sum of the trees' leaves over `columns` ([N, features]); returns [N, 1]."""
    sets = {} if not len(trees.members) else {"membership_values": numpy_helper.from_array(trees.members)}
    return graph.add(
        "TreeEnsemble",
        columns,
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function=1,  # sum
        post_transform=0,  # none
        tree_roots=trees.roots.tolist(),
        nodes_featureids=trees.feature.tolist(),
        nodes_modes=numpy_helper.from_array(trees.mode),
        nodes_splits=numpy_helper.from_array(trees.split),
        nodes_missing_value_tracks_true=trees.missing_is_yes.tolist(),
        nodes_truenodeids=np.where(trees.yes < 0, ~trees.yes, trees.yes).tolist(),
        nodes_trueleafs=(trees.yes < 0).astype(np.int64).tolist(),
        nodes_falsenodeids=np.where(trees.no < 0, ~trees.no, trees.no).tolist(),
        nodes_falseleafs=(trees.no < 0).astype(np.int64).tolist(),
        leaf_targetids=[0] * len(trees.leaf),
        leaf_weights=numpy_helper.from_array(trees.leaf),
        **sets,
    )


def _lightgbm(model: Model) -> bytes:
    trees = _parse(model.native, model.problem)
    graph = Graph()
    parts = ["numeric"] if model.numeric else []
    for position, name in enumerate(model.categorical):
        known = model.categories[name]
        parts.append(graph.encode(position, known, [code + 1.0 for code in range(len(known))], np.nan))
    answers = add_trees(graph, graph.join(parts), trees)
    if model.problem == "binary":
        answers = graph.logistic(answers)
    return graph.finish(answers, model.problem, model.numeric, model.categorical, model.algorithm)


def _parse(text: str, problem: Problem) -> Trees:
    """LightGBM's model text as arrays; category codes count from 1 (see `_members`)."""
    head, *blocks = text.split("\nend of trees")[0].split("\nTree=")
    said = _pairs(head)
    link = LINKS.get(said.get("objective", ""))
    if link != problem or said.get("num_tree_per_iteration") != "1":
        raise SimlabError(
            f"a LightGBM model with the objective {said.get('objective', 'unknown')!r} has no exact export "
            f"for a {problem} problem"
        )
    if "average_output" in head.splitlines():
        raise SimlabError("a LightGBM random forest has no exact export")
    nodes: list[tuple[int, int, float, int, int, int]] = []
    roots: list[int] = []
    leaves: list[float] = []
    members: list[float] = []
    for block in blocks:
        tree = _pairs(block)
        if tree.get("is_linear", "0") != "0":
            raise SimlabError("LightGBM's linear trees have no exact export")
        first_node, first_leaf = len(nodes), len(leaves)
        roots.append(first_node)
        leaves += map(float, tree["leaf_value"].split())
        if tree["num_leaves"] == "1":  # a lone leaf: any question, both answers the same
            leaves.append(leaves[first_leaf])
            nodes.append((0, LEQ, 0.0, 0, ~first_leaf, ~(first_leaf + 1)))
            continue
        bounds = [int(each) for each in tree.get("cat_boundaries", "").split()]
        bits = [int(each) for each in tree.get("cat_threshold", "").split()]
        rows = zip(
            map(int, tree["split_feature"].split()),
            map(float, tree["threshold"].split()),
            map(int, tree["decision_type"].split()),
            map(int, tree["left_child"].split()),
            map(int, tree["right_child"].split()),
            strict=True,
        )
        for feature, threshold, decision, left, right in rows:
            yes = left + first_node if left >= 0 else left - first_leaf
            no = right + first_node if right >= 0 else right - first_leaf
            if decision & 1:  # a set of categories goes left; unknown, and any other, goes right
                at = int(threshold)
                members += _members(bits[bounds[at] : bounds[at + 1]])
                nodes.append((feature, MEMBER, 0.0, 0, yes, no))
                continue
            kind = decision >> 2 & 3  # 0: NaN counts as 0.0, 1: 0.0 counts as NaN, 2: NaN has a side
            if kind == 1:
                raise SimlabError("a LightGBM model that takes zero as missing has no exact export")
            goes_left = bool(decision & 2) if kind == 2 else threshold >= 0.0
            nodes.append((feature, LEQ, _snap(threshold), int(goes_left), yes, no))
    if not nodes:
        raise SimlabError("the LightGBM model holds no trees")
    features, modes, splits, missing, yeses, noes = zip(*nodes, strict=True)
    return Trees(
        feature=np.array(features, dtype=np.int64),
        mode=np.array(modes, dtype=np.uint8),
        split=np.array(splits, dtype=np.float64),
        missing_is_yes=np.array(missing, dtype=np.int64),
        yes=np.array(yeses, dtype=np.int64),
        no=np.array(noes, dtype=np.int64),
        roots=np.array(roots, dtype=np.int64),
        leaf=np.array(leaves, dtype=np.float64),
        members=np.array(members, dtype=np.float64),
    )


def _pairs(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _snap(threshold: float) -> float:
    """The threshold that sorts numbers as LightGBM does, to which the tiniest ones are 0.0.

    >>> _snap(0.5), _snap(0.0), _snap(-1.0000000180025095e-35) < -1.0000000180025095e-35
    (0.5, 1.0000000180025095e-35, True)
    """
    if abs(threshold) > _ZERO:
        return threshold
    return _ZERO if threshold >= 0 else float(np.nextafter(-_ZERO, -np.inf))


def _members(bits: Iterable[int]) -> list[float]:
    """The codes in a bit set, plus one: from 1 on, ONNX Runtime tests a whole set at once.

    >>> _members([0b101])
    [1.0, 3.0, nan]
    """
    codes = [32.0 * at + bit + 1 for at, word in enumerate(bits) for bit in range(32) if word >> bit & 1]
    return [*codes, float("nan")]


def _linear(model: Model) -> bytes:
    fitted = json.loads(model.native)
    graph = Graph()
    parts = [graph.constant([[fitted["intercept"]]])]
    if model.numeric:
        unknown = graph.add("IsNaN", "numeric")
        values = graph.add("Where", unknown, graph.constant(fitted["median"]), "numeric")
        values = graph.add("Max", values, graph.constant(fitted["low"]))
        values = graph.add("Min", values, graph.constant(fitted["high"]))
        values = graph.add("Sub", values, graph.constant(fitted["mean"]))
        values = graph.add("Div", values, graph.constant(fitted["scale"]))
        weights = np.reshape(fitted["weight"], (-1, 1))
        parts.append(graph.add("MatMul", values, graph.constant(weights)))
    for position, name in enumerate(model.categorical):
        # One-hot times weights is the weight of the value: a look-up.
        parts.append(graph.encode(position, model.categories[name], fitted["effect"][name], 0.0))
    answers = graph.total(parts)
    if model.problem == "binary":
        answers = graph.logistic(answers)
    return graph.finish(answers, model.problem, model.numeric, model.categorical, model.algorithm)
