"""Graphs that are one chain of nodes from raw samples on, and the check that a network is equal to such a graph."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from bnnhw.frontend import read_model
from bnnhw.ir import Network
from bnnhw.qonnx import write_qonnx
from bnnhw.reference import evaluate, evaluate_trained
from bnnhw.streamline import streamline
from tests.frontend.double import scores
from tests.frontend.models import DOMAIN, model, node, write


class Chain:
    """A graph in the making, node behind node."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.shape, self.nodes, self.constants, self.tensor = shape, [], {}, "input"
        self.element, self.annotations = TensorProto.FLOAT, {}

    def const(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        return name

    def add(self, kind: str, *constants: Any, first: bool = False, domain: str = "", **attributes: Any) -> Chain:
        """A node on the last tensor and constants; ``first``: the constant is the first input."""
        names = [self.const(value) for value in constants]
        inputs = [*names, self.tensor] if first else [self.tensor, *names]
        self.tensor = f"t{len(self.nodes)}"
        self.nodes.append(node(kind, inputs, self.tensor, domain, **attributes))
        return self

    def quant(self, bits: int, scale: Any = 0.125, signed: int = 1, rounding_mode: str = "ROUND") -> Chain:
        return self.add(
            "Quant", scale, 0.0, float(bits), domain=DOMAIN, signed=signed, narrow=0, rounding_mode=rounding_mode
        )

    def turn(self, *axes: int) -> Chain:
        """Channels to the front, unless it is said otherwise."""
        return self.add("Transpose", perm=[0, *(axes or (3, 1, 2))])

    def conv(self, outputs: int, channels: int, *kernel: int) -> Chain:
        weights = self.random.choice([-1, 1], (outputs, channels, *kernel)).astype(np.float32)
        return self.add("Conv", weights).add("Relu").quant(2, 2.0, 0)

    def end(self, elements: int, flat: bool = False) -> onnx.ModelProto:
        """A matrix and a bias per class: what the graph gives is exact in float64."""
        if not flat:
            self.add("Flatten")
        self.add("MatMul", self.random.choice([-1, 1], (elements, 3)).astype(np.float32))
        return self.add("Add", [0.25, -0.5, 0.75]).model()

    def model(self) -> onnx.ModelProto:
        """What there is, its last tensor the scores of three classes."""
        self.nodes[-1].output[0] = "scores"
        proto = model(self.nodes, self.constants, (1, *self.shape), 3)
        proto.graph.input[0].type.tensor_type.elem_type = self.element
        for tensor, name in self.annotations.items():
            note = onnx.TensorAnnotation(tensor_name=tensor)
            note.quant_parameter_tensor_names.add(key="finn_datatype", value=name)
            proto.graph.quantization_annotation.append(note)
        return proto


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.normal(size=shape)


def integers(low: int, high: int, *without: int) -> Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]:
    return lambda random, shape: random.choice([n for n in range(low, high + 1) if n not in without], shape)


def check(
    proto: onnx.ModelProto,
    folder: Path,
    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray] = normal,
    taken: Callable[[np.ndarray], np.ndarray] = lambda raw: raw,
    frames: int = 120,
    **options: Any,
) -> Network:
    """The network of a graph, which is equal to it on raw samples, of which it is given what ``taken`` makes.

    Equal too: the streamlined network, and what is read of its export.
    """
    options = {"input_scale": Fraction(1)} | options
    network = read_model(write(proto, folder / "m.onnx"), **options).network
    shape = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim][1:]
    raw = draw(np.random.default_rng(1), (frames, *shape))
    expected = scores(proto, taken(raw))
    codes = network.input.encode(raw.reshape(frames, -1))
    assert np.array_equal(evaluate_trained(network, codes).scores, expected)
    done = streamline(network).network
    classes = evaluate(done, codes).classes
    assert np.array_equal(classes, expected.argmax(axis=1)) and len(np.unique(expected)) > 5
    write_qonnx(done, folder / "again.onnx")
    again = streamline(read_model(folder / "again.onnx", input_scale=Fraction(1)).network).network
    near = raw.astype(np.float32).reshape(frames, -1)
    results = [evaluate(n, n.input.encode(near)).classes for n in (done, again)]
    assert np.array_equal(*results)
    return network


MEAN, DEVIATION = [0.49, 0.48, 0.45], [0.23, 0.22, 0.25]


def refused(proto: onnx.ModelProto, folder: Path, **options: Any) -> str:
    path = write(proto, folder / "refused.onnx")
    with pytest.raises(Exception) as caught:
        read_model(path, **options)
    return str(caught.value).removeprefix(f"{path}: ")
