from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bnnhw.errors import RequestError
from bnnhw.training.check import check_export
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.fan_in import FanInLinear, strongest
from bnnhw.training.layers import BatchNorm, BinaryActivation, BinaryLinear, TensorNorm, UnsignedInput


def test_the_strongest_of_each_row() -> None:
    weights = torch.tensor([[0.5, -0.75, 0.25], [0.5, 0.5, -0.5]])
    assert strongest(weights, 2).tolist() == [[1, 1, 0], [1, 1, 0]]
    assert strongest(weights, 1).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_weights_and_gradient_by_hand() -> None:
    layer = FanInLinear(3, 1, 2)
    with torch.no_grad():
        layer.latent.copy_(torch.tensor([[0.5, -0.75, 0.25]]))
    assert layer.signs.tolist() == [[1, -1, 0]]
    y = layer(torch.tensor([[2.0, 4.0, 8.0]]))
    assert y.tolist() == [[-2]]
    y.sum().backward()
    # The synapse left out learns too.
    assert layer.latent.grad is not None
    assert layer.latent.grad.tolist() == [[2, 4, 8]]


def test_a_synapse_comes_back() -> None:
    layer = FanInLinear(2, 1, 1)
    with torch.no_grad():
        layer.latent.copy_(torch.tensor([[0.5, 0.25]]))
    optimizer = torch.optim.SGD(layer.parameters(), 0.5)
    # The target is the second input alone.
    x = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    for _ in range(3):
        optimizer.zero_grad()
        (layer(x)[:, 0] - x[:, 1]).square().mean().backward()
        optimizer.step()
    assert layer.signs.tolist() == [[0, 1]]


@pytest.mark.parametrize("fan_in", [0, 4])
def test_impossible_fan_ins(fan_in: int) -> None:
    with pytest.raises(RequestError, match=rf"^fan-in must be in 1\.\.3, not {fan_in}$"):
        FanInLinear(3, 1, fan_in)


def test_the_compiler_reads_the_model_as_it_is(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(
        UnsignedInput(2),
        FanInLinear(12, 8, 4, generator),
        BatchNorm(8),
        BinaryActivation(),
        FanInLinear(8, 6, 6, generator),
        BatchNorm(6),
        BinaryActivation(),
        BinaryLinear(6, 3, generator),
        TensorNorm(3),
    )
    samples = np.random.default_rng(0).uniform(0, 4, (80, 12)).astype(np.float32)
    model(torch.from_numpy(samples))
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(model.eval(), (12,), {}), path)
    check_export(model, path, samples)
