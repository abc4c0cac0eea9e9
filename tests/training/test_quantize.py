from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bnnhw.errors import RequestError
from bnnhw.frontend import read_model
from bnnhw.streamline import streamline
from bnnhw.training.check import check_export
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import Components, ConvRecipe
from bnnhw.training.models import build
from bnnhw.training.quantize import QuantActivation
from bnnhw.training.recipe import Recipe, with_bits

from .onnx_float64 import evaluate

SHAPE = (2, 4, 6)
RECIPE = Recipe(
    "toy",
    "",
    "none",
    InputRecipe(bits=2, signed=True),
    (6, 5),
    1,
    1,
    0.1,
    shape=SHAPE,
    convs=(ConvRecipe(4, (2, 2), pool=(1, 2)), ConvRecipe(5, (3, 1), pool=(1, 2), order="pool-norm-sign")),
)


def test_two_bits_by_hand() -> None:
    x = torch.tensor([-3.0, -0.25, 0.25, 0.26, 0.75, 1.2, 1.75, 9.0], requires_grad=True)
    y = QuantActivation(2)(x)
    # Steps of 1/2 up to 3/2; 0.25 and 0.75 are halfway, and go to the even step.
    assert y.tolist() == [0, 0, 0, 0.5, 1, 1, 1.5, 1.5]
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("bits", range(2, 9))
def test_every_width_has_all_its_levels(bits: int) -> None:
    levels = QuantActivation(bits)(torch.linspace(-1, 3, 4001)).unique()
    assert levels.tolist() == [k * 2.0 ** (1 - bits) for k in range(2**bits)]


@pytest.mark.parametrize("bits", [(2, 1, 1, 3), (4, 2, 8, 1), (1, 5, 2, 2)], ids=str)
def test_each_layer_has_its_own_width_in_the_compiler(bits: tuple[int, ...], tmp_path: Path) -> None:
    recipe = with_bits(RECIPE, bits)
    assert recipe.bits == bits
    model = build(recipe, 48, 3, torch.Generator().manual_seed(0))
    samples = np.random.default_rng(0).normal(0, 2, (40, *SHAPE)).astype(np.float32)
    # Statistics for the norms, so that the activations spread.
    model.train()(torch.from_numpy(samples))
    path = tmp_path / "m.onnx"
    exported = to_onnx(model.eval(), SHAPE, {})
    write_onnx(exported, path)
    check_export(model, path, samples)
    assert np.array_equal(
        evaluate(exported, samples)["scores"], model.double()(torch.from_numpy(samples).double()).detach().numpy()
    )
    layers = streamline(read_model(path).network).network.matrices
    assert tuple(layer.output.bits for layer in layers if layer.activation is not None) == bits


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width_bits": (2,)}, "width_bits must be one for each of 2 widths, not (2,)"),
        ({"width_bits": (2, 9)}, "bits of an activation must be in 1..8, not 9"),
        (
            {"width_bits": (2, 1), "components": Components(activation="rsign")},
            "activations of several bits must be 'sign', not 'rsign'",
        ),
    ],
)
def test_impossible_widths(options: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(RECIPE, **options)  # pyright: ignore


def test_impossible_widths_of_layers() -> None:
    with pytest.raises(RequestError, match=r"^bits must be one for each of 4 layers, not \(1, 1\)$"):
        with_bits(RECIPE, (1, 1))
    with pytest.raises(RequestError, match=r"^bits of an activation must be in 1\.\.8, not 0$"):
        ConvRecipe(1, (1, 1), bits=0)
    with pytest.raises(RequestError, match=r"^bits of a quantized activation must be in 2\.\.8, not 1$"):
        QuantActivation(1)
