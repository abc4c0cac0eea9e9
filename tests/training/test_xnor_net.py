from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.evaluation import weight_bits
from bnnhw.training.scaling import input_scale
from bnnhw.training.xnor_net import XnorBlock, alexnet, resnet18


def seeded(make: object, **options: object) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make(generator=torch.Generator().manual_seed(0), **options)  # pyright: ignore


@pytest.mark.parametrize("input_scaled", [False, True])
@pytest.mark.parametrize(("make", "size", "convs"), [(alexnet, 224, 6), (resnet18, 64, 16)])
def test_small_ones_run_and_every_layer_has_a_gradient(make: object, size: int, convs: int, input_scaled: bool) -> None:
    model = seeded(make, classes=5, width=1 / 32, input_scaled=input_scaled)
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    scores = model(x)
    assert scores.shape == (2, 5)
    nn.functional.cross_entropy(scores, torch.tensor([1, 4])).backward()
    layers = [module for module in model.modules() if isinstance(module, BinaryConv2d)]
    assert len(layers) == convs
    assert all(layer.latent.grad is not None and layer.latent.grad.abs().sum() > 0 for layer in layers)
    with torch.no_grad():
        assert not torch.equal(model.eval()(x), scores)


def test_sizes_at_full_width() -> None:
    # Convolutions 2 to 5, then 256 x 6 x 6 -> 4096 -> 4096.
    def bits(make: Callable[[], nn.Sequential]) -> int:
        # Shapes alone.
        with torch.device("meta"):
            return weight_bits(make())

    whole = 96 * 256 * 25 + 256 * 384 * 9 + 384 * 384 * 9 + 384 * 256 * 9 + 256 * 36 * 4096 + 4096 * 4096
    assert bits(alexnet) == whole == 58_236_928
    stages = 4 * 64 * 64 + sum(3 * n * n + n * n // 2 for n in (128, 256, 512))
    assert bits(resnet18) == 9 * stages == 10_985_472


def test_a_block_is_norm_sign_convolution_pool() -> None:
    block = XnorBlock(2, 3, 3, padding=1, pool=(3, 2))
    assert [type(module).__name__ for module in block] == ["BatchNorm", "BinaryActivation", "ScaledConv2d", "MaxPool"]
    assert block(torch.randn(2, 2, 8, 8)).shape == (2, 3, 3, 3)


def test_the_input_scale_of_padding_is_0() -> None:
    x = torch.tensor([[1.0, -3.0], [-5.0, 7.0]]).reshape(1, 2, 1, 2)
    # Means of |x| over the channels: 3, 5.
    assert input_scale(x, (1, 2), padding=(0, 1, 0, 1)).flatten().tolist() == [1.5, 4, 2.5]
