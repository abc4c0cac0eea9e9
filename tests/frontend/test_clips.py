"""Clips of quantized elements: any number of channels, one of them, ends that are not there."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.frontend.onnx.values import Elements
from bnnhw.ir import FloatActivation, Quantize
from tests.frontend.calls import constant, convert, elements


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("low, high", [(-2.0, 3.0), (-2.0, np.inf), (-np.inf, 3.0)])
def test_channels(channels: int, low: float, high: float) -> None:
    """Of 16 levels those between the ends are left, in every channel the same."""
    value = convert("Clip", elements("int4", (channels, 2, 2)), constant(low), constant(high))
    assert isinstance(value, Elements)
    (layer,) = value.layers
    assert isinstance(layer, Quantize) and isinstance(layer.activation, FloatActivation)
    bounds = layer.activation.quantizer.bounds
    assert bounds.shape[0] == channels and (bounds == bounds[0]).all()
    levels = [v for v in range(-8, 8) if low <= v <= high]
    # A finite bound is one between two levels.
    assert int(np.isfinite(bounds[0]).sum()) == len(levels) - 1
