from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from bnnhw.training.evaluation import evaluate_float64
from bnnhw.training.export import to_onnx
from bnnhw.training.layers import BinaryLinear
from bnnhw.training.shift import ShiftBatchNorm, nearest_power
from bnnhw.training.shift_adamax import ShiftAdaMax

from .onnx_float64 import evaluate


def test_nearest_power_of_two() -> None:
    root = math.sqrt(2)
    x = torch.tensor([0.0, 1.0, 1.41, 1.42, 3.0, -5.0, -6.0, 0.3, 2.0**-30, root * 2**40], dtype=torch.float64)
    # log2: 0.496 -> 0, 0.506 -> 1, 1.58 -> 2, 2.32 -> 2, 2.58 -> 3, -1.74 -> -2, 40.5 (a little more) -> 41.
    assert nearest_power(x).tolist() == [0, 1, 1, 2, 4, -4, -8, 0.25, 2.0**-30, 2.0**41]


def test_nearest_power_follows_the_formula() -> None:
    x = torch.randn(1000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 10
    expected = torch.sign(x) * 2 ** torch.round(torch.log2(x.abs()))
    assert torch.equal(nearest_power(x), expected)


def test_nearest_power_lets_the_gradient_pass() -> None:
    x = torch.tensor([3.0, 0.0], requires_grad=True)
    (nearest_power(x) * torch.tensor([5.0, 7.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [5, 7]


def test_a_batch_by_hand() -> None:
    # Mean 4; centred -3, 0, 0, 3; times AP2 (-4, 0, 0, 4): 12, 0, 0, 12, mean 6; 1/sqrt(6 + 2**-16) = 0.408 -> 0.5.
    norm = ShiftBatchNorm(1)
    with torch.no_grad():
        norm.weight.fill_(3)  # AP2: 4
        norm.bias.fill_(1)
    y = norm(torch.tensor([[1.0], [4.0], [4.0], [7.0]]))
    assert y.flatten().tolist() == [4 * 0.5 * -3 + 1, 1, 1, 4 * 0.5 * 3 + 1]
    assert norm.running_mean is not None and norm.running_var is not None
    assert norm.running_mean.item() == pytest.approx(0.1 * 4)
    assert norm.running_var.item() == pytest.approx(0.9 + 0.1 * 6)


def test_maps_are_normalized_per_channel() -> None:
    x = torch.randn(4, 3, 2, 5, generator=torch.Generator().manual_seed(0)) * 3
    by_map, by_row = ShiftBatchNorm(3), ShiftBatchNorm(3)
    expected = by_row(x.permute(0, 2, 3, 1).reshape(-1, 3)).reshape(4, 2, 5, 3).permute(0, 3, 1, 2)
    assert torch.allclose(by_map(x), expected, atol=1e-5)


def test_the_export_is_the_model() -> None:
    generator = torch.Generator().manual_seed(0)
    norm = ShiftBatchNorm(6)
    model = nn.Sequential(BinaryLinear(9, 6, generator), norm)
    with torch.no_grad():
        assert norm.running_mean is not None and norm.running_var is not None
        norm.weight.copy_(torch.randn(6, generator=generator))
        norm.bias.copy_(torch.randn(6, generator=generator))
        norm.running_mean.copy_(torch.randn(6, generator=generator))
        norm.running_var.copy_(torch.rand(6, generator=generator) * 500)
    model.eval()
    samples = np.random.default_rng(0).integers(-8, 8, (50, 9)).astype(np.float32)
    _, scores = evaluate_float64(model, samples)
    assert np.array_equal(evaluate(to_onnx(model, (9,), {}), samples)["scores"], scores)


def test_adamax_by_hand() -> None:
    weight = nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer = ShiftAdaMax([weight], lr=2.0**-4, betas=(0.5, 0.5))
    weight.grad = torch.tensor([3.0, 0.0])
    optimizer.step()
    # m = 1.5, v = 3 -> 4; lr / (1 - 0.5) = 2**-3: the step is 2**-3 * 1.5 / 4. No gradient, no step.
    assert weight.tolist() == [1 - 1.5 / 32, 1]
    weight.grad = torch.tensor([-1.0, 0.25])
    optimizer.step()
    # m = 0.75 - 0.5 = 0.25, v = max(1.5, 1) = 1.5 -> 2 (log2 = 0.58); lr / 0.75 = 2**-3.58 -> 2**-4.
    # m = 0.125, v = 0.25.
    assert weight.tolist() == [1 - 1.5 / 32 - 0.125 / 16, 1 - 0.5 / 16]


def test_adamax_descends() -> None:
    weight = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = ShiftAdaMax([weight], lr=2.0**-5)
    for _ in range(400):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.abs().max().item() < 0.2


def test_adamax_refuses() -> None:
    weight = nn.Parameter(torch.zeros(1))
    with pytest.raises(ValueError, match=r"^lr must be positive, not 0\.0$"):
        ShiftAdaMax([weight], lr=0.0)
    with pytest.raises(ValueError, match=r"^betas must be in 0\.\.1, 1 excluded, not \(1\.0, 0\.5\)$"):
        ShiftAdaMax([weight], betas=(1.0, 0.5))
