"""The qonnx package as a second opinion: a graph executed in float32, node by node, for many frames at once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
import pytest


def execute_all(proto: onnx.ModelProto, samples: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor of a graph that was exported for one frame, for all of some frames.

    Skips the test where the package is not installed.
    """
    with warnings.catch_warnings():
        # The packages' own imports, and shapes exported for one frame.
        warnings.simplefilter("ignore")
        onnx_exec: Any = pytest.importorskip("qonnx.core.onnx_exec")
        basic: Any = pytest.importorskip("qonnx.util.basic")
        wrapper: Any = pytest.importorskip("qonnx.core.modelwrapper")
        shapes: Any = pytest.importorskip("qonnx.transformation.infer_shapes")
        proto = onnx.ModelProto.FromString(proto.SerializeToString())
        frames = len(samples)
        for value in (proto.graph.input[0], proto.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = frames
        del proto.graph.value_info[:]
        model = wrapper.ModelWrapper(proto).transform(shapes.InferShapes())
        name = proto.graph.input[0].name
        with pytest.MonkeyPatch.context() as patch:
            # onnx stamps the models of single nodes with a version newer than onnxruntime reads.
            patch.setattr(onnx_exec, "qonnx_make_model", lambda graph: basic.qonnx_make_model(graph, ir_version=8))
            return onnx_exec.execute_onnx(model, {name: samples.astype(np.float32)}, return_full_exec_context=True)
