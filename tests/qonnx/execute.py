"""The qonnx package as an executor; tests that use it skip where it is not installed."""

from __future__ import annotations

import numpy as np
import onnx
import pytest


def execute(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """What qonnx's node-by-node execution gives for the model's only input."""
    onnx_exec = pytest.importorskip("qonnx.core.onnx_exec")
    basic = pytest.importorskip("qonnx.util.basic")
    wrapper = pytest.importorskip("qonnx.core.modelwrapper")
    with pytest.MonkeyPatch.context() as patch:
        # onnx stamps the models of single nodes with a version newer than onnxruntime reads.
        patch.setattr(onnx_exec, "qonnx_make_model", lambda graph: basic.qonnx_make_model(graph, ir_version=8))
        results = onnx_exec.execute_onnx(wrapper.ModelWrapper(model), {model.graph.input[0].name: x})
    return results[model.graph.output[0].name]
