"""From the arrays of a file to a network: tables layer by layer, and the sums of what the last of them gives.

The layout is that of docs/models.md. What is wrong is named by its array.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError, UnsupportedError
from bnnhw.frontend.formats import ImportedModel, Source
from bnnhw.frontend.onnx.planes import weight_planes
from bnnhw.frontend.tables import MARK
from bnnhw.frontend.tables.arrays import Arrays
from bnnhw.frontend.tables.samples import Samples, read_samples
from bnnhw.ir import DataType, Dense, Lookup, Network, Output
from bnnhw.ir.layers.lookup import MAX_ADDRESS
from bnnhw.ir.types import MAX_PLANES

__all__ = ["read_network"]

VERSION = 1
"""Of the layout."""

_MAX_CLASSES = 1 << 16

_MAX_OFFSET = 1 << 24
"""Greatest number added to a score: above the sum of any network that fits an FPGA."""


def read_network(source: Source, format: str) -> ImportedModel:  # noqa: A002 (the word of ImportedModel)
    """Read a file of the layout.

    Raises
    ------
    FileError
        It is damaged, or an array is missing, out of place, of another type, shape or range.
    UnsupportedError
        A table reads more bits than a layer of tables may.
    """
    arrays = Arrays(source.data or b"")
    version = arrays.number(MARK, 1, (1 << 31) - 1)
    if version != VERSION:
        raise FileError(f"array {MARK!r}: the layout must be version {VERSION}, not {version}: write that one")
    samples = read_samples(arrays)
    layers = _layers(arrays, samples)
    sums, output = _classes(arrays, layers[-1])
    names = _names(arrays, output.labels)
    arrays.finish(sum(layer.name.startswith("layer") for layer in layers))
    provenance = {
        "format": format,
        "source": source.path.name,
        "source_sha256": hashlib.sha256(source.data or b"").hexdigest(),
        **({"classes": json.dumps(names)} if names else {}),
    }
    return ImportedModel(Network(samples.spec, (*layers, sums, output), provenance), format)


def _layers(arrays: Arrays, samples: Samples) -> list[Lookup]:
    layers: list[Lookup] = []
    number = 0
    while not layers or any(f"layer{number}.{part}" in arrays for part in ("sources", "tables")):
        name = f"layer{number}"
        if number == 0:
            bits, inputs, words = samples.bits, samples.sources, samples.words
        else:
            bits, inputs = layers[-1].output.bits, layers[-1].neurons
            words = f"the neurons of layer{number - 1}"
        sources, tables, emits = _tables(arrays, name, bits, inputs, words)
        if number == 0:
            layers += samples.layers(name, sources, tables, emits)
        else:
            layers.append(Lookup(name, inputs, layers[-1].output, sources, tables, emits))
        number += 1
    return layers


def _tables(
    arrays: Arrays, name: str, bits: int, inputs: int, words: str
) -> tuple[NDArray[np.int32], NDArray[np.uint8], DataType]:
    """Sources, tables and the type of what a layer emits.

    Parameters
    ----------
    arrays : Arrays
    name : str
        ``"layer0"`` and so on.
    bits, inputs : int
        Of what it reads: bits of each, and how many there are.
    words : str
        What these are.
    """
    sources = arrays.integers(f"{name}.sources", "(neurons, inputs of each)", 2)
    tables = arrays.integers(f"{name}.tables", "(neurons, entries)", 2)
    emits = DataType("uint", arrays.number(f"{name}.bits", 1, MAX_PLANES, 1))
    neurons, fan_in = sources.shape
    if fan_in * bits > MAX_ADDRESS:
        each = "bits" if bits == 1 else f"elements of {bits} bits"
        raise UnsupportedError(
            f"array '{name}.sources': a table must read at most {MAX_ADDRESS} bits, not {fan_in} {each}: train with "
            "fewer inputs per neuron, or fewer bits"
        )
    if tables.shape != (neurons, 1 << (fan_in * bits)):
        raise FileError(
            f"array '{name}.tables' must be ({neurons}, {1 << (fan_in * bits)}), a row for each row of "
            f"'{name}.sources' and an entry for each of 2 ** {fan_in * bits} addresses, not {tables.shape}"
        )
    _in_range(f"{name}.sources", sources, 0, inputs - 1, f", {words}")
    if tables.max() >= emits.levels:
        more = f": of neurons that emit more bits, array '{name}.bits' says how many" if emits.bits == 1 else ""
        _in_range(f"{name}.tables", tables, 0, emits.levels - 1, "", more)
    _in_range(f"{name}.tables", tables, 0, emits.levels - 1)
    return sources.astype(np.int32), tables.astype(np.uint8), emits


def _in_range(name: str, array: NDArray[np.integer], low: int, high: int, words: str = "", cure: str = "") -> None:
    wrong = np.argwhere((array < low) | (array > high))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        where = f"neuron {place[0]}" if array.ndim == 2 else f"place {place[0]}"
        raise FileError(f"array {name!r} must be in {low}..{high}{words}, not {array[place]} as of {where}{cure}")


def _classes(arrays: Arrays, last: Lookup) -> tuple[Dense, Output]:
    """The sums of the last neurons, class by class, and the scores that they are."""
    classes = arrays.number("classes", 1, _MAX_CLASSES)
    neurons = last.neurons
    if "groups" in arrays:
        groups = arrays.integers("groups", "(neurons,)", 1)
        if len(groups) != neurons:
            raise FileError(
                f"array 'groups' must have a class for each of the {neurons} neurons of {last.name}, not {len(groups)}"
            )
        _in_range("groups", groups, 0, classes - 1, ", one of 'classes'")
        empty = np.flatnonzero(np.bincount(groups.astype(np.int64), minlength=classes) == 0)
        if len(empty):
            raise FileError(f"array 'groups' must give every class a neuron, and class {empty[0]} has none")
    elif neurons % classes:
        raise FileError(
            f"array 'classes': the {neurons} neurons of {last.name} can't be divided into {classes} equal groups: give "
            "array 'groups', the class of each neuron"
        )
    else:
        groups = np.arange(neurons) // (neurons // classes)
    members = groups == np.arange(classes)[:, None]
    planes, unit = weight_planes(members.astype(np.int64))
    sums = Dense("sums", last.output, planes, None)
    # A weight of 0 is two planes of opposite signs: their matches are the greatest value of an element, whatever it is.
    constant = (~members).sum(axis=1) * last.output.maximum
    return sums, Output("output", np.ones(classes, np.int64), _offsets(arrays, classes) * int(1 / unit) - constant)


def _offsets(arrays: Arrays, classes: int) -> NDArray[np.int64]:
    """What is added to the sums."""
    if "offsets" not in arrays:
        if classes == 1:
            raise FileError(
                "array 'offsets' is missing: one class decides by the sign of its sum, so give the number below which "
                "it is class 0, negated"
            )
        return np.zeros(classes, np.int64)
    offsets = arrays.integers("offsets", "(classes,)", 1)
    if len(offsets) != classes:
        raise FileError(f"array 'offsets' must have one number per class ({classes}), not {len(offsets)}")
    _in_range("offsets", offsets, -_MAX_OFFSET, _MAX_OFFSET)
    return offsets.astype(np.int64)


def _names(arrays: Arrays, labels: int) -> list[str]:
    """The names of classes, if the file has them."""
    if "class_names" not in arrays:
        return []
    text = arrays.integers("class_names", "(bytes of UTF-8,)", 1)
    _in_range("class_names", text, 0, 255)
    try:
        names = text.astype(np.uint8).tobytes().decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise FileError(
            "array 'class_names' must be UTF-8: numpy.frombuffer('\\n'.join(names).encode(), 'uint8')"
        ) from None
    if len(names) != labels or len(set(names)) != labels or not all(name.isprintable() and name for name in names):
        raise FileError(f"array 'class_names' must have {labels} different lines, one per class, not {names!r:.100}")
    return names
