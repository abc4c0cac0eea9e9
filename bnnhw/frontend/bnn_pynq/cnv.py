"""CNV in a BNN-PYNQ parameter folder: the published convolutional network for images of 32 x 32 pixels, in colour.

The files have the format of :mod:`bnnhw.frontend.bnn_pynq.folder`; what no file says is this. Layers 0 to 5 are
convolutions of 3 x 3, stride 1, without padding, a row's columns over (kernel y, kernel x, input channel), channel
fastest; layers 1 and 3 are followed by a maximum over 2 x 2 elements, which is OR of bits; layers 6 to 8 are fully
connected. The overlays have no thresholds in the last of them and send its sums. Of its rows the first so many are
classes. There are 64 of them, or, as in the folder of house numbers, no more than fill the elements; that folder has
thresholds for them too, which no overlay loads.

Exactness
---------
A pixel ``v`` of 0..255 enters as 8-bit fixed point, ``q = clip(floor((v / 255 * 2 - 1) * 128 + 1/2), -128, 127)`` in
units of 1/128. It is at least ``k - 128`` iff ``v >= (2 k - 1) * 255 / 512``, for k in 1..255; these thresholds are
exact in float64. Those of layer 0 are in units of 1/256: a neuron fires iff ``2 * dot > T``, dot in units of 1/128,
hence iff ``dot >= floor(T / 2) + 1``. Everywhere else a neuron fires iff its matches ``p > T``, or, where activations
have three values, iff its dot product does.
"""

from __future__ import annotations

import hashlib

import numpy as np

from bnnhw.errors import FileError
from bnnhw.frontend.bnn_pynq.files import LayerFiles
from bnnhw.frontend.bnn_pynq.layers import CLIP, activation, product, scores, with_bounds
from bnnhw.frontend.bnn_pynq.matrix import LayerWords, read_words, weight_bits
from bnnhw.frontend.bnn_pynq.topology import CNV_ROWS, WORD, Shape, per_neuron, shape_of
from bnnhw.ir import Conv2d, DataType, InputSpec, Layer, MaxPool, Network, Window
from bnnhw.ir.arithmetic import dot_output

__all__ = ["INPUT", "convert_cnv"]

INPUT = InputSpec((3, 32, 32), DataType("int", 8), tuple((2 * k - 1) * 255 / 512 for k in range(1, 256)))
"""Pixels of 0..255 as fixed point (formula: the module's docstring)."""

KERNEL = 3
POOLED = (1, 3)
"""Layers in front of a maximum over 2 x 2."""

COLUMNS = (27, 576, 576, 1152, 1152, 2304, 256, 512, 512)
"""Of every layer: those of the kernel for the first six."""

CONVOLUTIONS = 6


def _hidden(layers: list[LayerFiles]) -> list[Shape]:
    """The shapes of all layers but the last."""
    number = per_neuron(layers[:-1], CNV_ROWS)
    if number is None:
        # The first layer says which kind was meant.
        number = 2 if layers[0].total == 2 * CNV_ROWS[0] else 1
        for layer, rows in zip(layers, CNV_ROWS, strict=False):
            if layer.total != number * rows:
                raise FileError(
                    f"layer {layer.number}: CNV must have {number * rows} thresholds here, {number} of each of "
                    f"{rows} neurons, not {layer.total}"
                )
        raise AssertionError
    return [shape_of(*each, number) for each in zip(layers[:-1], CNV_ROWS, COLUMNS[:-1], strict=True)]


def _last(layer: LayerFiles, read: LayerWords, classes: int, bits: int) -> Shape:
    """The shape of the last layer: as many rows as it has thresholds, or, without, as its words hold."""
    columns = COLUMNS[-1]
    if layer.thresholds:
        rows = layer.total
        if rows < classes:
            raise FileError(f"layer {layer.number}: {rows} neurons must be enough for {classes} classes")
        return shape_of(layer, rows, columns, 1)
    held = layer.elements * layer.words
    # Padded to words of the host, or to no more than fills the elements. Several weights of a word show: all its lanes
    # are in use.
    for pad in (WORD, layer.elements):
        rows = -(-classes // pad) * pad
        simd, rest = divmod(rows * columns, held)
        whole = not rest and rows % layer.elements == 0 and simd >= 1 and columns % simd == 0
        if whole and (simd == 1 or read.above((simd - 1) * bits)):
            return Shape(rows, columns, simd, 0)
    raise FileError(
        f"layer {layer.number}: {layer.elements} elements of {layer.words} words must hold {classes} classes of "
        f"{columns} inputs, padded to {WORD} or to {layer.elements}"
    )


def convert_cnv(layers: list[LayerFiles], names: list[str] | None) -> tuple[Network, list[str]]:
    """The network of CNV's files, and what to warn of.

    Parameters
    ----------
    layers : list of LayerFiles
        Nine.
    names : list of str, optional
        Of the classes; 10 without.

    Raises
    ------
    FileError
        The files are not those of CNV.
    """
    classes = 10 if names is None else len(names)
    shapes = _hidden(layers)
    digest = hashlib.sha256()
    read = [read_words(layer, digest.update) for layer in layers]
    bits = weight_bits(read, shapes)
    kind = shapes[0].thresholds
    found: list[Layer] = []
    (channels, height, width), dtype = INPUT.shape, INPUT.dtype
    for number, (words, shape) in enumerate(zip(read, shapes, strict=False)):
        name = f"conv{number}" if number < CONVOLUTIONS else f"dense{number}"
        thresholds = words.thresholds(shape).clip(-CLIP, CLIP)
        if number == 0:
            bounds = thresholds // 2 + 1
        else:
            bounds = 2 * (thresholds + 1) - shape.columns if kind == 1 else thresholds + 1
        dense = with_bounds(product(name, dtype, words.weights(shape, bits)), bounds)
        dtype = activation(kind)
        if number >= CONVOLUTIONS:
            found.append(dense)
            continue
        window = Window(channels, height, width, (KERNEL, KERNEL))
        found.append(Conv2d(window, dense))
        channels, height, width = shape.rows, window.out_height, window.out_width
        if number in POOLED:
            window = Window(channels, height, width, (2, 2), (2, 2))
            found.append(MaxPool(f"pool{number}", window, dtype, np.zeros(channels, np.bool_)))
            height, width = window.out_height, window.out_width
    shape = _last(layers[-1], read[-1], classes, bits)
    last = product(f"dense{layers[-1].number}", dtype, read[-1].weights(shape, bits)[:classes])
    # There are no thresholds: a single neuron decides by the sign of its dot product.
    output = scores(last, np.zeros(classes, np.int64), matches=kind == 1) if classes > 1 else dot_output("output", last)
    network = Network(INPUT, (*found, last, output), {"source_sha256": digest.hexdigest(), "topology": "CNV"})
    warnings = []
    if layers[-1].thresholds:
        warnings.append(
            f"thresholds of layer {layers[-1].number} are left out, as CNV's overlays do: the class is that of the "
            "greatest sum"
        )
    return network, warnings
