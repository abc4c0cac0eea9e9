"""Files of truth tables broken at random: their arrays, the names of these, their bytes."""

from __future__ import annotations

import io
from functools import cache

import numpy as np

from tests.frontend.mutate_larq import change_array
from tests.frontend.table_models import Arrays, sample_arrays

NAMES = ("layer2.sources", "layer-1.tables", "input.thresholds", "input.bits", "layer1.bits", "x", "groups", "offsets")


@cache
def table_seeds() -> tuple[Arrays, ...]:
    """Files that are read: all arrays that may stand together, gates of a map."""
    random = np.random.default_rng(0)
    gates = {
        "table_network": np.array(1),
        "input.shape": np.array([2, 2, 3]),
        "layer0.sources": random.integers(0, 12, (8, 2)),
        "layer0.tables": random.integers(0, 2, (8, 4), np.uint8),
        "classes": np.array(4),
    }
    return sample_arrays(random), gates


def mutate_tables(seed: Arrays, random: np.random.Generator) -> bytes:
    """A broken file, every other one of safetensors."""
    from safetensors.numpy import save

    content = {name: np.array(array) for name, array in seed.items()}
    for _ in range(random.integers(1, 4)):
        name = str(random.choice(list(content)))
        match random.integers(6):
            case 0:
                del content[name]
            case 1:
                content[str(random.choice(NAMES))] = content.pop(name)
            case 2:
                content[str(random.choice(NAMES))] = content[name]
            case 3 if content[name].dtype.kind in "iu":
                array = content[name].copy()
                info = np.iinfo(array.dtype)
                array.reshape(-1)[random.integers(array.size)] = random.choice([info.min, info.max, 0, 1, 2, 7])
                content[name] = array
            case _:
                content[name] = np.array(change_array(content[name], random), order="C")
        if not content:
            break
    if random.integers(2) and all(array.dtype.kind in "biuf" for array in content.values()):
        data = bytearray(save(content))
    else:
        buffer = io.BytesIO()
        np.savez(buffer, **content)
        data = bytearray(buffer.getvalue())
    if random.integers(5) == 0:
        for _ in range(random.integers(1, 5)):
            data[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
    return bytes(data[: random.integers(1, len(data))] if random.integers(30) == 0 else data)
