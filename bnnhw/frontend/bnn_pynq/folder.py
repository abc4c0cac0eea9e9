"""Reader of BNN-PYNQ parameter folders: the ``.bin`` files that FINN's overlays for PYNQ boards load.

Format
------
One pair of files for each layer L and processing element P: ``L-P-weights.bin`` (little-endian uint64 words) and
``L-P-thres.bin`` (little-endian int64), and optionally ``classes.txt``, one name a line. With PE elements of SIMD
lanes, word ``nf * SF + sf`` of element P holds in its low SIMD bits, bit 0 first, the weights of neuron
``nf * PE + P`` for inputs ``sf * SIMD ..``; 1 stands for +1. A neuron fires iff its matches ``p > T``, strictly.

What the files do not say
-------------------------
PE is the number of files of a layer, NF the length of a thresholds file, SF the words of a weights file over NF. A
layer's columns are the rows of the one before it, hence SIMD = columns / SF. Of layer 0 they are the inputs padded to
whole 64-bit words, since that is how the host sends them; padded inputs are bits of 0 (FOLDEDMV_INPUT_PADCHAR). The
inputs themselves are in no file: they come from :data:`NETWORKS`, which knows the published networks by their rows,
or from an explicit topology. Classes are the lines of ``classes.txt``, or the topology's. A folder of nine layers
whose last has no thresholds is that of CNV (:mod:`bnnhw.frontend.bnn_pynq.cnv`); the rest of this text is about fully
connected networks.

Exactness
---------
A padded input matches the weights of 0, always: ``c`` of them add ``c`` to ``p``. Without the padding a neuron fires
iff ``p' >= T + 1 - c``, clamped to ``0 .. K + 1``, which changes nothing: ``p'`` lies in ``0 .. K``.

Decoding
--------
The last layer has thresholds too, and two readings of them are offered.

- ``argmax``: the class with the greatest ``p - T``; the lowest on a tie. It has one winner for every image.
- ``highest-bit``: the highest class whose bit is set, class 0 where none is, as the original host computes it
  (``log2`` of the output word, foldedmv-offload.cpp). It is a layer of its own: with weights ``2`` on the diagonal
  and ``0`` elsewhere, that is two planes of coefficient 1, the all-ones matrix and the one whose signs are +1 on the
  diagonal only, class ``i`` of ``C`` accumulates ``C - 1 + 2 b_i``, and the score is ``(i + 1) * 2 b_i``.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import FileError, RequestError, UnsupportedError
from bnnhw.frontend.bnn_pynq import DECODINGS
from bnnhw.frontend.bnn_pynq.cnv import convert_cnv
from bnnhw.frontend.bnn_pynq.files import NETWORKS, LayerFiles, Topology, is_cnv, layer_files, list_files, resolve
from bnnhw.frontend.bnn_pynq.matrix import read_matrix
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, Thresholds, WeightPlane

__all__ = ["NETWORKS", "read_folder"]

MAX_OUTPUT_THRESHOLD = 1 << 31
"""Bound of the last layer's thresholds, which are not clamped but subtracted: published ones fit 16 bits."""

WHITE = 127
"""A pixel above this is a bit of 1: the host scales pixels to -1 .. +1 and takes the sign."""

_BIPOLAR = DataType("bipolar", 1)


def _dense(name: str, bits: NDArray[np.uint8], thresholds: NDArray[np.int64] | None) -> Dense:
    """A layer; ``thresholds`` in the files' sense, a neuron fires iff ``p > T``."""
    activation = None
    if thresholds is not None:
        # Clipped before 1 is added: any int64 may stand in a file.
        activation = Thresholds(np.clip(thresholds, -1, bits.shape[1])[:, None] + 1, _BIPOLAR)
    return Dense(name, _BIPOLAR, (WeightPlane(1, BitMatrix.from_bits(bits)),), activation)


def _highest_bit(classes: int) -> tuple[Dense, Output]:
    """The layers that find the highest bit set (why they do: the module's docstring)."""
    planes = (np.ones((classes, classes), np.uint8), np.eye(classes, dtype=np.uint8))
    weights = tuple(WeightPlane(1, BitMatrix.from_bits(plane)) for plane in planes)
    multiplier = np.arange(1, classes + 1)
    return Dense("highest_bit", _BIPOLAR, weights, None), Output("output", multiplier, -(classes - 1) * multiplier)


def _last_thresholds(thresholds: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    for neuron, value in enumerate(thresholds.tolist()):
        if abs(value) > MAX_OUTPUT_THRESHOLD:
            raise UnsupportedError(
                f"layer {number}: the threshold of class {neuron} must be within {MAX_OUTPUT_THRESHOLD}, not {value}"
            )
    return thresholds


def _classes(folder: Path, sizes: dict[str, int]) -> list[str] | None:
    if "classes.txt" not in sizes:
        return None
    try:
        names = [line.strip() for line in (folder / "classes.txt").read_text("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise FileError("classes.txt must be UTF-8 text") from None
    if not names:
        raise FileError("classes.txt must have one class per line, and has none")
    return names


def _cnv(layers: list[LayerFiles], names: list[str] | None, topology: Topology | None, decode: str) -> Network:
    if topology is not None:
        raise RequestError(f"topology must be left out for CNV, whose layers are known, not {topology}")
    if decode != DECODINGS[0]:
        raise RequestError(
            f"decoding must be {DECODINGS[0]} for CNV, whose last layer has no output bits, not {decode!r}"
        )
    return convert_cnv(layers, names)


def _convert(folder: Path, topology: Topology | None, decode: str) -> Network:
    sizes = list_files(folder)
    layers = layer_files(folder, sizes)
    names = _classes(folder, sizes)
    provenance = {
        "format": "bnn-pynq",
        "source": folder.resolve().name,
        "decode": decode,
        **({} if names is None else {"classes": ", ".join(names)}),
    }
    if is_cnv(layers):
        network = _cnv(layers, names, topology, decode)
    else:
        network = _fully_connected(layers, names, topology, decode)
    return replace(network, provenance={**provenance, **network.provenance})


def _fully_connected(
    layers: list[LayerFiles], names: list[str] | None, topology: Topology | None, decode: str
) -> Network:
    topology, columns = resolve(layers, None if names is None else len(names), topology)
    inputs, classes = topology.sizes[0], topology.sizes[-1]
    digest = hashlib.sha256()
    dense: list[Dense] = []
    output = Output.plain("output", classes)
    for layer, width in zip(layers, columns, strict=True):
        bits, thresholds = read_matrix(layer, width, digest.update)
        last = layer is layers[-1]
        if last:
            bits, thresholds = bits[:classes], thresholds[:classes]
            if decode == "argmax":
                thresholds = _last_thresholds(thresholds, layer.number)
        if layer.number == 0:
            # Within a clip that loses nothing, so that any int64 may stand in a file.
            constant = (bits[:, inputs:] == 0).sum(axis=1, dtype=np.int64)
            thresholds = thresholds.clip(-MAX_OUTPUT_THRESHOLD, MAX_OUTPUT_THRESHOLD) - constant
            bits = bits[:, :inputs]
        if last and decode == "argmax":
            output = Output("output", np.ones(classes, np.int64), -thresholds)
        dense.append(_dense(f"dense{layer.number}", bits, None if last and decode == "argmax" else thresholds))
    if decode == "highest-bit":
        decoder, output = _highest_bit(classes)
        dense.append(decoder)
    provenance = {"source_sha256": digest.hexdigest(), "topology": str(topology)}
    return Network(InputSpec((inputs,), _BIPOLAR, (float(WHITE + 1),)), (*dense, output), provenance)


def read_folder(folder: Path, topology: str | None = None, decode: str = DECODINGS[0]) -> Network:
    """Read a parameter folder (format, exactness, decodings: the module's docstring).

    Parameters
    ----------
    folder : Path
    topology : str, optional
        Unpadded sizes, ``"784-1024-1024-1024-10"``; needed for networks that :data:`NETWORKS` does not know.
    decode : str
        One of :data:`~bnnhw.frontend.bnn_pynq.DECODINGS`.

    Returns
    -------
    Network
        Streamlined. Raw samples are pixels of 0..255; a bit is 1 above 127, or, in CNV, an element is a pixel as
        fixed point. ``source_sha256`` in its provenance is that of the files' contents, by layer and element, weights
        before thresholds.

    Raises
    ------
    FileError
        A file is missing, foreign, of a wrong size, or damaged; as the next one, it does not name the folder.
    UnsupportedError
        A network that is not known and has no topology.
    RequestError
        A topology that is not that of the files, or an option that CNV has not.
    """
    if decode not in DECODINGS:
        raise RequestError(f"decoding must be one of {', '.join(DECODINGS)}, not {decode!r}")
    wanted = None if topology is None else Topology.parse(topology)
    try:
        return _convert(folder, wanted, decode)
    except RequestError as error:
        raise RequestError(f"{folder}: {error}") from None
