"""Quantizers to test, and what they mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.ir import DataType, Quantize, Thresholds

__all__ = ["quantized", "quantizer"]


def quantizer(channels: int, dtype: str, output: str, seed: int) -> Quantize:
    """Thresholds of each channel's own, never and always met ones among them."""
    rng = np.random.default_rng(seed)
    code, out = DataType.parse(dtype), DataType.parse(output)
    values = np.sort(rng.integers(code.minimum, code.maximum + 2, (channels, out.levels - 1)), axis=1)
    return Quantize("layer", (channels, 3, 2), code, Thresholds(values, out))


def quantized(layer: Quantize, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Codes (positions, channels), by the definition: how many thresholds a value meets."""
    assert isinstance(layer.activation, Thresholds)
    level = (layer.input.values(codes)[:, :, None] >= layer.activation.values[None]).sum(axis=2)
    out = layer.output
    return level if out.kind != "int" else (level - out.levels // 2) % out.levels
