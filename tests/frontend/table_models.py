"""Files of networks of tables, and what such a network is in NumPy: gates, thermometers, neurons of several bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "forward", "looked_up", "sample_arrays", "write"]

Arrays = dict[str, Any]


def write(path: Path, arrays: Arrays) -> Path:
    """A file of the format that its suffix says."""
    if path.suffix == ".safetensors":
        from safetensors.numpy import save_file

        save_file({name: np.array(array, order="C") for name, array in arrays.items()}, path)
    else:
        np.savez(path, **arrays)
    return path


def sample_arrays(random: np.random.Generator) -> Arrays:
    """Two layers behind a thermometer, three classes with names: all arrays that may stand together."""
    return {
        "table_network": np.array(1),
        "input.shape": np.array([5]),
        "input.thermometer": np.sort(random.normal(size=(5, 3)), axis=1),
        "layer0.sources": random.integers(0, 15, (8, 4)),
        "layer0.tables": random.integers(0, 4, (8, 16)),
        "layer0.bits": np.array(2),
        "layer1.sources": random.integers(0, 8, (7, 3), np.int32),
        "layer1.tables": random.integers(0, 2, (7, 64)).astype(bool),
        "classes": np.array([3]),
        "groups": np.array([0, 1, 2, 2, 1, 0, 1]),
        "offsets": np.array([2, -1, 0]),
        "class_names": np.frombuffer(b"plain\nnot so\nneither", np.uint8),
    }


def looked_up(codes: NDArray[Any], bits: int, sources: NDArray[Any], tables: NDArray[Any]) -> NDArray[np.int64]:
    """What the tables hold, neuron by neuron, read as a person would: the first source is the lowest in the address."""
    out = np.zeros((len(codes), len(sources)), np.int64)
    for frame, row in enumerate(codes):
        for neuron, (read, table) in enumerate(zip(sources, tables, strict=True)):
            digits = "".join(f"{int(row[source]):0{bits}b}" for source in reversed(read))
            out[frame, neuron] = table[int(digits, 2)]
    return out


def forward(arrays: Arrays, samples: NDArray[Any]) -> NDArray[np.int64]:
    """Scores of samples (frames, ...), by the layout's words alone."""
    flat, bits = samples.reshape(len(samples), -1), int(arrays.get("input.bits", 1))
    shape = [int(size) for size in arrays["input.shape"]]
    for name in ("input.thermometer", "input.thresholds"):
        if name in arrays:
            rows = np.atleast_2d(arrays[name])
            # One row for all elements, one per channel, or one per element.
            rows = np.repeat(rows, flat.shape[1] // len(rows), axis=0) if len(rows) in (1, shape[0]) else rows
            reached = flat[:, :, None] >= rows
            flat = reached.reshape(len(flat), -1) if name == "input.thermometer" else reached.sum(axis=2)
            bits = 1 if name == "input.thermometer" else (rows.shape[1] + 1).bit_length() - 1
    number = 0
    while f"layer{number}.sources" in arrays:
        flat = looked_up(flat, bits, arrays[f"layer{number}.sources"], arrays[f"layer{number}.tables"])
        bits = int(arrays.get(f"layer{number}.bits", 1))
        number += 1
    classes = int(np.ravel(arrays["classes"])[0])
    groups = arrays.get("groups", np.arange(flat.shape[1]) * classes // flat.shape[1])
    sums = [flat[:, np.asarray(groups) == each].sum(axis=1) for each in range(classes)]
    return np.stack(sums, axis=1) + arrays.get("offsets", 0)
