"""The layers of a Larq model as nodes of a QONNX graph; maps are channels first there, channels last in Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError, UnsupportedError
from bnnhw.frontend.larq.options import pair, quantizer, same
from bnnhw.ir.members import Members
from bnnhw.qonnx.graph import Graph, Tensor

__all__ = ["LarqGraph", "LarqInput"]

_OPSET = 13


@dataclass(frozen=True)
class LarqInput:
    """What the network takes: ``sample * scale + offset``, of whole samples of ``bits`` bits, unsigned."""

    bits: int
    scale: float
    offset: float


class LarqGraph:
    """A model on the way to its graph, layer by layer.

    Parameters
    ----------
    members : Members
        The arrays.
    shape : tuple of int
        Of a frame: (features,), or (channels, height, width).
    given : LarqInput
    """

    def __init__(self, members: Members, shape: tuple[int, ...], given: LarqInput) -> None:
        self._members, self._given = members, given
        self._graph = Graph("input", (1, *shape), "scores")
        self._value = self._graph.input
        # What the last node gives: samples, signs, or what steps make of products.
        self._state = "samples"
        self._ended = ""

    def layer(self, kind: str, name: str, config: dict[str, Any]) -> None:
        """Adds a layer of a Keras class."""
        if self._ended:
            raise UnsupportedError(f"layer {name}: nothing may follow the softmax of layer {self._ended}")
        if config.get("data_format", "channels_last") != "channels_last":
            raise UnsupportedError(
                f"layer {name}: data_format must be 'channels_last', not {config['data_format']!r:.60}"
            )
        match kind:
            case "InputLayer" | "Dropout":
                pass
            case "QuantDense":
                self._dense(name, config)
            case "QuantConv2D":
                self._conv(name, config)
            case "BatchNormalization":
                self._batch_norm(name, config)
            case "MaxPooling2D" | "AveragePooling2D":
                self._pool(kind, name, config)
            case "Flatten":
                self._flatten(name)
            case "Activation":
                self._activation(name, config.get("activation"))
            case _:
                raise UnsupportedError(f"layer {name}: {kind!r:.60} is not supported")

    def finish(self) -> bytes:
        """The graph, serialized."""
        if self._state != "products":
            raise UnsupportedError("a Larq model must end in the scores of a QuantDense layer")
        return self._graph.model(self._value, "larq", _OPSET).SerializeToString()

    @property
    def _shape(self) -> tuple[int, ...]:
        """Shape of a frame, as ONNX has it."""
        return self._value.shape[1:]

    def _constant(self, name: str, value: NDArray[Any] | np.float32 | np.float64) -> str:
        return self._graph.constant(name, np.asarray(value))

    def _node(
        self,
        kind: str,
        name: str,
        constants: list[str | Tensor],
        shape: tuple[int, ...] | None = None,
        **attributes: Any,
    ) -> None:
        """A node behind the last one; ``shape`` is that of a frame, if it changes."""
        whole = None if shape is None else (1, *shape)
        output = f"{name}/out"
        self._value = self._graph.node(kind, name, self._value, *constants, shape=whole, output=output, **attributes)

    def _sign(self, name: str, where: str) -> None:
        self._samples(name, whole=False)
        self._node("BipolarQuant", f"{name}/{where}", [self._constant(f"{name}/{where}/one", np.float32(1))])
        self._state = "signs"

    def _samples(self, name: str, *, whole: bool) -> None:
        """The input's own scale and offset, where nothing stands before; whole samples are quantized as such."""
        if self._state != "samples":
            return
        if whole:
            values = {"step": 1, "zero": 0, "bits": self._given.bits}
            constants: list[str | Tensor] = [
                self._constant(f"{name}/{n}", np.float32(value)) for n, value in values.items()
            ]
            self._node("Quant", f"{name}/samples", constants, signed=0, narrow=0, rounding_mode="FLOOR")
        if self._given.scale != 1:
            self._node("Mul", f"{name}/scale", [self._constant(f"{name}/factor", np.float64(self._given.scale))])
        if self._given.offset:
            self._node("Add", f"{name}/offset", [self._constant(f"{name}/shift", np.float64(self._given.offset))])

    def _inputs(self, name: str, config: dict[str, Any]) -> None:
        """What a quantized layer does to its inputs."""
        kind = quantizer(name, "input_quantizer", config.get("input_quantizer"))
        if kind == "scaled":
            raise UnsupportedError(f"layer {name}: input_quantizer must be a plain sign, not 'magnitude_aware_sign'")
        if kind == "sign":
            # The sign of signs is themselves.
            if self._state != "signs":
                self._sign(name, "input_quantizer")
        elif self._state == "samples":
            self._samples(name, whole=True)
        elif self._state != "signs":
            raise UnsupportedError(f"layer {name}: input_quantizer must be given, since its inputs are real numbers")

    def _weights(self, name: str, config: dict[str, Any], shape: tuple[int, ...], order: tuple[int, ...]) -> Tensor:
        """The quantized kernel in ONNX' order of axes; outputs are Keras' last axis."""
        kind = quantizer(name, "kernel_quantizer", config.get("kernel_quantizer"))
        if kind is None:
            raise UnsupportedError(f"layer {name}: kernel_quantizer must be given, since its weights are real numbers")
        kernel = self._array(name, "kernel", shape)
        scale = np.ones(1, np.float32)
        if kind == "scaled":
            scale = np.abs(kernel).mean(axis=tuple(range(kernel.ndim - 1)), dtype=np.float32)
            if not scale.all():
                raise UnsupportedError(f"layer {name}: no output may have weights of 0 alone")
        last = order.index(len(order) - 1)
        scale = scale.reshape([-1 if axis == last else 1 for axis in range(len(order))])
        array = kernel.transpose(order)
        constants = (self._constant(f"{name}/kernel", array), self._constant(f"{name}/alpha", scale))
        output = f"{name}/weights"
        return self._graph.node("BipolarQuant", output, *constants, shape=array.shape, output=output)

    def _array(self, name: str, part: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        array = self._members.take(f"{name}/{part}", "<f4", shape)
        if not np.isfinite(array).all():
            raise FileError(f"array '{name}/{part}' must hold finite numbers")
        return array

    def _finish_product(self, name: str, config: dict[str, Any], outputs: int) -> None:
        self._state = "products"
        if config.get("use_bias", True):
            bias = self._array(name, "bias", (outputs,))
            self._node("Add", f"{name}/add", [self._constant(f"{name}/bias", self._by_channel(bias))])
        self._activation(name, config.get("activation", "linear"))

    def _by_channel(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return values.reshape(-1, 1, 1) if len(self._shape) == 3 else values

    def _units(self, name: str, config: dict[str, Any], option: str) -> int:
        value = config.get(option)
        if type(value) is not int or not 0 < value < 1 << 20:
            raise FileError(f"layer {name}: {option} must be a positive number, not {value!r:.60}")
        return value

    def _dense(self, name: str, config: dict[str, Any]) -> None:
        if len(self._shape) != 1:
            raise UnsupportedError(f"layer {name}: a Flatten must stand before it")
        units = self._units(name, config, "units")
        self._inputs(name, config)
        weights = self._weights(name, config, (self._shape[0], units), (0, 1))
        self._node("MatMul", name, [weights], (units,))
        self._finish_product(name, config, units)

    def _map(self, name: str) -> tuple[int, int, int]:
        if len(self._shape) != 3:
            raise UnsupportedError(f"layer {name}: must stand before the Flatten")
        channels, height, width = self._shape
        return channels, height, width

    def _padding(self, name: str, config: dict[str, Any], kernel: tuple[int, int], stride: tuple[int, int],
                 dilation: tuple[int, int]) -> tuple[list[int], list[int]]:  # fmt: skip
        """As ONNX has it, top, left, bottom, right, and the size of the map behind the window."""
        _, height, width = self._map(name)
        mode = config.get("padding", "valid")
        if mode not in ("valid", "same"):
            raise UnsupportedError(f"layer {name}: padding must be 'valid' or 'same', not {mode!r:.60}")
        pairs = [
            same(*axis) if mode == "same" else (0, 0)
            for axis in zip((height, width), kernel, stride, dilation, strict=True)
        ]
        sizes = [
            (size + sum(pads) - (k - 1) * d - 1) // s + 1
            for size, pads, k, s, d in zip((height, width), pairs, kernel, stride, dilation, strict=True)
        ]
        if min(sizes) < 1:
            raise UnsupportedError(f"layer {name}: its window must fit a map of {height} x {width}")
        return [pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1]], sizes

    def _conv(self, name: str, config: dict[str, Any]) -> None:
        channels = self._map(name)[0]
        filters = self._units(name, config, "filters")
        kernel, stride, dilation = (pair(name, config, n) for n in ("kernel_size", "strides", "dilation_rate"))
        if config.get("groups", 1) != 1:
            raise UnsupportedError(f"layer {name}: groups must be 1, not {config['groups']!r:.60}")
        self._inputs(name, config)
        pads, sizes = self._padding(name, config, kernel, stride, dilation)
        fill = config.get("pad_values", 0.0)
        if not isinstance(fill, int | float) or fill not in (-1, 0, 1):
            raise UnsupportedError(f"layer {name}: pad_values must be -1, 0 or 1, not {fill!r:.60}")
        if any(pads) and fill:
            amounts = self._constant(f"{name}/pads", np.array([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64))
            padded = (channels, self._shape[1] + pads[0] + pads[2], self._shape[2] + pads[1] + pads[3])
            self._node("Pad", f"{name}/pad", [amounts, self._constant(f"{name}/fill", np.float32(fill))], padded)
            pads = [0, 0, 0, 0]
        weights = self._weights(name, config, (*kernel, channels, filters), (3, 2, 0, 1))
        geometry = {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "pads": pads}
        self._node("Conv", name, [weights], (filters, *sizes), **geometry)
        self._finish_product(name, config, filters)

    def _batch_norm(self, name: str, config: dict[str, Any]) -> None:
        if self._state != "products":
            raise UnsupportedError(f"layer {name}: a quantized layer must stand before a batch normalization")
        channels, epsilon = self._shape[0], config.get("epsilon", 1e-3)
        axis = config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        if axis not in (-1, len(self._shape)):
            raise UnsupportedError(f"layer {name}: axis must be the last, not {axis!r:.60}")
        if not isinstance(epsilon, int | float) or not 0 <= epsilon < 1e30:
            raise FileError(f"layer {name}: epsilon must be a number, not {epsilon!r:.60}")
        given = {"gamma": config.get("scale", True), "beta": config.get("center", True)}
        default = {"gamma": np.ones(channels, np.float32), "beta": np.zeros(channels, np.float32)}
        arrays = {n: self._array(name, n, (channels,)) if there else default[n] for n, there in given.items()}
        arrays |= {n: self._array(name, n, (channels,)) for n in ("moving_mean", "moving_variance")}
        constants: list[str | Tensor] = [self._constant(f"{name}/{n}", array) for n, array in arrays.items()]
        self._node("BatchNormalization", name, constants, epsilon=float(epsilon))

    def _pool(self, kind: str, name: str, config: dict[str, Any]) -> None:
        kernel = pair(name, config, "pool_size")
        stride = kernel if config.get("strides") is None else pair(name, config, "strides")
        pads, sizes = self._padding(name, config, kernel, stride, (1, 1))
        if self._state == "samples":
            raise UnsupportedError(f"layer {name}: a quantized layer must stand before a pool")
        if kind == "AveragePooling2D" and any(pads):
            raise UnsupportedError(f"layer {name}: padding must be 'valid' for an average, not 'same'")
        operator = "MaxPool" if kind == "MaxPooling2D" else "AveragePool"
        shape = (self._shape[0], *sizes)
        self._node(operator, name, [], shape, kernel_shape=kernel, strides=stride, pads=pads)
        # An average of signs is none.
        self._state = "signs" if self._state == "signs" and operator == "MaxPool" else "products"

    def _flatten(self, name: str) -> None:
        """Keras flattens channels fastest."""
        if len(self._shape) == 3:
            channels, height, width = self._shape
            self._node("Transpose", f"{name}/channels_last", [], (height, width, channels), perm=[0, 2, 3, 1])
            self._node("Flatten", name, [], (height * width * channels,), axis=1)

    def _activation(self, name: str, value: object) -> None:
        """A softmax at the end changes no argmax: the scores are those before it."""
        if value == "softmax":
            self._ended = name
        elif value != "linear" and value is not None:
            if quantizer(name, "activation", value) != "sign":
                raise UnsupportedError(f"layer {name}: activation must be a plain sign, not 'magnitude_aware_sign'")
            self._sign(name, "activation")
