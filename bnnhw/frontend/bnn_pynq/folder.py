"""Reader of BNN-PYNQ parameter folders: the ``.bin`` files that FINN's overlays for PYNQ boards load.

Format
------
One pair of files for each layer L and processing element P: ``L-P-weights.bin`` (little-endian uint64 words) and
``L-P-thres.bin`` (little-endian int64), and optionally ``classes.txt``, one name a line. With PE elements of SIMD
lanes, word ``nf * SF + sf`` of element P holds, least significant bit first, the weights of neuron ``nf * PE + P`` for
inputs ``sf * SIMD ..``. There are three kinds.

===== ======================= ==================================== =============================================
kind  weight                  activation                           a neuron's thresholds, neuron after neuron
===== ======================= ==================================== =============================================
W1A1  1 bit: 1 is +1, 0 is -1 -1, +1                               one: +1 iff its matches ``p > T``, strictly
W1A2  as above                -1, 0, +1                            two, in any order: how many are less than its
                                                                   dot product, less 1
W2A2  2 bits: -1, 0, +1       -1, 0, +1                            as above
===== ======================= ==================================== =============================================

What the files do not say
-------------------------
PE is the number of files of a layer. The rows of every layer but the last come from the networks that are known
(:mod:`bnnhw.frontend.bnn_pynq.topology`) or from an explicit topology; a layer has one threshold per row, or two, the
same in all of them. The last layer has one, so that its files say its rows. NF is rows over PE, SF the words of a
weights file over NF. A layer's columns are the rows of the one before it, hence SIMD = columns / SF. Of layer 0 they
are the inputs padded to whole 64-bit words, since that is how the host sends them; padded inputs are bits of 0
(FOLDEDMV_INPUT_PADCHAR), that is -1. Weights have two bits where activations have three values and words have bits
above their lanes. Classes are the lines of ``classes.txt``, or the topology's. A folder of nine layers whose rows are
those of CNV, or whose last has no thresholds, is :mod:`bnnhw.frontend.bnn_pynq.cnv`; the rest of this text is about
fully connected networks.

Exactness
---------
Padded inputs of -1 add to a neuron's dot product minus the sum of their weights, always: its thresholds without the
padding are greater by that sum. ``p > T`` of K inputs is ``dot >= 2 * (T + 1) - K``. The rest is in
:mod:`bnnhw.frontend.bnn_pynq.layers`.

Decoding
--------
The last layer has a threshold too, in units of matches (W1A1) or of the dot product, and two readings are offered.

- ``argmax``: the class that exceeds its threshold most, ``p - T`` or ``dot - T`` (W2A2: twice that); the lowest on a
  tie. It has one winner for every image.
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
from bnnhw.frontend.bnn_pynq.files import LayerFiles, layer_files, list_files
from bnnhw.frontend.bnn_pynq.layers import BIPOLAR, CLIP, activation, product, scores, with_bounds
from bnnhw.frontend.bnn_pynq.matrix import read_words, weight_bits
from bnnhw.frontend.bnn_pynq.topology import CNV_ROWS, Topology, is_cnv, resolve
from bnnhw.ir import BitMatrix, Dense, InputSpec, Layer, Network, Output, WeightPlane

__all__ = ["read_folder"]

MAX_OUTPUT_THRESHOLD = 1 << 31
"""Bound of the last layer's thresholds, which are not clamped but subtracted: published ones fit 16 bits."""

WHITE = 127
"""A pixel above this is a bit of 1: the host scales pixels to -1 .. +1 and takes the sign."""


def _highest_bit(classes: int) -> tuple[Dense, Output]:
    """The layers that find the highest bit set (why they do: the module's docstring)."""
    planes = (np.ones((classes, classes), np.uint8), np.eye(classes, dtype=np.uint8))
    weights = tuple(WeightPlane(1, BitMatrix.from_bits(plane)) for plane in planes)
    multiplier = np.arange(1, classes + 1)
    # A single bit decides: its two matches, or none.
    offset = -(classes - 1) * multiplier if classes > 1 else np.array([-1])
    return Dense("highest_bit", BIPOLAR, weights, None), Output("output", multiplier, offset)


def _last_thresholds(thresholds: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    for neuron, (value,) in enumerate(thresholds.tolist()):
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


def _cnv(
    layers: list[LayerFiles], names: list[str] | None, topology: Topology | None, decode: str
) -> tuple[Network, list[str]]:
    if topology is not None:
        raise RequestError(f"topology must be left out for CNV, whose layers are known, not {topology}")
    if decode != DECODINGS[0]:
        raise RequestError(
            f"decoding must be {DECODINGS[0]} for CNV, whose last layer has no output bits, not {decode!r}"
        )
    return convert_cnv(layers, names)


def _convert(folder: Path, topology: Topology | None, decode: str) -> tuple[Network, list[str]]:
    sizes = list_files(folder)
    layers = layer_files(folder, sizes, bare=len(CNV_ROWS) + 1)
    names = _classes(folder, sizes)
    provenance = {
        "format": "bnn-pynq",
        "source": folder.resolve().name,
        "decode": decode,
        **({} if names is None else {"classes": ", ".join(names)}),
    }
    if is_cnv(layers):
        network, warnings = _cnv(layers, names, topology, decode)
    else:
        network, warnings = _fully_connected(layers, names, topology, decode), []
    return replace(network, provenance={**provenance, **network.provenance}), warnings


def _fully_connected(
    layers: list[LayerFiles], names: list[str] | None, topology: Topology | None, decode: str
) -> Network:
    topology, shapes = resolve(layers, None if names is None else len(names), topology)
    inputs, classes = topology.sizes[0], topology.sizes[-1]
    digest = hashlib.sha256()
    read = [read_words(layer, digest.update) for layer in layers]
    bits = weight_bits(read, shapes)
    # One threshold means that activations are bits, and that it counts matches.
    kind = shapes[0].thresholds
    found: list[Layer | Output] = []
    dtype = BIPOLAR
    for words, shape in zip(read, shapes, strict=True):
        number, last = words.files.number, words is read[-1]
        weights, thresholds = words.weights(shape, bits), words.thresholds(shape)
        if last:
            weights, thresholds = weights[:classes], thresholds[:classes]
            if decode == "argmax":
                thresholds = _last_thresholds(thresholds, number)
        # Within a clip that loses nothing, so that any int64 may stand in a file.
        thresholds = thresholds.clip(-CLIP, CLIP)
        taken = inputs if number == 0 else shape.columns
        padding = -weights[:, taken:].sum(axis=1, dtype=np.int64, keepdims=True)
        weights = weights[:, :taken]
        layer = product(f"dense{number}", dtype, weights)
        if last and decode == "argmax":
            if kind == 1:
                # Matches less mismatches are the dot product.
                padding = (padding + shape.columns - taken) // 2
            found += [layer, scores(layer, (thresholds - padding)[:, 0], matches=kind == 1)]
            break
        bounds = 2 * (thresholds + 1) - shape.columns if kind == 1 else thresholds + 1
        found.append(with_bounds(layer, bounds - padding))
        dtype = activation(shape.thresholds)
    if decode == "highest-bit":
        found += _highest_bit(classes)
    provenance = {"source_sha256": digest.hexdigest(), "topology": str(topology)}
    return Network(InputSpec((inputs,), BIPOLAR, (float(WHITE + 1),)), tuple(found), provenance)


def read_folder(
    folder: Path, topology: str | None = None, decode: str = DECODINGS[0]
) -> tuple[Network, tuple[str, ...]]:
    """Read a parameter folder (format, exactness, decodings: the module's docstring).

    Parameters
    ----------
    folder : Path
    topology : str, optional
        Unpadded sizes, ``"784-1024-1024-1024-10"``; needed for networks that are not LFC.
    decode : str
        One of :data:`~bnnhw.frontend.bnn_pynq.DECODINGS`.

    Returns
    -------
    network : Network
        Streamlined. Raw samples are pixels of 0..255; a bit is 1 above 127, or, in CNV, an element is a pixel as
        fixed point. ``source_sha256`` in its provenance is that of the files' contents, by layer and element, weights
        before thresholds.
    warnings : tuple of str

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
        network, warnings = _convert(folder, wanted, decode)
    except RequestError as error:
        raise RequestError(f"{folder}: {error}") from None
    return network, tuple(warnings)
