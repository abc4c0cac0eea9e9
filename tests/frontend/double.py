"""A second reading of any graph: ONNX's reference evaluator in float64, and QONNX's operators by their definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from tests.frontend.models import DOMAIN

ROUND = {"ROUND": np.rint, "FLOOR": np.floor, "CEIL": np.ceil}


class BipolarQuant(OpRun):
    op_domain = DOMAIN

    def _run(self, x: Any, scale: Any) -> tuple[Any]:  # type: ignore[override]
        return (np.where(x >= 0, 1.0, -1.0) * scale,)


class Quant(OpRun):
    op_domain = DOMAIN

    def _run(  # type: ignore[override]
        self, x: Any, scale: Any, zero: Any, bits: Any, signed: Any = 1, narrow: Any = 0, rounding_mode: Any = "ROUND"
    ) -> tuple[Any]:
        low, high = (-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1 - narrow)
        return ((np.clip(ROUND[rounding_mode](x / scale + zero), low, high) - zero) * scale,)


class MultiThreshold(OpRun):
    op_domain = DOMAIN

    def _run(  # type: ignore[override]
        self, x: Any, t: Any, out_scale: Any = 1.0, out_bias: Any = 0.0, out_dtype: Any = "", data_layout: Any = ""
    ) -> tuple[Any]:
        y = x if data_layout.endswith("WC") or x.ndim == 2 else np.moveaxis(x, 1, -1)
        count = (y[..., None] >= t).sum(axis=-1).astype(np.float64)
        count = count if y is x else np.moveaxis(count, -1, 1)
        return (count * (out_scale or 1.0) + (out_bias or 0.0),)


def scores(proto: onnx.ModelProto, samples: np.ndarray) -> np.ndarray:
    """What the graph gives for samples (frames, ...), frame by frame as it was exported."""
    double = onnx.ModelProto.FromString(proto.SerializeToString())
    graph = double.graph
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    kinds = {}
    for value in (*graph.input, *graph.output):
        kinds[value.name] = value.type.tensor_type.elem_type
        if kinds[value.name] == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    for item in graph.node:
        for attribute in item.attribute:
            if item.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                attribute.CopyFrom(helper.make_attribute("to", TensorProto.DOUBLE))
    del graph.value_info[:]
    evaluator = ReferenceEvaluator(double, new_ops=[BipolarQuant, Quant, MultiThreshold])
    name = graph.input[0].name
    kind = helper.tensor_dtype_to_np_dtype(graph.input[0].type.tensor_type.elem_type)
    return np.concatenate([evaluator.run(None, {name: x[None].astype(kind)})[0] for x in samples])
