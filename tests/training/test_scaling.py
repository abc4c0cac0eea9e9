from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from bnnhw.training.estimators import Polynomial
from bnnhw.training.evaluation import evaluate_float64
from bnnhw.training.export import to_onnx
from bnnhw.training.layers import BatchNorm, BinaryActivation
from bnnhw.training.scaling import (
    InputScaledConv2d,
    ScaledConv2d,
    ScaledLinear,
    input_scale,
    scaled_signs,
    weight_scale,
)

from .onnx_float64 import evaluate


def test_alpha_is_the_mean_magnitude_of_each_output() -> None:
    assert weight_scale(torch.tensor([[0.5, -0.25, 0.75], [1.0, 0.0, -0.5]])).tolist() == [0.5, 0.5]
    assert weight_scale(torch.ones(2, 3, 2, 2) * 0.25).tolist() == [0.25, 0.25]


def test_alpha_is_the_least_squares_optimum() -> None:
    w = torch.randn(1, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def error(alpha: float) -> float:
        return float((w - alpha * torch.sign(w)).square().sum())

    alpha = weight_scale(w).item()
    assert error(alpha) < min(error(alpha + 1e-3), error(alpha - 1e-3))


def test_scaled_signs_and_their_gradient_by_hand() -> None:
    w = torch.tensor([[0.5, -0.25, 1.5, -0.75]], requires_grad=True)
    y = scaled_signs(w)
    assert y.tolist() == [[0.75, -0.75, 0.75, -0.75]]
    (y * torch.tensor([[1.0, 2.0, 4.0, -8.0]])).sum().backward()
    # g (1/4 + 0.75) within 1, g / 4 past it.
    assert w.grad is not None
    assert w.grad.tolist() == [[1, 2, 1, -8]]


def test_the_estimator_is_used() -> None:
    w = torch.tensor([[0.5, -0.5]], requires_grad=True)
    scaled_signs(w, Polynomial()).sum().backward()
    # g (1/2 + 0.5 * (2 - 1)).
    assert w.grad is not None
    assert w.grad.tolist() == [[1, 1]]


def test_layers_scale_their_dot_products() -> None:
    linear = ScaledLinear(3, 2)
    with torch.no_grad():
        linear.latent.copy_(torch.tensor([[0.5, -0.25, 0.75], [0.25, 0.25, 0.25]]))
    x = torch.tensor([[1.0, 2.0, 4.0]])
    for training in (True, False):
        assert linear.train(training)(x).tolist() == [[1.5, 1.75]]
    conv = ScaledConv2d(1, 1, (1, 2), padding=(0, 1, 0, 0))
    with torch.no_grad():
        conv.latent.copy_(torch.tensor([0.25, -0.75]).reshape(1, 1, 1, 2))
    for training in (True, False):
        # The padding is -1: (-1 - 3) / 2, (3 - 5) / 2.
        assert conv.train(training)(torch.tensor([3.0, 5.0]).reshape(1, 1, 1, 2)).flatten().tolist() == [-2, -1]


def test_input_scale_by_hand() -> None:
    x = torch.tensor([[[[1.0, -3.0, 5.0]], [[-1.0, 1.0, 1.0]]]])
    # Mean of |x| over two channels: 1, 2, 3; under a window of 2: 1.5, 2.5.
    assert input_scale(x, (1, 2)).flatten().tolist() == [1.5, 2.5]
    conv = InputScaledConv2d(2, 1, (1, 2))
    with torch.no_grad():
        conv.latent.fill_(0.5)
    # Signs + - + and - + +: 0 and 2 under the windows; times alpha 0.5 and K.
    assert conv(x).flatten().tolist() == [0, 2 * 0.5 * 2.5]


def test_k_has_no_export() -> None:
    message = "InputScaledConv2d has no export: its input scale K differs from frame to frame; train with ScaledConv2d"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        to_onnx(nn.Sequential(InputScaledConv2d(1, 1, 3)), (1, 5, 5), {})


def test_the_export_is_the_model() -> None:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(
        ScaledConv2d(2, 4, 3, generator=generator),
        BatchNorm(4),
        BinaryActivation(),
        nn.Flatten(),
        ScaledLinear(24, 3, generator),
        BatchNorm(3),
    )
    samples = np.random.default_rng(0).integers(-8, 8, (50, 2, 4, 5)).astype(np.float32)
    model(torch.from_numpy(samples))
    hidden, scores = evaluate_float64(model, samples)
    tensors = evaluate(to_onnx(model.eval(), (2, 4, 5), {}), samples)
    assert np.array_equal(tensors["layer0_sign_out"], hidden[0])
    # Sums of scaled products round where the scaled sum does not.
    assert np.allclose(tensors["scores"], scores, rtol=0, atol=1e-13)
    assert np.array_equal(tensors["layer1_weight_scale"], model[4].alpha.numpy()[None, :])
