from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from bnnhw.errors import RequestError
from bnnhw.frontend import read_model
from bnnhw.ir import Residual
from bnnhw.streamline import streamline
from bnnhw.training.check import check_export
from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.evaluation import evaluate_float64
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import Components, ConvRecipe
from bnnhw.training.layers import BatchNorm, BinaryActivation
from bnnhw.training.models import build
from bnnhw.training.recipe import Recipe
from bnnhw.training.shortcut import GRID, DyadicNorm, Shortcut

from .onnx_float64 import evaluate

SHAPE = (2, 6, 8)
SAME = ConvRecipe(8, (3, 3), padding=(1, 1, 1, 1), shortcut=True)
FIRST = ConvRecipe(8, (1, 1))

CHAINS = {
    "two in a row": (FIRST, SAME, SAME),
    "strided, then pooled": (
        FIRST,
        dataclasses.replace(SAME, stride=(2, 2), pool=(1, 2)),
        ConvRecipe(5, (2, 2), pool=(2, 1)),
    ),
    "behind pooled sums": (dataclasses.replace(FIRST, pool=(2, 2), order="pool-norm-sign"), SAME),
    "of two bits": (dataclasses.replace(FIRST, bits=2), dataclasses.replace(SAME, padding_value=0, bits=3)),
}


def toy(convs: tuple[ConvRecipe, ...], components: Components | None = None) -> Recipe:
    return Recipe(
        *("toy", "", "none", InputRecipe(bits=3), (7,), 1, 1, 0.1),
        shape=SHAPE,
        convs=convs,
        components=components or Components(),
    )


def random_model(recipe: Recipe, seed: int = 0) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    model = build(recipe, 96, 5, generator)
    for module in model.modules():
        if isinstance(module, BatchNorm):
            assert module.running_mean is not None and module.running_var is not None
            with torch.no_grad():
                for tensor in (module.weight, module.bias, module.running_mean):
                    tensor.copy_(torch.randn(tensor.shape, generator=generator))
                module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) * 20)
        elif not isinstance(module, BinaryConv2d) and hasattr(module, "clip_"):
            for parameter in module.parameters(recurse=False):
                parameter.data += torch.rand(parameter.shape, generator=generator) * 0.5 - 0.2
    return model.eval()


def raw_samples(frames: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 8, (frames, *SHAPE)).astype(np.float32)


def dyadic(gamma: float, var: float, beta: float = 0.0, mean: float = 0.0) -> DyadicNorm:
    norm = DyadicNorm(1)
    assert norm.running_mean is not None and norm.running_var is not None
    with torch.no_grad():
        for tensor, value in zip(
            (norm.weight, norm.bias, norm.running_mean, norm.running_var), (gamma, beta, mean, var), strict=True
        ):
            tensor.fill_(value)
    return norm.eval()


@pytest.mark.parametrize(
    ("gamma", "var", "slope"),
    [
        (1.0, 16.0, 0.25),
        (-1.0, 15.0, -0.25),
        (0.3, 16.0, 0.0625),
        (8.0, 1.0, 1.0),
        (0.0, 1.0, 2.0**-8),
        (-1e-5, 1.0, -(2.0**-8)),
    ],
)
def test_slopes_are_powers_of_two_in_a_range(gamma: float, var: float, slope: float) -> None:
    assert dyadic(gamma, var)(torch.tensor([[64.0]])).item() == 64 * slope


def test_offsets_are_on_a_grid() -> None:
    norm = dyadic(1.0, 16.0, beta=0.3, mean=1.7)
    # 0.3 - 0.25 * 1.7 = -0.125, off by the float32 of both.
    assert norm(torch.tensor([[2.0]])).item() == 0.5 - 0.125
    norm = dyadic(1.0, 16.0, beta=0.1)
    offset = norm(torch.tensor([[0.0]])).item()
    assert offset == 410 * GRID and abs(offset - 0.1) <= GRID / 2
    assert norm.double()(torch.tensor([[0.0]], dtype=torch.float64)).item() == offset


def test_a_gamma_past_the_range_still_has_a_gradient() -> None:
    norm = DyadicNorm(1)
    with torch.no_grad():
        norm.weight.fill_(100.0)
    x = torch.tensor([[-1.0], [2.0], [3.0]])
    (norm(x) * x).sum().backward()
    assert norm.weight.grad is not None and norm.weight.grad.item() > 0


def test_a_shortcut_by_hand() -> None:
    conv = BinaryConv2d(1, 1, (1, 2), stride=(1, 2))
    with torch.no_grad():
        conv.latent.copy_(torch.tensor([1.0, -1.0]).reshape(conv.latent.shape))
    module = Shortcut(nn.Sequential(BinaryActivation(), conv), (1, 2))
    x = torch.tensor([3.0, -1.0, -4.0, 0.0]).reshape(1, 1, 1, 4)
    # Signs + - - +: 1 + 1 and -1 - 1; averages 1 and -2.
    assert module(x).flatten().tolist() == [3, -4]


@pytest.mark.parametrize(
    ("name", "activation"),
    [*((name, "sign") for name in CHAINS), ("two in a row", "rprelu-rsign"), ("strided, then pooled", "rsign")],
)
def test_shortcuts_are_read_as_exact_integers(name: str, activation: str, tmp_path: Path) -> None:
    model = random_model(toy(CHAINS[name], Components(activation=activation)))
    path = tmp_path / "m.onnx"
    exported = to_onnx(model, SHAPE, {})
    onnx.checker.check_model(exported, full_check=True)
    write_onnx(exported, path)
    samples = raw_samples()
    check_export(model, path, samples)
    network = streamline(read_model(path).network).network
    shortcuts = sum(conv.shortcut for conv in CHAINS[name])
    assert sum(isinstance(layer, Residual) for layer in network.layers) == shortcuts
    hidden, scores = evaluate_float64(model, samples)
    assert np.array_equal(evaluate(exported, samples)["scores"], scores)
    assert all(len(np.unique(layer)) > 1 for layer in hidden)


@pytest.mark.parametrize(
    ("convs", "message"),
    [
        ((SAME,), "convolution 0: a shortcut needs a block before it that ends in its activation"),
        (
            (dataclasses.replace(FIRST, pool=(2, 2)), SAME),
            "convolution 1: a shortcut needs a block before it that ends in its activation",
        ),
        (
            (FIRST, dataclasses.replace(SAME, channels=6)),
            "convolution 1: a shortcut needs a map of 8 x 6 x 8, not 6 x 6 x 8",
        ),
    ],
)
def test_impossible_shortcuts(convs: tuple[ConvRecipe, ...], message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        random_model(toy(convs))


def test_a_shortcut_pools_behind_its_sign() -> None:
    with pytest.raises(RequestError, match=r"^a convolution with a shortcut must pool behind its sign, if at all$"):
        dataclasses.replace(SAME, pool=(2, 2), order="pool-norm-sign")
