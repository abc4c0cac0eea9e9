"""ONNX models for tests, built node by node, and a second opinion on what they compute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

DOMAIN = "qonnx.custom_op.general"


def node(kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=f"{output}_node", domain=domain, **attributes)


def by_output(nodes: Sequence[onnx.NodeProto], output: str) -> onnx.NodeProto:
    return next(n for n in nodes if n.output[0] == output)


def attribute(item: onnx.NodeProto, name: str, value: Any) -> None:
    """Gives a node an attribute, in place of one of that name."""
    kept = [a for a in item.attribute if a.name != name]
    del item.attribute[:]
    item.attribute.extend([*kept, helper.make_attribute(name, value)])


def model(
    nodes: Sequence[onnx.NodeProto], constants: dict[str, Any], shape: Sequence[Any] = ("batch", 4), classes: int = 2
) -> onnx.ModelProto:
    """From ``input`` to ``scores``; constants become float32 unless they are arrays already."""
    arrays = {k: v if isinstance(v, np.ndarray) else np.array(v, np.float32) for k, v in constants.items()}
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def parts(
    inputs: int = 4, hidden: int = 3, classes: int = 2, quantizer: str = "sub", seed: int = 0
) -> tuple[list[onnx.NodeProto], dict[str, Any]]:
    """Nodes and constants of two layers whose every float32 operation is exact (halves, powers of two, variance 1)."""
    generator = np.random.default_rng(seed)
    nodes = {
        "sub": [node("Sub", ["input", "t"], "shifted"), node("BipolarQuant", ["shifted", "one"], "x", DOMAIN)],
        "quant": [
            node("Quant", ["input", "one", "zero", "bits"], "x", DOMAIN, signed=0, narrow=0, rounding_mode="FLOOR")
        ],
    }[quantizer]
    constants: dict[str, Any] = {"one": 1.0, "zero": 0.0, "bits": 4.0, "t": 2.5}
    tensor = "x"
    for i, (k, n) in enumerate(((inputs, hidden), (hidden, classes))):
        constants[f"w{i}"] = generator.uniform(-1, 1, (k, n)).astype(np.float32)
        constants[f"gamma{i}"] = generator.choice([-2, -1, 0.5, 1, 4], n).astype(np.float32)
        for name in ("beta", "mean"):
            constants[f"{name}{i}"] = (generator.integers(-6, 7, n) / 2).astype(np.float32)
        constants[f"var{i}"] = np.ones(n, np.float32)
        norm = [f"{name}{i}" for name in ("gamma", "beta", "mean", "var")]
        last = i == 1
        nodes += [
            node("BipolarQuant", [f"w{i}", "one"], f"q{i}", DOMAIN),
            node("MatMul", [tensor, f"q{i}"], f"a{i}"),
            node("BatchNormalization", [f"a{i}", *norm], "scores" if last else f"n{i}", epsilon=0.0),
        ]
        if not last:
            nodes.append(node("BipolarQuant", [f"n{i}", "one"], f"x{i}", DOMAIN))
        tensor = f"x{i}"
    return nodes, constants


def write(proto: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


class BipolarQuant(OpRun):
    op_domain = DOMAIN

    def _run(self, x: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray]:  # type: ignore[override]
        return (np.where(x >= 0, np.float32(1), np.float32(-1)) * scale,)


class Quant(OpRun):
    op_domain = DOMAIN

    def _run(  # type: ignore[override]
        self, x: Any, scale: Any, zeropt: Any, bits: Any, signed: Any, narrow: Any, rounding_mode: Any
    ) -> tuple[np.ndarray]:
        assert (signed, narrow, rounding_mode) == (0, 0, "FLOOR")
        return (((np.clip(np.floor(x / scale + zeropt), 0, 2**bits - 1) - zeropt) * scale).astype(np.float32),)


def execute(proto: onnx.ModelProto, samples: np.ndarray) -> np.ndarray:
    """The scores of the graph as the ONNX reference evaluator computes them, float32."""
    evaluator = ReferenceEvaluator(proto, new_ops=[BipolarQuant, Quant])
    (scores,) = evaluator.run(None, {"input": samples.astype(np.float32)})
    return np.asarray(scores)
