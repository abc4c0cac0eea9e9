from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bnnhw.errors import RequestError
from bnnhw.training.evaluation import evaluate_float64
from bnnhw.training.export import to_onnx
from bnnhw.training.layers import BatchNorm, BinaryLinear, SignedInput
from bnnhw.training.thermometer import Thermometer

from .onnx_float64 import evaluate


def samples(frames: int = 40) -> torch.Tensor:
    x = torch.randn(frames, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    return x * torch.tensor([1.0, 8.0]).reshape(2, 1, 1)


def test_thresholds_start_at_the_quantiles_of_each_channel() -> None:
    x = torch.stack([torch.arange(101.0), -2 * torch.arange(101.0)]).reshape(1, 2, 1, 101)
    # Ranks 1/4, 1/2, 3/4 of 0..100 and of -200..0.
    assert Thermometer(x, 3).thresholds.tolist() == [[25, 50, 75], [-150, -100, -50]]


def test_bits_by_hand() -> None:
    layer = Thermometer(torch.zeros(1, 2, 1, 1), 2)
    with torch.no_grad():
        layer.thresholds.copy_(torch.tensor([[1.0, 3.0], [-1.0, 0.0]]))
    x = torch.tensor([[1.0, 4.0], [-2.0, -0.5]]).reshape(1, 2, 1, 2)
    # Channel 0 at 1, then 3; channel 1 at -1, then 0; each for two positions.
    assert layer(x).reshape(4, 2).tolist() == [[1, 1], [-1, 1], [-1, 1], [-1, -1]]


def test_thresholds_learn() -> None:
    layer = Thermometer(samples(), 2)
    with torch.no_grad():
        layer.thresholds.copy_(torch.tensor([[0.0, 0.5], [0.0, 4.0]]))
        layer.spread.copy_(torch.tensor([1.0, 8.0]))
    x = torch.tensor([[0.25], [-10.0]]).reshape(1, 2, 1, 1)
    (layer(x) * torch.tensor([1.0, 2.0, 4.0, 8.0]).reshape(1, 4, 1, 1)).sum().backward()
    # Channel 0 within one spread of both: -g. Channel 1: -10 / 8 is past it; times 1 / spread.
    assert layer.thresholds.grad is not None
    assert layer.thresholds.grad.tolist() == [[-1, -2], [0, 0]]


def test_no_level_is_refused() -> None:
    with pytest.raises(RequestError, match=r"^levels of a thermometer must be at least 1, not 0$"):
        Thermometer(samples(), 0)


def test_the_export_is_the_model() -> None:
    quantizer = SignedInput(6, 0.25)
    x = samples()
    layer = Thermometer(quantizer(x), 5)
    model = nn.Sequential(quantizer, layer, nn.Flatten(), BinaryLinear(120, 3), BatchNorm(3))
    model(x)
    hidden, scores = evaluate_float64(model, x.numpy())
    tensors = evaluate(to_onnx(model.eval(), (2, 3, 4), {}), x.numpy())
    assert np.array_equal(tensors["layer0_sign_out"], hidden[0])
    assert np.array_equal(tensors["scores"], scores)
