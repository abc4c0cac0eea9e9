"""BNN-PYNQ parameter folders written as the format says, and the overlays' arithmetic on them in Python's integers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

INT64 = np.iinfo(np.int64)


@dataclass(frozen=True)
class Raw:
    """One layer as the files hold it.

    ``weights``: -1, 0 or +1 (rows, columns); ``thresholds``: int64 (rows, per neuron), or None; ``bits`` of a weight.
    """

    weights: np.ndarray
    thresholds: np.ndarray | None
    pe: int
    simd: int
    bits: int = 1


def write_layer(folder: Path, number: int, layer: Raw) -> None:
    """The files of one layer."""
    rows, columns = layer.weights.shape
    codes = layer.weights.astype(np.int64) & 3 if layer.bits == 2 else (layer.weights > 0).astype(np.int64)
    places = layer.bits * np.arange(layer.simd, dtype=np.uint64)
    words = (codes.astype(np.uint64).reshape(rows, columns // layer.simd, layer.simd) << places).sum(2, dtype=np.uint64)
    for p in range(layer.pe):
        (folder / f"{number}-{p}-weights.bin").write_bytes(words[p :: layer.pe].astype("<u8").tobytes())
        if layer.thresholds is not None:
            values = layer.thresholds[p :: layer.pe].astype("<i8")
            (folder / f"{number}-{p}-thres.bin").write_bytes(values.tobytes())


def write(folder: Path, layers: list[Raw], classes: int | None = None) -> Path:
    """A folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, layer in enumerate(layers):
        write_layer(folder, number, layer)
    if classes is not None:
        (folder / "classes.txt").write_text("".join(f"class {i}\n" for i in range(classes)))
    return folder


def dots(layer: Raw, x: np.ndarray) -> np.ndarray:
    """The dot product of every neuron with x (frames, columns); exact, whole numbers far below 2**53."""
    return (x.astype(np.float64) @ layer.weights.T.astype(np.float64)).astype(np.int64)


def sums(layer: Raw, x: np.ndarray, matches: bool) -> np.ndarray:
    """What a layer compares: matches, or dot products."""
    found = dots(layer, x)
    return (found + layer.weights.shape[1]) // 2 if matches else found


def fires(found: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """-1 or +1 for one threshold of a neuron; -1, 0 or +1 for two."""
    met = (thresholds.T[:, None, :].astype(object) < found[None].astype(object)).sum(0).astype(np.int64)
    return 2 * met - 1 if thresholds.shape[1] == 1 else met - 1


def original(layers: list[Raw], pixels: np.ndarray) -> np.ndarray:
    """Sum less threshold of every output row of a fully connected network, as Python integers, on padded words."""
    matches = layers[0].thresholds is not None and layers[0].thresholds.shape[1] == 1 and layers[0].bits == 1
    x = np.full((len(pixels), layers[0].weights.shape[1]), -1, np.int64)
    x[:, : pixels.shape[1]] = np.where(pixels > 127, 1, -1)
    for layer in layers[:-1]:
        assert layer.thresholds is not None
        x = fires(sums(layer, x, matches), layer.thresholds)
    last = layers[-1]
    assert last.thresholds is not None
    return sums(last, x, matches).astype(object) - last.thresholds[:, 0].astype(object)


def layer(
    rng: np.random.Generator, rows: int, columns: int, pe: int, simd: int, thresholds: int = 1, bits: int = 1
) -> Raw:
    """Random weights; thresholds where sums often are, matches for one of them and one bit, else dot products."""
    weights = rng.integers(-1, 2, (rows, columns)) if bits == 2 else 2 * rng.integers(0, 2, (rows, columns)) - 1
    middle = columns // 2 if thresholds == 1 and bits == 1 else 0
    return Raw(weights.astype(np.int8), rng.integers(middle - 2, middle + 2, (rows, thresholds)), pe, simd, bits)


def small(seed: int = 0) -> list[Raw]:
    """70 inputs in two words, 8 hidden neurons, 3 classes in 4 rows."""
    rng = np.random.default_rng(seed)
    return [layer(rng, 8, 128, 4, 32), layer(rng, 4, 8, 2, 4)]


def small_ternary(seed: int = 0, bits: int = 1) -> list[Raw]:
    """The same with activations of three values; weights of one bit or two."""
    rng = np.random.default_rng(seed)
    hidden, last = layer(rng, 8, 128, 4, 32, 2, bits), layer(rng, 4, 8, 2, 4, 2, bits)
    assert last.thresholds is not None
    return [hidden, Raw(last.weights, last.thresholds[:, :1], 2, 4, bits)]


TOPOLOGY = "70-8-3"

CNV_ROWS = (64, 64, 128, 128, 256, 256, 512, 512, 64)
CNV_COLUMNS = (27, 576, 576, 1152, 1152, 2304, 256, 512, 512)
CNV_FOLDINGS = {
    1: ((16, 32, 16, 16, 4, 1, 1, 1, 4), (3, 32, 32, 32, 32, 32, 4, 8, 1)),
    2: ((8, 16, 8, 8, 4, 1, 1, 2, 4), (3, 16, 16, 16, 8, 8, 2, 2, 1)),
}
"""PE and SIMD of every layer as published, by bits of a weight."""


def cnv(seed: int, thresholds: int, bits: int, last_rows: int = 64, last_thresholds: bool = False) -> list[Raw]:
    """A network of CNV's shapes, as many of its sums above a threshold as below."""
    rng = np.random.default_rng(seed)
    pe, simd = CNV_FOLDINGS[bits]
    found: list[Raw] = []
    rows = (*CNV_ROWS[:-1], last_rows)
    for number in range(9):
        raw = layer(rng, rows[number], CNV_COLUMNS[number], pe[number], simd[number], thresholds, bits)
        spread = 3000 if number == 0 else int(CNV_COLUMNS[number] ** 0.5) // 2
        assert raw.thresholds is not None
        # Layer 0 compares twice the dot product in both kinds.
        middle = 0 if number == 0 else CNV_COLUMNS[number] // 2 * (thresholds == 1 and bits == 1)
        values = middle + rng.integers(-spread, spread, (rows[number], thresholds))
        if number == 8:
            values = values[:, :1]
        kept = None if number == 8 and not last_thresholds else values
        found.append(Raw(raw.weights, kept, pe[number], simd[number], bits))
    return found


def original_cnv(layers: list[Raw], images: np.ndarray) -> np.ndarray:
    """The last layer's sums by the overlays' arithmetic, matches or dot products: maps are (frames, y, x, channel)."""
    x = np.floor((images.transpose(0, 2, 3, 1) / 255.0 * 2 - 1) * 128 + 0.5).clip(-128, 127)
    assert layers[0].thresholds is not None
    matches = layers[0].thresholds.shape[1] == 1 and layers[0].bits == 1
    for number, raw in enumerate(layers):
        if number < 6:
            height, width = x.shape[1] - 2, x.shape[2] - 2
            x = np.concatenate([x[:, i : i + height, j : j + width] for i in range(3) for j in range(3)], axis=3)
        else:
            x = x.reshape(len(x), -1)
        places = x.shape[:-1]
        flat = x.reshape(-1, x.shape[-1])
        found = 2 * dots(raw, flat) if number == 0 else sums(raw, flat, matches)
        if number == 8:
            return found
        assert raw.thresholds is not None
        met = (raw.thresholds.T[:, None, :] < found[None]).sum(0)
        x = (2 * met - 1 if matches else met - 1).reshape(*places, -1)
        if number in (1, 3):
            frames, height, width, channels = x.shape
            x = x.reshape(frames, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    raise AssertionError
