"""Trains a version and writes it as one ONNX graph that takes the features as they are logged.

Everything between a logged value and the score is inside the graph, so that a replay needs nothing else:
each feature is an input of its own name and type, strings become late rates learnt in training, null
(NaN) goes to the trees as it is, and the threshold is applied at the end.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import HistGradientBoostingClassifier

from features import Features
from schema import FIELDS

# Below one half, because only a fifth of flights are late: at 0.25 somewhat more are called late than are.
# Exact in single precision, and the same for both versions.
THRESHOLD = 0.25
PRIOR_FLIGHTS = 50  # pulls the late rate of a rarely seen airport towards the mean of all
SETTINGS = {"max_iter": 100, "max_leaf_nodes": 15, "learning_rate": 0.1, "random_state": 0}
OPSETS = {"": 17, "ai.onnx.ml": 3}
TENSORS = {
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "INT64": TensorProto.INT64,
    "BOOL": TensorProto.BOOL,
    "STRING": TensorProto.STRING,
}


def fit(features: Features, late: np.ndarray, path: Path) -> None:
    rates = _late_rates(features, late)
    matrix = np.column_stack([_numbers(name, features, rates) for name, *_ in FIELDS])
    trees = HistGradientBoostingClassifier(early_stopping=False, **SETTINGS).fit(matrix, late)
    converted = convert_sklearn(
        trees,
        initial_types=[("matrix", FloatTensorType([None, matrix.shape[1]]))],
        options={"zipmap": False},
        target_opset=OPSETS,
    )
    path.write_bytes(_graph(converted, rates).SerializeToString(deterministic=True))


def _late_rates(features: Features, late: np.ndarray) -> dict[str, dict[str, float]]:
    """For each string feature, the share of late flights by value."""
    overall = late.mean()
    rates = {}
    for name, feature_type, *_ in FIELDS:
        if feature_type == "STRING":
            values, at = np.unique(features.values[name], return_inverse=True)
            flights, lates = np.bincount(at), np.bincount(at, late)
            smoothed = (lates + PRIOR_FLIGHTS * overall) / (flights + PRIOR_FLIGHTS)
            rates[name] = dict(zip(values.tolist(), smoothed.astype(np.float32).tolist()))
            rates[name][""] = float(np.float32(overall))  # stands for every value not seen
    return rates


def _numbers(name: str, features: Features, rates: dict) -> np.ndarray:
    column = features.values[name]
    if name in rates:
        values, at = np.unique(column, return_inverse=True)
        column = np.array([rates[name][value] for value in values.tolist()])[at]
    return column.astype(np.float32)


def _graph(converted: onnx.ModelProto, rates: dict) -> onnx.ModelProto:
    inputs, nodes = [], []
    for name, feature_type, _, properties in FIELDS:
        width = properties.get("shape", [1])
        inputs.append(helper.make_tensor_value_info(name, TENSORS[feature_type], [None, *width]))
        nodes.append(_entry(name, rates.get(name)))
    columns = [f"{name}:number" for name, *_ in FIELDS]
    nodes.append(helper.make_node("Concat", columns, ["matrix"], axis=1))
    (trees,) = converted.graph.node
    trees.output[0] = "more_likely_than_not"
    nodes.append(trees)
    nodes.extend(
        [
            helper.make_node("Gather", ["probabilities", "late"], ["score"], axis=1),
            helper.make_node("Greater", ["score", "threshold"], ["is_late"]),
            helper.make_node("Cast", ["is_late"], ["label"], to=TensorProto.INT64),
        ]
    )
    constants = [
        helper.make_tensor("late", TensorProto.INT64, [], [1]),
        helper.make_tensor("threshold", TensorProto.FLOAT, [], [THRESHOLD]),
    ]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    graph = helper.make_graph(nodes, "flight-delay", inputs, outputs, constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="flight-delay")
    onnx.checker.check_model(model, full_check=True)
    return model


def _entry(name: str, rates: dict[str, float] | None) -> onnx.NodeProto:
    """From a feature to single-precision numbers."""
    if rates is None:
        return helper.make_node("Cast", [name], [f"{name}:number"], to=TensorProto.FLOAT)
    known = {value: rate for value, rate in rates.items() if value}
    return helper.make_node(
        "LabelEncoder",
        [name],
        [f"{name}:number"],
        domain="ai.onnx.ml",
        keys_strings=list(known),
        values_floats=list(known.values()),
        default_float=rates[""],
    )
