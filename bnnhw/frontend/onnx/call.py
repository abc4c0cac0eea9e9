"""A node of a foreign graph about to be converted, and the registry of what converts which operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.graph import ONNX_DOMAINS, Node
from bnnhw.frontend.onnx.values import (
    Addressed,
    Constant,
    Dimensions,
    Elements,
    Integers,
    Numbered,
    Padded,
    Product,
    Ranked,
    Samples,
    Value,
    Weights,
    kind_of,
)

__all__ = ["HANDLERS", "ONNX_DOMAINS", "QUANT_DOMAINS", "Call", "Handler", "handles"]

QUANT_DOMAINS = (
    "qonnx.custom_op.general",
    "finn.custom_op.general",
    "onnx.brevitas",
    "finn",
    "finn.dataset",
    "qonnx",
    "brevitas",
    *ONNX_DOMAINS,
)
"""QONNX's quantizers, under the names that they had over time; exporters of 2021 wrote none."""

MAX_FRACTION_BITS = 1 << 12
"""Longest numerator or denominator of a scale: a product of a hundred float32 numbers stays below."""

UNTYPED = ": quantize the samples in the training script, or say which integers they are with --input-type"
"""What to do about raw samples where elements must be."""

_V = TypeVar(
    "_V",
    bound=Constant
    | Dimensions
    | Samples
    | Elements
    | Padded
    | Weights
    | Product
    | Integers
    | Addressed
    | Numbered
    | Ranked,
)


@dataclass(frozen=True)
class Call:
    """A node together with the values that it reads, and the version of ONNX's operators that it is of."""

    node: Node
    inputs: tuple[Value | None, ...]
    opset: int

    def unsupported(self, reason: str) -> UnsupportedError:
        """The error that this node can't be converted, to raise."""
        return UnsupportedError(f"{self.node}: {reason}")

    def input(self, index: int) -> Value | None:
        """An input's value; None if it is omitted."""
        return self.inputs[index] if index < len(self.inputs) else None

    def take(self, index: int, what: str, *kinds: type[_V]) -> _V:
        """An input that must be of one of some kinds; ``what`` names it in the error."""
        value = self.input(index)
        if isinstance(value, Weights) and Constant in kinds and Weights not in kinds:
            value = value.dequantized()
        if not isinstance(value, kinds):
            expected = " or ".join(kind_of(kind) for kind in kinds)
            cure = UNTYPED if isinstance(value, Samples) and Elements in kinds else ""
            raise self.unsupported(f"its {what} must be {expected}, not {kind_of(value)}{cure}")
        return value

    def constant(self, index: int, what: str) -> NDArray[np.float64]:
        """A constant input in float64, which holds every type read but large int64."""
        array = self.take(index, what, Constant).array
        result = array.astype(np.float64)
        if array.dtype.kind in "iu" and (np.abs(result) > 1 << 53).any():
            raise self.unsupported(f"its {what} must be below 2**53")
        return result

    def scalar(self, index: int, what: str) -> float:
        """An input that must be a constant of one value."""
        array = self.constant(index, what)
        if array.size != 1:
            raise self.unsupported(f"its {what} must be a single value, not of shape {array.shape}")
        return float(array.reshape(()))

    def require(self, what: str, value: Any, *allowed: Any) -> None:
        """Refuse a parameter that is not one of some values."""
        if value not in allowed:
            raise self.unsupported(f"its {what} must be {' or '.join(map(str, allowed))}, not {value!r:.60}")

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute, of the type of its default."""
        value = self.node.attributes.get(name, default)
        if type(value) is not type(default):
            raise self.unsupported(f"its {name} must be of type {type(default).__name__}, not {value!r:.60}")
        if isinstance(value, float) and not np.isfinite(value):
            raise self.unsupported(f"its {name} must be finite, not {value!r}")
        return value

    def fraction(self, what: str, value: Fraction) -> Fraction:
        """A rational number, refused if it has grown too long to be worked with."""
        if max(abs(value.numerator), value.denominator).bit_length() > MAX_FRACTION_BITS:
            raise self.unsupported(
                f"its {what} must have at most {MAX_FRACTION_BITS} bits: use fewer steps before the quantizer"
            )
        return value

    def exact(self, what: str, value: Fraction) -> float:
        """A rational number as float64, refused if it isn't one."""
        try:
            result = float(value)
        except OverflowError:
            result = np.inf
        if not np.isfinite(result) or Fraction(result) != value:
            raise self.unsupported(f"its {what} must be exact in float64, not about {result!r}: use float32 parameters")
        return result

    def channels(
        self, index: int, what: str, neurons: int, layout: NDArray[np.int32] | None = None
    ) -> NDArray[np.float64]:
        """A constant input of one value, or one per neuron: float64 (neurons,).

        Parameters
        ----------
        index : int
        what : str
        neurons : int
            Or channels.
        layout : int32 array, optional
            The places in the stream of what the constant is for; None for a list of neurons.
        """
        array = self.constant(index, what)
        if array.size == 1:
            return np.full(neurons, float(array.reshape(())))
        if layout is None or layout.shape == (neurons,):
            if array.ndim > 2 or array.shape[-1] != neurons or array.size != neurons:
                raise self.unsupported(
                    f"its {what} must be a single value or one per neuron ({neurons}), not {array.shape}"
                )
            result = np.empty(neurons)
            result[slice(None) if layout is None else layout] = array.reshape(neurons)
            return result
        return self.spread(array, what, neurons, layout)

    def spread(
        self, array: NDArray[np.float64], what: str, neurons: int, layout: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        """The value of each channel: float64 (neurons,), from an array that is one per channel of a frame."""
        frame = array[0] if array.ndim == layout.ndim + 1 and len(array) == 1 else array
        if frame.ndim <= layout.ndim and all(
            a in (1, b) for a, b in zip(reversed(frame.shape), reversed(layout.shape), strict=False)
        ):
            full = np.broadcast_to(frame, layout.shape)
            result = np.empty(neurons)
            result[layout % neurons] = full
            if (result[layout % neurons] == full).all():
                return result
        raise self.unsupported(f"its {what} must be a single value or one per channel ({neurons}), not {array.shape}")


@dataclass(frozen=True)
class Handler:
    """A conversion, and what it is for.

    Parameters
    ----------
    convert : function of a Call
    domains : tuple of str
        Of the operator.
    constants : bool
        Whether it converts nodes that read constants alone; others are computed (:mod:`bnnhw.frontend.onnx.fold`).
    weights : bool
        The same of nodes that read quantized weights, and nothing but constants beside them.
    infinite : bool
        Whether constants that it reads may be infinite.
    outputs : int
        The most that a node has, all of which stand for the same.
    samples : bool
        Whether it takes raw samples; otherwise those of a stated type are elements for it.
    """

    convert: Callable[[Call], Value]
    domains: tuple[str, ...]
    constants: bool = False
    weights: bool = False
    infinite: bool = False
    outputs: int = 1
    samples: bool = False

    def takes(self, call: Call) -> bool:
        """Whether the handler wants a node all of whose inputs are known."""
        return self.weights if any(isinstance(value, Weights) for value in call.inputs) else self.constants


HANDLERS: dict[str, Handler] = {}
"""By operator; filled by the files of :mod:`bnnhw.frontend.onnx.nodes`."""


def handles(
    *kinds: str, domains: tuple[str, ...] = ONNX_DOMAINS, outputs: int = 1, **reads: bool
) -> Callable[[Callable[[Call], Value]], Callable[[Call], Value]]:
    """Register a function for some operators; ``reads`` are the flags of :class:`Handler`."""

    def register(convert: Callable[[Call], Value]) -> Callable[[Call], Value]:
        for kind in kinds:
            if kind in HANDLERS:
                raise ValueError(f"operator {kind} must have one handler")
            HANDLERS[kind] = Handler(convert, domains, outputs=outputs, **reads)
        return convert

    return register
