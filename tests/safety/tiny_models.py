"""Tiny classifiers in ONNX: redness scores `sexual`, blueness scores `sexual/minors`."""

import json
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

SIDE = 32
DESCRIPTION: dict[str, Any] = {
    "name": "colours",
    "version": "1",
    "width": SIDE,
    "height": SIDE,
    "activation": "none",
    "categories": {
        "sexual": [0],
        "sexual/minors": [2],
        "violence": [1],
        "violence/graphic": [1],
        "self-harm": [1],
    },
}


def write_classifier(directory: Path, **changes: Any) -> Path:
    """A classifier whose outputs are the means of red, green and blue."""
    description = DESCRIPTION | changes
    (directory / "classifier.json").write_text(json.dumps(description))
    onnx.save(colour_means(description.get("layout", "nchw")), str(directory / "model.onnx"))
    return directory


def write_lenient_classifier(directory: Path) -> Path:
    """One that finds next to nothing in any image: it sees every colour as nearly black."""
    directory.mkdir(parents=True, exist_ok=True)
    return write_classifier(directory, std=[1e6, 1e6, 1e6])


def colour_means(layout: str) -> onnx.ModelProto:
    channels_first = layout == "nchw"
    shape = [1, 3, SIDE, SIDE] if channels_first else [1, SIDE, SIDE, 3]
    axes = [2, 3] if channels_first else [1, 2]
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["image", "axes"], ["means"], keepdims=0)],
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("means", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor("axes", TensorProto.INT64, [2], axes)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model
