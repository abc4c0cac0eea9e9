"""How the network file (:mod:`bnnhw.ir.archive`) holds layers: an object each in its header, and named arrays.

The place of a layer is its position, ``3``; inside a branch it goes on: ``3.body.0``, ``3.shortcut.1``. What a kind
holds there stands in the kind's file in :mod:`bnnhw.ir.layers`, which registers a :class:`Codec`; ``kind``, ``name``
and ``input`` are the same for all. Arrays of the layer at PLACE: ``PLACE.weights.PLANE`` and the like; those of
activations are listed in :mod:`bnnhw.ir.codec_activation`. Whatever is described is checked when it is read: sizes
before anything of that size is allocated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError, NetworkError
from bnnhw.ir.activation import Activation
from bnnhw.ir.codec_activation import (
    Arrays,
    Take,
    describe_activation,
    describe_steps,
    read_activation,
    read_step,
    read_steps,
)
from bnnhw.ir.header import field, size, sizes
from bnnhw.ir.layer import Layer, Shape
from bnnhw.ir.steps import Step
from bnnhw.ir.types import DataType
from bnnhw.ir.window import Window
from bnnhw.registry import Registry

if TYPE_CHECKING:
    from bnnhw.ir.layers.output import Output

__all__ = ["CODECS", "Codec", "LayerReader", "LayerWriter", "describe_layers", "read_layers"]

MAX_LAYERS = 10_000
"""Most layers of a network, those inside branches included: far above any real network's."""

L = TypeVar("L")


@dataclass(frozen=True)
class Codec(Generic[L]):
    """How one kind of layer is held.

    Parameters
    ----------
    describe
        The kind's own part of the header's entry; arrays go to the writer.
    read
        The inverse.
    """

    describe: Callable[[L, LayerWriter], dict[str, Any]]
    read: Callable[[LayerReader], L]


CODECS: Registry[Codec[Any]] = Registry("a codec of the network file", "the kind's file in bnnhw/ir/layers")


# Writing


def describe_layers(layers: Iterable[Layer | Output], prefix: str, arrays: Arrays) -> list[dict[str, Any]]:
    """The header's entries of a chain whose places begin with ``prefix``; the arrays go into ``arrays``."""
    entries: list[dict[str, Any]] = []
    for i, layer in enumerate(layers):
        entry: dict[str, Any] = {"kind": layer.kind, "name": layer.name}
        if isinstance(layer, Layer):
            entry["input"] = str(layer.input)
        entries.append(entry | CODECS.of(layer).describe(layer, LayerWriter(f"{prefix}{i}", arrays)))
    return entries


@dataclass(frozen=True)
class LayerWriter:
    """Takes what one layer holds beside its entry in the header."""

    place: str
    arrays: Arrays

    def array(self, name: str, values: NDArray[Any], dtype: str) -> None:
        self.arrays[f"{self.place}.{name}"] = values.astype(dtype)

    def activation(self, activation: Activation | None) -> dict[str, Any] | None:
        """The header's entry of an activation."""
        return None if activation is None else describe_activation(activation, self.place, self.arrays)

    def steps(self, steps: tuple[Step, ...]) -> list[dict[str, Any]]:
        """The header's entry of floating-point steps."""
        return describe_steps(steps, self.place, self.arrays)

    def layers(self, branch: str, layers: tuple[Layer, ...]) -> list[dict[str, Any]]:
        """The header's entries of a branch."""
        return describe_layers(layers, f"{self.place}.{branch}.", self.arrays)

    def window(self, window: Window) -> dict[str, Any]:
        """The header's entry of a window."""
        return {
            "channels": int(window.channels),
            "height": int(window.height),
            "width": int(window.width),
            **{key: [int(size) for size in getattr(window, key)] for key in _WINDOW_LISTS},
        }


_WINDOW_LISTS = {"kernel": 2, "stride": 2, "dilation": 2, "padding": 4}
"""Lists of a window, and their lengths."""


# Reading


def read_layers(entries: list[Any], take: Take) -> tuple[Layer | Output, ...]:
    """The inverse of :func:`describe_layers`; ``take`` gives an array by name, checked for its type and shape."""
    return _read(entries, "", take, iter(range(MAX_LAYERS)), 0)


def _read(
    entries: list[Any], prefix: str, take: Take, numbers: Iterator[int], depth: int
) -> tuple[Layer | Output, ...]:
    """The layers of one chain; every layer of the network takes one of ``numbers``."""
    if any(next(numbers, None) is None for _ in entries):
        raise FileError(f"header: a network must have at most {MAX_LAYERS} layers")
    layers: list[Layer | Output] = []
    for i, spec in enumerate(entries):
        reader = LayerReader(spec, f"{prefix}{i}", take, numbers, depth)
        kind = reader.field("kind", str)
        _ = reader.name  # Refused before the kind is, as it stands in all of them.
        if kind not in CODECS:
            raise reader.error(f"'kind' must be one of {', '.join(CODECS)}, not {kind!r:.60}")
        layers.append(CODECS.named(kind).read(reader))
    return tuple(layers)


@dataclass(frozen=True)
class LayerReader:
    """Gives what the file holds of one layer, checked.

    Parameters
    ----------
    spec : dict
        The entry in the header, not checked yet.
    place : str
    take
        Gives an array by name.
    numbers : iterator of int
        One for every layer that the network may still have.
    depth : int
        Layers around this one.
    """

    spec: Any
    place: str
    take: Take
    numbers: Iterator[int]
    depth: int

    @property
    def where(self) -> str:
        return f"layer {self.place}"

    def error(self, text: str) -> FileError:
        """An error about the entry."""
        return FileError(f"header: {self.where}: {text}")

    @property
    def name(self) -> str:
        name = self.field("name", str)
        if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", name):
            raise self.error(f"'name' must be 1 to 200 printable characters, not {name!r:.60}")
        return name

    @property
    def input(self) -> DataType:
        return DataType.parse(self.field("input", str))

    @property
    def shape(self) -> Shape:
        channels, height, width = sizes(self.where, self.spec, "shape", 3, 1)
        return channels, height, width

    def field(self, key: str, kind: type) -> Any:
        """One value of the entry, checked for its type."""
        return field(self.where, self.spec, key, kind)

    def size(self, key: str) -> int:
        """One positive value of the entry."""
        return size(self.where, self.spec, key)

    def array(self, name: str, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
        return self.take(f"{self.place}.{name}", dtype, shape)

    def flags(self, name: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """An array of 0 and 1."""
        array = self.array(name, "|u1", shape)
        if (array > 1).any():
            raise FileError(f"array {f'{self.place}.{name}'!r} must be of 0 and 1")
        return array.astype(np.bool_)

    def window(self) -> Window:
        entry = self.field("window", dict)
        ends = [size(self.where, entry, key) for key in ("channels", "height", "width")]
        lists = {key: sizes(self.where, entry, key, n, int(key != "padding")) for key, n in _WINDOW_LISTS.items()}
        try:
            return Window(*ends, **lists)  # type: ignore[arg-type]
        except NetworkError as error:
            raise self.error(str(error)) from None

    def activation(self, neurons: int) -> Activation | None:
        """The activation, which may be none."""
        spec = self.spec.get("activation")
        return None if spec is None else read_activation(self.where, spec, self.take, self.place, neurons)

    def steps(self, neurons: int) -> tuple[Step, ...]:
        """Floating-point steps; version 1 had a batch norm or null in their place."""
        if self.spec.get("norm") is not None:
            return (read_step(self.where, "batch_norm", self.field("norm", dict), self.take, self.place, neurons),)
        return read_steps(self.where, self.spec.get("steps", []), self.take, self.place, neurons)

    def layers(self, branch: str) -> tuple[Any, ...]:
        """The layers of a branch, which the layer that has it checks."""
        entries = self.field(branch, list)
        return _read(entries, f"{self.place}.{branch}.", self.take, self.numbers, self.depth + 1)
