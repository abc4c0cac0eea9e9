from __future__ import annotations

import numpy as np
import torch
from torch import nn

from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.evaluation import evaluate_float64
from bnnhw.training.export import to_onnx
from bnnhw.training.layers import BatchNorm, BinaryLinear, clip_latent
from bnnhw.training.react import RPReLU, RSign

from .onnx_float64 import evaluate


def test_rsign_by_hand() -> None:
    layer = RSign(2)
    with torch.no_grad():
        layer.shift.copy_(torch.tensor([0.5, -1.0]))
    x = torch.tensor([[0.5, -1.5], [0.25, -1.0]], requires_grad=True)
    y = layer(x)
    assert y.tolist() == [[1, -1], [-1, 1]]
    (y * torch.tensor([[1.0, 2.0], [4.0, 8.0]])).sum().backward()
    # x - shift is 0, -0.5, -0.25, 0: the gradient passes everywhere, and to the shift with the other sign.
    assert x.grad is not None and layer.shift.grad is not None
    assert x.grad.tolist() == [[1, 2], [4, 8]]
    assert layer.shift.grad.tolist() == [-5, -10]


def test_rprelu_by_hand() -> None:
    layer = RPReLU(2)
    with torch.no_grad():
        layer.shift_in.copy_(torch.tensor([1.0, -2.0]))
        layer.slope.copy_(torch.tensor([0.5, 2.0]))
        layer.shift_out.copy_(torch.tensor([10.0, 0.0]))
    # Channel 0: 3 - 1 + 10; 0.5 * (-3 - 1) + 10. Channel 1: 1 + 2; 2 * (-4 + 2).
    assert layer(torch.tensor([[3.0, 1.0], [-3.0, -4.0]])).tolist() == [[12, 3], [8, -4]]


def test_rprelu_gradients_by_hand() -> None:
    layer = RPReLU(1)
    x = torch.tensor([[2.0], [-4.0]], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [1, 0.25]
    gradients = [p.grad.item() for p in (layer.shift_in, layer.slope, layer.shift_out) if p.grad is not None]
    assert gradients == [-1.25, -4, 2]


def test_slopes_do_not_fall_below_0() -> None:
    model = nn.Sequential(RPReLU(3))
    (layer,) = model
    assert isinstance(layer, RPReLU)
    with torch.no_grad():
        layer.slope.copy_(torch.tensor([-0.5, 0.0, 3.0]))
    clip_latent(model)
    assert layer.slope.tolist() == [0, 0, 3]


def test_shifts_of_maps_are_per_channel() -> None:
    generator = torch.Generator().manual_seed(0)
    for layer in (RSign(3), RPReLU(3)):
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.copy_(torch.randn(3, generator=generator))
        x = torch.randn(2, 3, 4, 5, generator=generator)
        by_rows = layer(x.permute(0, 2, 3, 1).reshape(-1, 3)).reshape(2, 4, 5, 3).permute(0, 3, 1, 2)
        assert torch.equal(layer(x), by_rows)


def test_the_export_is_the_model() -> None:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(
        BinaryConv2d(2, 4, 3, generator=generator),
        BatchNorm(4),
        RPReLU(4),
        RSign(4),
        nn.Flatten(),
        BinaryLinear(24, 6, generator),
        BatchNorm(6),
        RSign(6),
        BinaryLinear(6, 3, generator),
        BatchNorm(3),
    )
    with torch.no_grad():
        for module in model:
            if isinstance(module, RSign | RPReLU):
                for parameter in module.parameters():
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    samples = np.random.default_rng(0).integers(-8, 8, (50, 2, 4, 5)).astype(np.float32)
    model(torch.from_numpy(samples))
    hidden, scores = evaluate_float64(model, samples)
    tensors = evaluate(to_onnx(model.eval(), (2, 4, 5), {}), samples)
    assert [np.array_equal(tensors[f"layer{i}_sign_out"], hidden[i]) for i in (0, 1)] == [True, True]
    assert np.array_equal(tensors["scores"], scores)
