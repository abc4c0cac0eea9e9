"""Larq's quantizers: what they make of a kernel, and the nodes that they are on activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.larq.options import KerasLayer
from bnnhw.ir.types import MAX_PLANES

__all__ = ["ACTIVATIONS", "ALIASES", "CLASSES", "KERNELS", "Kernel", "QuantNode", "Quantizer", "quantizer"]

_NAMES = {
    "ste_sign": "sign", "SteSign": "sign", "approx_sign": "sign", "ApproxSign": "sign",
    "swish_sign": "sign", "SwishSign": "sign",
    "magnitude_aware_sign": "scaled", "MagnitudeAwareSign": "scaled",
    "ste_heaviside": "heaviside", "SteHeaviside": "heaviside",
    "ste_tern": "ternary", "SteTern": "ternary",
    "dorefa_quantizer": "dorefa", "DoReFa": "dorefa", "DoReFaQuantizer": "dorefa",
}  # fmt: skip
"""Larq's quantizers by alias and class; those of one kind differ in their gradients alone."""

ALIASES = tuple(name for name in _NAMES if name.islower())
CLASSES = tuple(name for name in _NAMES if not name.islower())

_NONE = ("NoOp", "NoOpQuantizer")


@dataclass(frozen=True)
class Quantizer:
    """A quantizer of a layer.

    Parameters
    ----------
    kind : str
        A value of the table above.
    option : str
        Of the layer, whose value it is.
    config : mapping
        Its own options; anything may be there.
    """

    kind: str
    option: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def unsupported(self, layer: KerasLayer, reason: str) -> UnsupportedError:
        return layer.unsupported(f"{self.option} {reason}")


def quantizer(layer: KerasLayer, option: str, *others: str) -> Quantizer | None:
    """The quantizer that an option of a layer names, by its alias or its Keras configuration; None without one.

    ``others`` are what the option may be besides, for the error. A quantizer may also be a layer of its own: then the
    option is ``""``.
    """
    value = layer.get(option) if option else {"class_name": layer.kind, "config": layer.config}
    name, config = value, {}
    if isinstance(value, dict):
        config = value.get("config")
        # A function is written with its name as its configuration.
        name = config if isinstance(config, str) else value.get("class_name", value)
    if name is None or name in _NONE:
        return None
    kind = _NAMES.get(str(name).rpartition(">")[2])
    if kind is None:
        raise layer.unsupported(f"{option} must be one of {', '.join((*ALIASES, *others))}, not {value!r:.60}")
    return Quantizer(kind, option or "it", config if isinstance(config, dict) else {})


@dataclass(frozen=True, eq=False)
class Kernel:
    """A quantized kernel: ``values * scale / divisor``.

    Parameters
    ----------
    values : float32 array
        Whole numbers, in Keras' order of axes.
    scale : float32 array, optional
        One per index of the last axis.
    divisor : int
    """

    values: NDArray[np.float32]
    scale: NDArray[np.float32] | None = None
    divisor: int = 1


def _sign(_layer: KerasLayer, _how: Quantizer, array: NDArray[np.float32]) -> Kernel:
    """0 gives +1 (``larq.math.sign``)."""
    return Kernel(np.where(array >= 0, np.float32(1), np.float32(-1)))


def _scaled(layer: KerasLayer, how: Quantizer, array: NDArray[np.float32]) -> Kernel:
    """Times the mean of |w| of each output (Liu et al., "Bi-Real Net", 2018, section 3.3)."""
    scale = np.abs(array).mean(axis=tuple(range(array.ndim - 1)), dtype=np.float32)
    if not scale.all():
        raise layer.unsupported("no output may have weights of 0 alone")
    return Kernel(_sign(layer, how, array).values, scale)


def _heaviside(_layer: KerasLayer, _how: Quantizer, array: NDArray[np.float32]) -> Kernel:
    return Kernel((array > 0).astype(np.float32))


def _ternary_threshold(layer: KerasLayer, how: Quantizer) -> float:
    value = how.config.get("threshold_value", 0.05)
    if not isinstance(value, int | float) or not 1e-30 < value < 1e30:
        raise how.unsupported(layer, f"must have a positive threshold_value, not {value!r:.60}")
    return float(np.float32(value))


_CLOSE = 1e-4
"""How close to a bound, relative to it, a weight must not lie where TensorFlow's bound is a float32 sum."""


def _ternary(layer: KerasLayer, how: Quantizer, array: NDArray[np.float32]) -> Kernel:
    """-1 or +1 from a threshold on, both ways."""
    if how.config.get("ternary_weight_networks", False):
        threshold = 0.7 * float(np.abs(array).mean(dtype=np.float64))
        if (np.abs(np.abs(array) - threshold) <= _CLOSE * threshold).any():
            raise how.unsupported(
                layer, "must tell its weights apart: one lies at the threshold, 0.7 times the mean of |w|, to float32"
            )
    else:
        threshold = _ternary_threshold(layer, how)
    return Kernel(np.where(np.abs(array) >= threshold, np.sign(array), 0).astype(np.float32))


def _levels(layer: KerasLayer, how: Quantizer) -> int:
    bits = how.config.get("k_bit", 2)
    if type(bits) is not int or not 1 <= bits <= MAX_PLANES:
        raise how.unsupported(layer, f"must have a k_bit of 1 to {MAX_PLANES}, not {bits!r:.60}")
    return (1 << bits) - 1


def _dorefa(layer: KerasLayer, how: Quantizer, array: NDArray[np.float32]) -> Kernel:
    """Zhou et al., "DoReFa-Net", 2016, section 2.3: ``2 round(n (tanh w / 2 max |tanh w| + 1/2)) / n - 1``."""
    n = _levels(layer, how)
    if how.config.get("mode", "activations") != "weights":
        return Kernel(np.rint(np.clip(array, 0, 1) * np.float32(n)), divisor=n)
    limited = np.tanh(array.astype(np.float64))
    greatest = np.abs(limited).max()
    place = n * (limited / (2 * greatest) + 0.5) if greatest else np.full(array.shape, n / 2)
    # A weight of 0 lies halfway, exactly.
    if (array.astype(bool) & (np.abs(place - np.floor(place) - 0.5) < _CLOSE)).any():
        raise how.unsupported(layer, "must tell its weights apart: one lies between two levels, to float32")
    return Kernel((2 * np.rint(place) - n).astype(np.float32), divisor=n)


KERNELS: Mapping[str, Callable[[KerasLayer, Quantizer, NDArray[np.float32]], Kernel]] = {
    "sign": _sign,
    "scaled": _scaled,
    "heaviside": _heaviside,
    "ternary": _ternary,
    "dorefa": _dorefa,
}
"""By kind of quantizer: what it makes of latent weights."""


@dataclass(frozen=True)
class QuantNode:
    """What quantizes activations: ``round(factor * x / divisor) / levels``, the rounded number clipped to some bits.

    Parameters
    ----------
    bits : int
        0: signs, by ``BipolarQuant``.
    signed : bool
        And narrow.
    rounding : str
        QONNX's name.
    factor, divisor, levels : float
        Each exact in float32.
    """

    bits: int
    signed: bool = False
    rounding: str = "ROUND"
    factor: float = 1.0
    divisor: float = 1.0
    levels: float = 1.0


def _tern_node(layer: KerasLayer, how: Quantizer) -> QuantNode:
    if how.config.get("ternary_weight_networks", False):
        raise how.unsupported(layer, "must have no ternary_weight_networks: its threshold would depend on the batch")
    # Rounded towards 0: 1 from the threshold on, and likewise below.
    return QuantNode(2, True, "DOWN", divisor=_ternary_threshold(layer, how))


def _dorefa_node(layer: KerasLayer, how: Quantizer) -> QuantNode:
    if how.config.get("mode", "activations") != "activations":
        raise how.unsupported(layer, "must have mode 'activations': that of weights depends on the batch")
    n = _levels(layer, how)
    return QuantNode(n.bit_length(), factor=n, levels=n)


def _scaled_node(layer: KerasLayer, how: Quantizer) -> QuantNode:
    raise how.unsupported(layer, "must be a plain sign, not 'magnitude_aware_sign'")


ACTIVATIONS: Mapping[str, Callable[[KerasLayer, Quantizer], QuantNode]] = {
    "sign": lambda _layer, _how: QuantNode(0),
    "scaled": _scaled_node,
    "heaviside": lambda _layer, _how: QuantNode(1, rounding="CEIL"),
    "ternary": _tern_node,
    "dorefa": _dorefa_node,
}
"""By kind of quantizer: the nodes that it is."""
