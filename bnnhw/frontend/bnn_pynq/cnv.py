"""CNV in a BNN-PYNQ parameter folder: the published convolutional network for images of 32 x 32 pixels, in colour.

The files have the format of :mod:`bnnhw.frontend.bnn_pynq.folder`; what no file says is this. Layers 0 to 5 are
convolutions of 3 x 3, stride 1, without padding, a row's columns over (kernel y, kernel x, input channel), channel
fastest; layers 1 and 3 are followed by a maximum over 2 x 2 bits, that is by OR; layers 6 to 8 are fully connected, the
last of them without thresholds. Of its 64 rows the first so many are classes.

Exactness
---------
A pixel ``v`` of 0..255 enters as 8-bit fixed point, ``q = clip(floor((v / 255 * 2 - 1) * 128 + 1/2), -128, 127)`` in
units of 1/128. It is at least ``k - 128`` iff ``v >= (2 k - 1) * 255 / 512``, for k in 1..255; these thresholds are
exact in float64. Those of layer 0 are in units of 1/256: a neuron fires iff ``2 * dot > T``, dot in units of 1/128,
hence iff ``dot >= floor(T / 2) + 1``, and with ``dot = acc + constant`` (:mod:`bnnhw.ir.arithmetic`) iff
``acc >= floor(T / 2) + 1 - constant``. Everywhere else a neuron fires iff its matches ``p > T``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError
from bnnhw.frontend.bnn_pynq.files import CNV_ROWS, WORD, LayerFiles
from bnnhw.frontend.bnn_pynq.matrix import read_matrix
from bnnhw.ir import (
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    Layer,
    MaxPool,
    Network,
    Output,
    Thresholds,
    WeightPlane,
    Window,
    dot_affine,
)

__all__ = ["INPUT", "convert_cnv"]

_BIPOLAR = DataType("bipolar", 1)

INPUT = InputSpec((3, 32, 32), DataType("int", 8), tuple((2 * k - 1) * 255 / 512 for k in range(1, 256)))
"""Pixels of 0..255 as fixed point (formula: the module's docstring)."""

KERNEL = 3
CONVOLUTIONS = 6
POOLED = (1, 3)
"""Layers in front of a maximum over 2 x 2."""


def _dense(name: str, dtype: DataType, bits: NDArray[np.uint8], thresholds: NDArray[np.int64] | None) -> Dense:
    """A layer; ``thresholds`` in the files' sense."""
    layer = Dense(name, dtype, (WeightPlane(1, BitMatrix.from_bits(bits)),), None)
    if thresholds is None:
        return layer
    # Clipped before anything is added: any int64 may stand in a file. Fixed point stays below 2**16 a synapse.
    values = thresholds.clip(-(1 << 40), 1 << 40)
    values = values + 1 if dtype == _BIPOLAR else values // 2 + 1 - dot_affine(layer).constants
    low, high = layer.accumulator_range
    return Dense(name, dtype, layer.weights, Thresholds(values.clip(low, high + 1)[:, None], _BIPOLAR))


def _read(
    layer: LayerFiles, columns: int, update: Callable[[bytes], None]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    simd, rest = divmod(columns, layer.synapse_folds)
    if rest or not 1 <= simd <= WORD:
        raise FileError(
            f"layer {layer.number}: {layer.synapse_folds} words per neuron must divide its {columns} inputs "
            f"into words of at most {WORD} bits"
        )
    return read_matrix(layer, columns, update)


def convert_cnv(layers: list[LayerFiles], names: list[str] | None) -> Network:
    """The network of CNV's files.

    Parameters
    ----------
    layers : list of LayerFiles
        Nine, of :data:`~bnnhw.frontend.bnn_pynq.files.CNV_ROWS` rows.
    names : list of str, optional
        Of the classes; 10 without.

    Raises
    ------
    FileError
        The files are not those of CNV.
    """
    classes = 10 if names is None else len(names)
    if classes > CNV_ROWS[-1]:
        raise FileError(f"classes.txt must have at most {CNV_ROWS[-1]} classes, not {classes}")
    digest = hashlib.sha256()
    found: list[Layer] = []
    (channels, height, width), dtype = INPUT.shape, INPUT.dtype
    for layer in layers[:-1]:
        number = layer.number
        if number < CONVOLUTIONS:
            window = Window(channels, height, width, (KERNEL, KERNEL))
            bits, thresholds = _read(layer, window.area * channels, digest.update)
            found.append(Conv2d(window, _dense(f"conv{number}", dtype, bits, thresholds)))
            channels, height, width = layer.rows, window.out_height, window.out_width
            if number in POOLED:
                window = Window(channels, height, width, (2, 2), (2, 2))
                found.append(MaxPool(f"pool{number}", window, _BIPOLAR, np.zeros(channels, np.bool_)))
                height, width = window.out_height, window.out_width
        else:
            bits, thresholds = _read(layer, channels * height * width, digest.update)
            found.append(_dense(f"dense{number}", dtype, bits, thresholds))
            channels, height, width = layer.rows, 1, 1
        dtype = _BIPOLAR
    bits, _ = _read(layers[-1], channels, digest.update)
    found.append(_dense(f"dense{layers[-1].number}", dtype, bits[:classes], None))
    provenance = {"source_sha256": digest.hexdigest(), "topology": "CNV"}
    return Network(INPUT, (*found, Output.plain("output", classes)), provenance)
