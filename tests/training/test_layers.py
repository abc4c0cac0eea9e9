from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bnnhw.ir import BatchNorm as IrBatchNorm
from bnnhw.ir import DataType
from bnnhw.ir.steps import normalize
from bnnhw.training.layers import (
    BatchNorm,
    BinaryActivation,
    BinaryLinear,
    ThresholdInput,
    UnsignedInput,
    clip_latent,
)


def linear(latent: list[list[float]]) -> BinaryLinear:
    layer = BinaryLinear(len(latent[0]), len(latent))
    with torch.no_grad():
        layer.latent.copy_(torch.tensor(latent))
    return layer


def test_linear_multiplies_by_the_signs_of_its_latent_weights() -> None:
    layer = linear([[0.1, -0.9, 0.0], [-0.2, -0.3, 1.0]])
    assert layer.signs.tolist() == [[1, -1, 1], [-1, -1, 1]]
    assert layer(torch.tensor([[1.0, 2.0, 4.0]])).tolist() == [[3, 1]]


def test_linear_gradient_reaches_the_latent_weights_within_one() -> None:
    layer = linear([[0.5, -1.0, 1.5]])
    layer(torch.tensor([[2.0, 3.0, 5.0]])).sum().backward()
    assert layer.latent.grad is not None
    assert layer.latent.grad.tolist() == [[2, 3, 0]]


def test_initial_weights_follow_the_generator_and_stay_in_the_glorot_bound() -> None:
    first, second, other = (BinaryLinear(20, 30, torch.Generator().manual_seed(seed)) for seed in (7, 7, 8))
    assert torch.equal(first.latent, second.latent)
    assert not torch.equal(first.latent, other.latent)
    assert first.latent.shape == (30, 20)
    assert 0.3 < first.latent.abs().max().item() <= (6 / 50) ** 0.5


def test_clip_latent_reaches_every_binary_layer_and_nothing_else() -> None:
    model = nn.Sequential(linear([[-3.0, -1.0, 0.5]]), BatchNorm(1), nn.Sequential(linear([[1.0000001]])))
    norm = model[1]
    assert isinstance(norm, BatchNorm)
    with torch.no_grad():
        norm.weight.fill_(5)
    clip_latent(model)
    assert model[0].latent.tolist() == [[-1, -1, 0.5]]
    assert model[2][0].latent.tolist() == [[1]]
    assert norm.weight.tolist() == [5]


def test_activation_of_zero_is_plus_one() -> None:
    assert BinaryActivation()(torch.tensor([-0.5, -0.0, 0.0, 3.0])).tolist() == [-1, 1, 1, 1]


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_unsigned_input_floors_then_clips(bits: int) -> None:
    top = 2**bits - 1
    layer = UnsignedInput(bits)
    x = torch.tensor([-1.5, -0.1, 0.0, 0.99, 1.0, top - 0.01, top, top + 0.5, 1000.0])
    assert layer(x).tolist() == [0, 0, 0, 0, 1, top - 1, top, top, top]
    assert layer.dtype == DataType("uint", bits)


def test_threshold_input_is_plus_one_at_its_threshold() -> None:
    layer = ThresholdInput(7.5)
    assert layer(torch.tensor([-1.0, 7.25, 7.5, 16.0])).tolist() == [-1, -1, 1, 1]
    assert layer.dtype == DataType("bipolar", 1)


def test_threshold_input_refuses_a_threshold_that_float32_would_round() -> None:
    with pytest.raises(ValueError, match=r"^threshold must be exact in float32, not 0\.1$"):
        ThresholdInput(0.1)


def test_batch_norm_in_float64_rounds_as_the_compiler_does() -> None:
    random = np.random.default_rng(0)
    layer = BatchNorm(50)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(random.normal(size=50)))
        layer.bias.copy_(torch.from_numpy(random.normal(size=50)))
        assert layer.running_mean is not None and layer.running_var is not None
        layer.running_mean.copy_(torch.from_numpy(random.normal(0, 9, 50)))
        layer.running_var.copy_(torch.from_numpy(random.uniform(0, 40, 50)))
    layer.double().eval()
    parameters = {
        "gamma": layer.weight,
        "beta": layer.bias,
        "mean": layer.running_mean,
        "var": layer.running_var,
    }
    norm = IrBatchNorm(**{name: value.detach().numpy() for name, value in parameters.items()}, eps=layer.eps)
    dots = random.integers(-900, 900, (200, 50))
    with torch.no_grad():
        actual = layer(torch.from_numpy(dots).double()).numpy()
    assert np.array_equal(actual, normalize(norm, dots))


def test_batch_norm_trains_on_the_statistics_of_the_batch() -> None:
    layer = BatchNorm(1)
    # Mean 2, variance 1: 1 / sqrt(1 + 2**-16).
    result = layer(torch.tensor([[1.0], [3.0]]))
    expected = (1 + 2**-16) ** -0.5
    assert result.flatten().tolist() == pytest.approx([-expected, expected])
    assert layer.running_mean is not None
    assert layer.running_mean.item() == pytest.approx(0.2)
