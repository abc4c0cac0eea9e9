"""Which network a BNN-PYNQ parameter folder holds: its rows and columns, and its kind, from the sizes of its files.

What the files do not say, and how it is found, is in :mod:`bnnhw.frontend.bnn_pynq.folder`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bnnhw.errors import FileError, RequestError, UnsupportedError
from bnnhw.frontend.bnn_pynq.files import LayerFiles

__all__ = ["CNV_ROWS", "LFC", "WORD", "Shape", "Topology", "is_cnv", "per_neuron", "resolve", "shape_of"]

WORD = 64
"""Bits of a word of the original host."""

MAX_WEIGHTS = 1 << 26
"""Most weights of a layer; the largest published one has 1,048,576."""


@dataclass(frozen=True)
class Topology:
    """Inputs and neurons of every layer, unpadded.

    Parameters
    ----------
    sizes : tuple of int
        ``(inputs, hidden..., classes)``.
    """

    sizes: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Topology:
        """From ``784-1024-1024-1024-10``."""
        if not re.fullmatch(r"[1-9][0-9]{0,5}(-[1-9][0-9]{0,5})+", text):
            raise RequestError(
                f"topology must be sizes joined by '-', inputs first (784-1024-1024-1024-10), not {text!r:.60}"
            )
        return cls(tuple(map(int, text.split("-"))))

    def __str__(self) -> str:
        return "-".join(map(str, self.sizes))

    @property
    def hidden(self) -> tuple[int, ...]:
        return self.sizes[1:-1]


LFC = Topology((784, 1024, 1024, 1024, 10))
"""The published network that is fully connected; its classes are those of classes.txt, where there is one."""

CNV_ROWS = (64, 64, 128, 128, 256, 256, 512, 512)
"""Rows of every layer of CNV but the last."""


@dataclass(frozen=True)
class Shape:
    """What a layer's files hold.

    Parameters
    ----------
    rows, columns : int
        Padding included.
    simd : int
        Weights of a word.
    thresholds : int
        Of a neuron; 0 without.
    """

    rows: int
    columns: int
    simd: int
    thresholds: int


def per_neuron(layers: Sequence[LayerFiles], rows: Sequence[int]) -> int | None:
    """How many thresholds every neuron of some layers has, one or two; None if the files hold other numbers."""
    for number in (1, 2):
        if all(layer.total == number * count for layer, count in zip(layers, rows, strict=True)):
            return number
    return None


def is_cnv(layers: Sequence[LayerFiles]) -> bool:
    """Whether the layers are meant to be those of CNV: by their number, and their rows or a last layer that is bare."""
    if len(layers) != len(CNV_ROWS) + 1:
        return False
    return not layers[-1].thresholds or per_neuron(layers[:-1], CNV_ROWS) is not None


def shape_of(layer: LayerFiles, rows: int, columns: int, thresholds: int) -> Shape:
    """A layer's shape, if its words hold it.

    Raises
    ------
    FileError
        They can't: not the same number in every element, neuron or word.
    """
    number, words = layer.number, layer.words
    neurons, rest = divmod(rows, layer.elements)
    if rest or words % neurons:
        raise FileError(
            f"layer {number}: {layer.elements} elements of {words} words must hold {rows} neurons, the same number each"
        )
    folds = words // neurons
    simd, rest = divmod(columns, folds)
    if rest or not 1 <= simd <= WORD:
        raise FileError(
            f"layer {number}: {folds} words per neuron must divide its {columns} inputs into words of at most "
            f"{WORD} bits"
        )
    if rows * columns > MAX_WEIGHTS:
        raise UnsupportedError(f"layer {number}: must have at most {MAX_WEIGHTS} weights, not {rows} x {columns}")
    return Shape(rows, columns, simd, thresholds)


def _recognise(layers: Sequence[LayerFiles], classes: int | None) -> Topology:
    if len(layers) == len(LFC.hidden) + 1 and per_neuron(layers[:-1], LFC.hidden) is not None:
        return LFC if classes is None else Topology((*LFC.sizes[:-1], classes))
    counts = ", ".join(str(layer.total) for layer in layers)
    raise UnsupportedError(
        f"layers of {counts} thresholds are of no network known (LFC {LFC}, and CNV): say --topology INPUTS-...-CLASSES"
    )


def resolve(
    layers: Sequence[LayerFiles], classes: int | None, topology: Topology | None
) -> tuple[Topology, list[Shape]]:
    """The topology of a fully connected network, and the shape of every layer.

    Parameters
    ----------
    layers : sequence of LayerFiles
    classes : int, optional
        Lines of classes.txt.
    topology : Topology, optional
        As the user states it.

    Raises
    ------
    FileError
        Words that can't hold such layers.
    UnsupportedError
        No known network, and no topology.
    RequestError
        A topology that is not that of the files.
    """
    if classes is not None and layers[-1].total < classes:
        raise FileError(
            f"classes.txt must have at most {layers[-1].total} classes, the last layer's rows, not {classes}"
        )
    if topology is None:
        topology = _recognise(layers, classes)
    elif len(topology.sizes) != len(layers) + 1:
        raise RequestError(f"topology {topology} must have {len(layers)} layers, not {len(topology.sizes) - 1}")
    thresholds = per_neuron(layers[:-1], topology.hidden)
    if thresholds is None:
        for layer, wanted in zip(layers, topology.hidden, strict=False):
            if layer.total not in (wanted, 2 * wanted):
                raise RequestError(
                    f"topology {topology}: layer {layer.number} must have one or two thresholds for each of its "
                    f"{wanted} neurons, not {layer.total}"
                )
        raise FileError("every layer but the last must have the same number of thresholds per neuron, one or two")
    rows = [*topology.hidden, layers[-1].total]
    neurons = topology.sizes[-1]
    if neurons > rows[-1]:
        raise RequestError(f"topology {topology}: classes must be at most the {rows[-1]} rows of the last layer")
    if classes not in (None, neurons):
        raise RequestError(f"topology {topology}: classes must be the {classes} of classes.txt, not {neurons}")
    columns = [-(-topology.sizes[0] // WORD) * WORD, *rows[:-1]]
    return topology, [
        shape_of(layer, *sizes, 1 if layer is layers[-1] else thresholds)
        for layer, sizes in zip(layers, zip(rows, columns, strict=True), strict=True)
    ]
