"""Graphs for tests of how graphs end, and what they compute, by ONNX's reference evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from bnnhw.frontend import read_model
from bnnhw.ir import Network
from bnnhw.reference import evaluate
from bnnhw.streamline import streamline
from tests.frontend.conv_models import DOMAIN, Graph
from tests.frontend.models import BipolarQuant, write


class Quant(OpRun):
    op_domain = DOMAIN

    def _run(  # type: ignore[override]
        self, x: Any, scale: Any, zeropt: Any, bits: Any, signed: Any, narrow: Any, rounding_mode: Any
    ) -> tuple[np.ndarray]:
        assert rounding_mode in ("ROUND", "FLOOR")
        if signed and bits == 1:
            return (((np.where(x / scale + zeropt >= 0, 1, -1) - zeropt) * scale).astype(np.float32),)
        low, high = (-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1 - narrow)
        rounded = np.round(x / scale + zeropt) if rounding_mode == "ROUND" else np.floor(x / scale + zeropt)
        return (((np.clip(rounded, low, high) - zeropt) * scale).astype(np.float32),)


class MultiThreshold(OpRun):
    op_domain = DOMAIN

    def _run(self, x: Any, thresholds: Any, out_scale: float, out_bias: float) -> tuple[np.ndarray]:  # type: ignore[override]
        count = (x[..., None] >= thresholds.astype(np.float64)).sum(axis=-1)
        return ((count * out_scale + out_bias).astype(np.float32),)


def finished(graph: Graph, end: str, opset: int = 17) -> onnx.ModelProto:
    """The model that ends in a tensor of any type and shape."""
    proto = graph.model(end)
    del proto.graph.node[-1]
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info(end, TensorProto.FLOAT, None))
    proto.opset_import[0].version = opset
    return proto


def execute(proto: onnx.ModelProto, x: np.ndarray, *tensors: str) -> list[np.ndarray]:
    """Tensors of the graph for each frame, as ONNX's reference evaluator computes them, one frame at a time."""
    proto = onnx.ModelProto.FromString(proto.SerializeToString())
    del proto.graph.output[:]
    proto.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in tensors)
    evaluator = ReferenceEvaluator(proto, new_ops=[BipolarQuant, Quant, MultiThreshold])
    frames = [evaluator.run(None, {"input": frame[None].astype(np.float32)}) for frame in x]
    return [np.stack([np.asarray(found[i]) for found in frames]) for i in range(len(tensors))]


def dense(classes: int, synapses: int = 9, seed: int = 0, bits: int = 1) -> tuple[Graph, str]:
    """A graph that has come to a matrix product of so many classes."""
    graph = Graph(synapses, seed=seed)
    return graph, graph.add("MatMul", graph.sign("input"), graph.weights(synapses, classes, bits=bits))


def samples(synapses: int = 9, number: int = 80) -> np.ndarray:
    return np.random.default_rng(1).choice([-1.0, 1.0], (number, synapses))


def read(proto: onnx.ModelProto, path: Path) -> tuple[Network, tuple[str, ...]]:
    """The streamlined network, and all that was said."""
    imported = read_model(write(proto, path))
    result = streamline(imported.network)
    return result.network, (*imported.warnings, *result.warnings)


def classes_of(network: Network, x: np.ndarray) -> list[int]:
    return evaluate(network, network.input.encode(x)).classes.tolist()
