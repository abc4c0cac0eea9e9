"""What the files of a BNN-PYNQ parameter folder hold (format: :mod:`bnnhw.frontend.bnn_pynq.folder`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError
from bnnhw.frontend.bnn_pynq.files import LayerFiles
from bnnhw.frontend.bnn_pynq.topology import WORD, Shape

__all__ = ["LayerWords", "read_words", "weight_bits"]

LOW_BITS = 0x5555_5555_5555_5555
"""The lower bit of each pair."""


def _read(path: Path, dtype: str, words: int, update: Callable[[bytes], None]) -> NDArray[np.generic]:
    data = path.read_bytes()
    # It was measured before; another program may have written to it since.
    if len(data) != 8 * words:
        raise FileError(f"{path.name} must have {8 * words} bytes, not {len(data)}")
    update(data)
    return np.frombuffer(data, dtype)


@dataclass(frozen=True, eq=False)
class LayerWords:
    """A layer's files, read.

    Parameters
    ----------
    files : LayerFiles
    words : tuple of uint64 array
        Of each element's weights.
    values : tuple of int64 array
        Of each element's thresholds; empty without.
    """

    files: LayerFiles
    words: tuple[NDArray[np.uint64], ...]
    values: tuple[NDArray[np.int64], ...]

    def above(self, bits: int) -> str | None:
        """The first weights file whose words have a bit at place ``bits`` or above it, by name."""
        for path, words in zip(self.files.weights, self.words, strict=True):
            if int(np.bitwise_or.reduce(words)) >> bits:
                return path.name
        return None

    def minus_two(self) -> str | None:
        """The first weights file that holds -2 where its weights have two bits, by name."""
        low = np.uint64(LOW_BITS)
        for path, words in zip(self.files.weights, self.words, strict=True):
            if ((words >> np.uint64(1)) & ~words & low).any():
                return path.name
        return None

    def weights(self, shape: Shape, bits: int) -> NDArray[np.int8]:
        """The weights, -1, 0 or +1: int8 (rows, columns).

        Parameters
        ----------
        shape : Shape
        bits : int
            Of a weight: 1 or 2 (:func:`weight_bits`).

        Raises
        ------
        FileError
            Words have bits above their weights.
        """
        pe, simd = self.files.elements, shape.simd
        name = self.above(simd * bits)
        if name is not None:
            raise FileError(f"{name}: words must have {simd * bits} bits, and have bits above them")
        weights = np.empty((shape.rows, shape.columns), np.int8)
        for element, words in enumerate(self.words):
            lanes = np.unpackbits(words.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")[:, : simd * bits]
            codes = lanes.reshape(-1, shape.columns, bits).astype(np.int8)
            weights[element::pe] = 2 * codes[:, :, 0] - 1 if bits == 1 else codes[:, :, 0] - 2 * codes[:, :, 1]
        return weights

    def thresholds(self, shape: Shape) -> NDArray[np.int64]:
        """The thresholds as the files have them: int64 (rows, per neuron)."""
        found = np.empty((shape.rows, shape.thresholds), np.int64)
        for element, values in enumerate(self.values):
            found[element :: self.files.elements] = values.reshape(-1, shape.thresholds)
        return found


def read_words(layer: LayerFiles, update: Callable[[bytes], None]) -> LayerWords:
    """Read the files of a layer.

    Parameters
    ----------
    layer : LayerFiles
    update : callable
        Told the bytes of each file, by element, weights before thresholds.

    Raises
    ------
    FileError
        A file has changed its size.
    """
    words: list[NDArray[np.uint64]] = []
    values: list[NDArray[np.int64]] = []
    for element, path in enumerate(layer.weights):
        words.append(_read(path, "<u8", layer.words, update).astype(np.uint64))
        if layer.thresholds:
            values.append(_read(layer.thresholds[element], "<i8", layer.values, update).astype(np.int64))
    return LayerWords(layer, tuple(words), tuple(values))


def weight_bits(layers: Sequence[LayerWords], shapes: Sequence[Shape]) -> int:
    """Bits of a weight: two where activations have three values and words have more bits than weights.

    Shapes may be fewer than layers: that of CNV's last is not known yet.

    No file says it. A -1 of two bits sets both, so that one weight of -1 in the upper half of any word shows it; words
    of binary weights have no bit there.

    Raises
    ------
    FileError
        Words have more bits than weights, and weights of two bits they are not either: one would be -2.
    """
    if shapes[0].thresholds != 2 or any(2 * shape.simd > WORD for shape in shapes):
        return 1
    wider = [(shape, name) for layer, shape in zip(layers, shapes, strict=False) if (name := layer.above(shape.simd))]
    if not wider:
        return 1
    for layer in layers:
        wrong = layer.minus_two()
        if wrong is not None:
            shape, name = wider[0]
            raise FileError(
                f"{name}: words must have {shape.simd} bits, and have bits above them; weights of two bits must be -1, "
                f"0 or +1, and {wrong} has -2"
            )
    return 2
