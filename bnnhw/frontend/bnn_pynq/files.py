"""The files of a BNN-PYNQ parameter folder: what is there, of which sizes, and which shapes that means.

The format, and what the files do not say, are in :mod:`bnnhw.frontend.bnn_pynq.folder`. Nothing is read here: sizes are
checked first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bnnhw.errors import FileError, RequestError, UnsupportedError

__all__ = ["CNV_ROWS", "NETWORKS", "LayerFiles", "Topology", "is_cnv", "layer_files", "list_files", "resolve"]

WORD = 64
"""Bits of a word of the original host, and most lanes of an element."""

MAX_FILE = 1 << 24
"""Largest file read, bytes: 400 times the largest published one."""

MAX_FILES = 1 << 14
"""Most entries a folder may have; LFC has 289."""

MAX_TOTAL = 1 << 29
"""Most bytes of all files: as much as any other model may have."""

CNV_ROWS = (64, 64, 128, 128, 256, 256, 512, 512, 64)
"""Rows of every layer of CNV, whose last has no thresholds."""


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


NETWORKS: dict[tuple[int, ...], tuple[str, Topology]] = {
    (1024, 1024, 1024, 64): ("LFC", Topology((784, 1024, 1024, 1024, 10)))
}
"""The published networks that are fully connected: rows of every layer -> name and topology."""


@dataclass(frozen=True)
class LayerFiles:
    """One layer, its sizes checked.

    Parameters
    ----------
    number : int
    weights, thresholds : tuple of Path
        One of each per element; no thresholds of the last layer of CNV.
    neuron_folds, synapse_folds : int
    """

    number: int
    weights: tuple[Path, ...]
    thresholds: tuple[Path, ...]
    neuron_folds: int
    synapse_folds: int

    @property
    def rows(self) -> int:
        return len(self.weights) * self.neuron_folds


def list_files(folder: Path) -> dict[str, int]:
    """Names and sizes of the ``.bin`` files, and of classes.txt."""
    found: dict[str, int] = {}
    for count, path in enumerate(folder.iterdir()):
        if count == MAX_FILES:
            raise FileError(f"a parameter folder must have at most {MAX_FILES} files")
        if path.suffix != ".bin" and path.name != "classes.txt":
            continue
        if not path.is_file():
            raise FileError(f"{path.name} must be a file")
        if not re.fullmatch(r"(0|[1-9]\d{0,4})-(0|[1-9]\d{0,4})-(weights|thres)\.bin|classes\.txt", path.name):
            raise FileError(f"{path.name} must be named LAYER-PE-weights.bin or LAYER-PE-thres.bin")
        size = path.stat().st_size
        if size > MAX_FILE:
            raise FileError(f"{path.name} must have at most {MAX_FILE} bytes, not {size}")
        found[path.name] = size
    if sum(found.values()) > MAX_TOTAL:
        raise FileError(f"a parameter folder must have at most {MAX_TOTAL} bytes, not {sum(found.values())}")
    return found


def _one_size(sizes: dict[str, int], names: list[str]) -> int:
    """The words of each of some files that must have the same number of them."""
    words, rest = divmod(sizes[names[0]], 8)
    for name in names:
        if rest or not words:
            raise FileError(f"{name} must have whole 8-byte words, not {sizes[name]} bytes")
        if sizes[name] != 8 * words:
            raise FileError(f"{name} must have {8 * words} bytes like {names[0]}, not {sizes[name]}")
    return words


def is_cnv(layers: list[LayerFiles]) -> bool:
    """Whether the layers are those of CNV: by depth and a last layer without thresholds."""
    return not layers[-1].thresholds


def _layer(folder: Path, sizes: dict[str, int], number: int, elements: int, rows: int | None) -> LayerFiles:
    """One layer; ``rows`` is given of a layer without thresholds."""
    kinds = ("weights", "thres") if rows is None else ("weights",)
    names = [[f"{number}-{p}-{kind}.bin" for p in range(elements)] for kind in kinds]
    for name in (name for same in zip(*names, strict=True) for name in same):
        if name not in sizes:
            raise FileError(f"{name} is missing")
    words = _one_size(sizes, names[0])
    paths = [tuple(folder / name for name in same) for same in names]
    if rows is None:
        folds = _one_size(sizes, names[1])
        if words % folds:
            raise FileError(
                f"layer {number}: {words} words of weights must be a multiple of {folds} thresholds per element"
            )
        return LayerFiles(number, paths[0], paths[1], folds, words // folds)
    folds, rest = divmod(rows, elements)
    if rest or words % folds:
        raise FileError(
            f"layer {number}: {elements} elements of {words} words must hold {rows} rows, the same number each"
        )
    return LayerFiles(number, paths[0], (), folds, words // folds)


def layer_files(folder: Path, sizes: dict[str, int]) -> list[LayerFiles]:
    """The layers a folder has files of; refuses gaps, leftovers and sizes that do not agree.

    A network as deep as CNV whose last layer has no thresholds at all is CNV, or refused.
    """
    last: dict[int, int] = {}
    for name in sizes:
        if name.endswith(".bin"):
            layer, element = map(int, name.split("-")[:2])
            last[layer] = max(element, last.get(layer, 0))
    if not last:
        raise FileError("must hold a BNN-PYNQ network (0-0-weights.bin, 0-0-thres.bin, ...), and has no such file")
    depth = max(last) + 1
    cnv = depth == len(CNV_ROWS) and not any(name.startswith(f"{depth - 1}-") and "thres" in name for name in sizes)
    layers = [
        _layer(folder, sizes, n, last.get(n, 0) + 1, CNV_ROWS[n] if cnv and n == depth - 1 else None)
        for n in range(depth)
    ]
    if cnv:
        for layer, rows in zip(layers, CNV_ROWS, strict=True):
            if layer.rows != rows:
                raise FileError(f"layer {layer.number}: CNV must have {rows} rows here, not {layer.rows}")
    return layers


def resolve(layers: list[LayerFiles], classes: int | None, topology: Topology | None) -> tuple[Topology, list[int]]:
    """The topology, and the columns of every layer, padding included."""
    rows = tuple(layer.rows for layer in layers)
    if topology is None:
        if rows not in NETWORKS:
            known = ", ".join(f"{name} {known}" for name, known in NETWORKS.values())
            raise UnsupportedError(
                f"layers of {', '.join(map(str, rows))} rows are of no network known ({known}): say --topology "
                "INPUTS-...-CLASSES"
            )
        topology = NETWORKS[rows][1]
        if classes is not None:
            topology = Topology((*topology.sizes[:-1], classes))
    elif len(topology.sizes) != len(layers) + 1:
        raise RequestError(f"topology {topology} must have {len(layers)} layers, not {len(topology.sizes) - 1}")
    inputs, *neurons = topology.sizes
    for layer, wanted in zip(layers[:-1], neurons[:-1], strict=True):
        if layer.rows != wanted:
            raise RequestError(
                f"topology {topology}: layer {layer.number} must have {layer.rows} neurons, not {wanted}"
            )
    if neurons[-1] > rows[-1]:
        raise RequestError(f"topology {topology}: classes must be at most the {rows[-1]} rows of the last layer")
    if classes not in (None, neurons[-1]):
        raise RequestError(f"topology {topology}: classes must be the {classes} of classes.txt, not {neurons[-1]}")
    columns = [-(-inputs // WORD) * WORD, *rows[:-1]]
    for layer, width in zip(layers, columns, strict=True):
        simd, rest = divmod(width, layer.synapse_folds)
        if rest or not 1 <= simd <= WORD:
            raise FileError(
                f"layer {layer.number}: {layer.synapse_folds} words per neuron must divide its {width} inputs "
                f"into words of at most {WORD} bits"
            )
    return topology, columns
