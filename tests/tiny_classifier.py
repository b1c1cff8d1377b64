"""A classifier small enough for a test to build: it scores an image by its colours.

It is a real ONNX model behind the shipped adapter; only what it has learnt is nothing.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 16
EVERYTHING = ("sexual/minors", "sexual", "violence", "violence/graphic", "self-harm")
"""What the policy wants scored on an image."""
RED, GREEN, BLUE = range(3)


def write_classifier(directory: Path, scored_by: Mapping[str, int], *, weight: float = 1.0) -> Path:
    """Write a model that scores categories by the mean of a channel, times `weight`."""
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(_model(weight), str(directory / "model.onnx"))
    description = {
        "name": "colours",
        "version": "1",
        "width": SIDE,
        "height": SIDE,
        "activation": "none",
        "categories": {category: [channel] for category, channel in scored_by.items()},
    }
    (directory / "classifier.json").write_text(json.dumps(description), encoding="utf-8")
    return directory


def write_lenient_classifier(directory: Path) -> Path:
    """Write one that finds nothing in any image."""
    return write_classifier(directory, dict.fromkeys(EVERYTHING, RED), weight=0.0)


def _model(weight: float) -> onnx.ModelProto:
    mean = helper.make_node("ReduceMean", ["image", "axes"], ["means"], keepdims=0)
    scale = helper.make_node("Mul", ["means", "weight"], ["scores"])
    graph = helper.make_graph(
        [mean, scale],
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])],
        [
            numpy_helper.from_array(np.array([2, 3], dtype=np.int64), "axes"),
            numpy_helper.from_array(np.array(weight, dtype=np.float32), "weight"),
        ],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])
