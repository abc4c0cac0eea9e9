"""The files of a BNN-PYNQ parameter folder: what is there, of which sizes.

The format is in :mod:`bnnhw.frontend.bnn_pynq.folder`; which shapes the sizes mean, in
:mod:`bnnhw.frontend.bnn_pynq.topology`. Nothing is read here: sizes are checked first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bnnhw.errors import FileError

__all__ = ["LayerFiles", "layer_files", "list_files"]

MAX_FILE = 1 << 24
"""Largest file read, bytes: 400 times the largest published one."""

MAX_FILES = 1 << 14
"""Most entries a folder may have; LFC has 289."""

MAX_TOTAL = 1 << 29
"""Most bytes of all files: as much as any other model may have."""


@dataclass(frozen=True)
class LayerFiles:
    """The files of one layer, each kind of one size.

    Parameters
    ----------
    number : int
    weights, thresholds : tuple of Path
        One of each per element; no thresholds of a last layer that emits its sums.
    words : int
        Of each weights file.
    values : int
        Of each thresholds file, 0 without.
    """

    number: int
    weights: tuple[Path, ...]
    thresholds: tuple[Path, ...]
    words: int
    values: int

    @property
    def elements(self) -> int:
        """PE."""
        return len(self.weights)

    @property
    def total(self) -> int:
        """Thresholds of all elements."""
        return self.elements * self.values


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


def _layer(folder: Path, sizes: dict[str, int], number: int, elements: int, bare: bool) -> LayerFiles:
    kinds = ("weights",) if bare else ("weights", "thres")
    names = [[f"{number}-{p}-{kind}.bin" for p in range(elements)] for kind in kinds]
    for name in (name for same in zip(*names, strict=True) for name in same):
        if name not in sizes:
            raise FileError(f"{name} is missing")
    counts = [_one_size(sizes, same) for same in names]
    paths = [tuple(folder / name for name in same) for same in names]
    return LayerFiles(number, paths[0], () if bare else paths[1], counts[0], 0 if bare else counts[1])


def layer_files(folder: Path, sizes: dict[str, int], bare: int) -> list[LayerFiles]:
    """The layers a folder has files of; refuses gaps, leftovers and sizes that do not agree.

    Parameters
    ----------
    folder : Path
    sizes : dict
        Of :func:`list_files`.
    bare : int
        The depth of networks whose last layer may have no thresholds at all.
    """
    last: dict[int, int] = {}
    for name in sizes:
        if name.endswith(".bin"):
            layer, element = map(int, name.split("-")[:2])
            last[layer] = max(element, last.get(layer, 0))
    if not last:
        raise FileError("must hold a BNN-PYNQ network (0-0-weights.bin, 0-0-thres.bin, ...), and has no such file")
    depth = max(last) + 1
    without = depth == bare and not any(name.startswith(f"{depth - 1}-") and "thres" in name for name in sizes)
    return [_layer(folder, sizes, n, last.get(n, 0) + 1, without and n == depth - 1) for n in range(depth)]
