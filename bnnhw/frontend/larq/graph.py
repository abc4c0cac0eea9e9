"""A Larq model on the way to a QONNX graph; maps are channels first there, channels last in Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError, UnsupportedError
from bnnhw.frontend.larq.options import KerasLayer
from bnnhw.frontend.larq.quantizers import ACTIVATIONS, KERNELS, Kernel, Quantizer, quantizer
from bnnhw.ir.members import Members
from bnnhw.qonnx.graph import Graph, Tensor

__all__ = ["LarqGraph", "LarqInput"]

_OPSET = 13

State: TypeAlias = Literal["samples", "signs", "elements", "numbers"]
"""What the last node gives: samples, quantized elements, or real numbers, which must be quantized."""

_STEPS: dict[str, tuple[Any, ...]] = {
    "relu": ("Relu",),
    "tanh": ("Tanh",),
    "sigmoid": ("Sigmoid",),
    "hard_tanh": ("Clip", -1.0, 1.0),
}
"""Keras' and Larq's activations that are one node: its operator, and its constants."""

_ENDS = ("softmax", "log_softmax", "sigmoid")
"""Rising functions: at the end they change no class, and the scores are those before."""


@dataclass(frozen=True)
class LarqInput:
    """What the network takes: ``sample * scale + offset``, of whole samples of ``bits`` bits, unsigned."""

    bits: int
    scale: float
    offset: float


class LarqGraph:
    """A graph in the making: what the handlers of layers add nodes to.

    Parameters
    ----------
    members : Members
        The arrays.
    shape : tuple of int
        Of a frame: (features,), (channels, length), or (channels, height, width).
    given : LarqInput
    """

    def __init__(self, members: Members, shape: tuple[int, ...], given: LarqInput) -> None:
        self._members, self._given = members, given
        # Samples are as Keras has them, channels last.
        self._graph = Graph("input", (1, *shape[1:], shape[0]), "scores")
        self._value = self._graph.input
        if len(shape) > 1:
            self.node("Transpose", "input/channels_first", shape=shape, perm=[0, len(shape), *range(1, len(shape))])
        self.state: State = "samples"
        # An activation that is left out if nothing follows, and whose it is.
        self._end: tuple[KerasLayer, str] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a frame, as ONNX has it."""
        return self._value.shape[1:]

    def begin(self, layer: KerasLayer) -> None:
        """Called before each layer is added that computes something."""
        if self._end is not None:
            (before, name), self._end = self._end, None
            if name not in _STEPS:
                raise layer.unsupported(f"nothing may follow the {name} of layer {before.name}")
            self.step(f"{before.name}/{name}", *_STEPS[name])

    def finish(self) -> bytes:
        """The graph, serialized."""
        if self.state == "samples":
            raise UnsupportedError("a Larq model must end in the scores of a layer with weights")
        return self._graph.model(self._value, "larq", _OPSET).SerializeToString()

    def constant(self, name: str, value: NDArray[Any] | np.float32 | np.float64) -> str:
        return self._graph.constant(name, np.asarray(value))

    def node(
        self, kind: str, name: str, *constants: str | Tensor, shape: tuple[int, ...] | None = None, **attributes: Any
    ) -> None:
        """A node behind the last one; ``shape`` is that of a frame, if it changes."""
        whole = None if shape is None else (1, *shape)
        output = f"{name}/out"
        self._value = self._graph.node(kind, name, self._value, *constants, shape=whole, output=output, **attributes)

    def array(self, layer: KerasLayer, part: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """One of the arrays of a layer."""
        array = self._members.take(f"{layer.name}/{part}", "<f4", shape)
        if not np.isfinite(array).all():
            raise FileError(f"array '{layer.name}/{part}' must hold finite numbers")
        return array

    def by_channel(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A value per channel, in the shape in which nodes take it."""
        return values.reshape(-1, *[1] * (len(self.shape) - 1))

    def inputs(self, layer: KerasLayer) -> None:
        """What a quantized layer does to its inputs."""
        how = quantizer(layer, "input_quantizer")
        if how is not None:
            self.quantize(layer, how)
        elif self.state == "samples":
            self._samples(layer.name, whole=True)
        elif self.state == "numbers":
            raise layer.unsupported("input_quantizer must be given, since its inputs are real numbers")

    def quantize(self, layer: KerasLayer, how: Quantizer) -> None:
        """A quantizer of what the last node gives."""
        node, name = ACTIVATIONS[how.kind](layer, how), f"{layer.name}/{how.option}"
        if self.state == "signs" and not node.bits:
            # The sign of signs is themselves.
            return
        self._samples(layer.name, whole=False)
        if not node.bits:
            self.node("BipolarQuant", name, self.constant(f"{name}/one", np.float32(1)))
        else:
            for kind, part, value in (("Mul", "factor", node.factor), ("Div", "divisor", node.divisor)):
                if value != 1:
                    self.node(kind, f"{name}/{part}", self.constant(f"{name}/{part}/value", np.float32(value)))
            self._quant(name, node.bits, node.signed, node.rounding)
            if node.levels != 1:
                self.node("Div", f"{name}/levels", self.constant(f"{name}/levels/value", np.float32(node.levels)))
        self.state = "elements" if node.bits else "signs"

    def _quant(self, name: str, bits: int, signed: bool, rounding: str) -> None:
        values = {"step": 1, "zero": 0, "bits": bits}
        constants = [self.constant(f"{name}/{part}", np.float32(value)) for part, value in values.items()]
        self.node("Quant", name, *constants, signed=int(signed), narrow=int(signed), rounding_mode=rounding)

    def _samples(self, name: str, *, whole: bool) -> None:
        """The input's own scale and offset, where nothing stands before; whole samples are quantized as such."""
        if self.state != "samples":
            return
        if whole:
            self._quant(f"{name}/samples", self._given.bits, False, "FLOOR")
        if self._given.scale != 1:
            self.node("Mul", f"{name}/scale", self.constant(f"{name}/factor", np.float64(self._given.scale)))
        if self._given.offset:
            self.node("Add", f"{name}/offset", self.constant(f"{name}/shift", np.float64(self._given.offset)))
        self.state = "elements"

    def kernel(self, layer: KerasLayer, shape: tuple[int, ...], name: str = "kernel") -> Kernel:
        """A layer's quantized kernel; ``kernel``'s quantizer is ``kernel_quantizer``, and so on."""
        how = quantizer(layer, f"{name.removesuffix('_kernel')}_quantizer")
        if how is None:
            raise layer.unsupported(
                f"{name.removesuffix('_kernel')}_quantizer must be given, since its weights are real numbers"
            )
        return KERNELS[how.kind](layer, how, self.array(layer, name, shape))

    def product(
        self, kind: str, name: str, kernel: Kernel, weights: NDArray[np.float32], shape: tuple[int, ...], **how: Any
    ) -> None:
        """A product with a kernel's values, in ONNX' order, times what they are scaled by; outputs are channels."""
        self.node(kind, name, self.constant(f"{name}/weights", weights), shape=shape, **how)
        if kernel.scale is not None:
            # A depthwise kernel has a scale per neuron of each channel.
            scale = np.tile(kernel.scale, shape[0] // len(kernel.scale))
            self.node("Mul", f"{name}/scaled", self.constant(f"{name}/alpha", self.by_channel(scale)))
        if kernel.divisor != 1:
            self.node("Div", f"{name}/levels", self.constant(f"{name}/divisor", np.float32(kernel.divisor)))
        self.state = "numbers"

    def finish_layer(self, layer: KerasLayer) -> None:
        """The bias and the activation of a layer with weights."""
        if layer.get("use_bias", True):
            bias = self.array(layer, "bias", self.shape[:1])
            self.node("Add", f"{layer.name}/add", self.constant(f"{layer.name}/bias", self.by_channel(bias)))
        self.activation(layer)

    def activation(self, layer: KerasLayer) -> None:
        """An ``activation``: a step, a quantizer, or what may stand at the end."""
        value = layer.get("activation", "linear")
        if isinstance(value, dict) and isinstance(value.get("config"), str):
            value = value["config"]
        if value == "linear" or value is None:
            return
        known = value if isinstance(value, str) else ""
        if known in _ENDS and self.state == "numbers":
            self._end = layer, known
        elif known in _STEPS and self.state != "samples":
            self.step(f"{layer.name}/{known}", *_STEPS[known])
        elif how := quantizer(layer, "activation", *_STEPS, *_ENDS[:2]):
            self.quantize(layer, how)

    def step(self, name: str, kind: str, *parameters: float | NDArray[np.float32], **attributes: Any) -> None:
        """A function of each number."""
        constants = [self.constant(f"{name}/{i}", np.asarray(p, np.float32)) for i, p in enumerate(parameters)]
        self.node(kind, name, *constants, **attributes)
        self.state = "numbers"
