from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from bnnhw.training.evaluation import weight_bits
from bnnhw.training.layers import BinaryLinear
from bnnhw.training.models import input_quantizer, mlp
from bnnhw.training.optimize import LOSSES, fit, squared_hinge
from bnnhw.training.recipes import InputRecipe, Recipe

RECIPE = Recipe("toy", "two blobs", "none", InputRecipe(bits=2), (8,), epochs=30, batch=16, learning_rate=0.02)


def blobs(frames: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples of 6 features whose first half is bright for class 1 and dark for class 0."""
    generator = torch.Generator().manual_seed(1)
    classes = torch.arange(frames) % 2
    samples = torch.rand(frames, 6, generator=generator) * 2
    samples[:, :3] += 2.0 * classes[:, None]
    return samples, classes


def test_squared_hinge_of_a_hand_computed_case() -> None:
    scores = torch.tensor([[2.0, -0.5, 0.0], [0.5, 0.25, -3.0]])
    # Targets (+1, -1, -1): margins 1 - t*s = -1, 0.5, 1 -> 0 + 0.25 + 1.
    # Targets (-1, +1, -1): 1.5, 0.75, -2 -> 2.25 + 0.5625 + 0.
    # The sum 4.0625 over 6 values is rounded once, to float32.
    assert squared_hinge(scores, torch.tensor([0, 1])).item() == torch.tensor(4.0625 / 6).item()


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_fit_learns_separable_blobs_with_each_loss(loss: str) -> None:
    samples, classes = blobs()
    recipe = Recipe(**{**vars(RECIPE), "loss": loss})
    generator = torch.Generator().manual_seed(0)
    model = mlp(input_quantizer(recipe.input), 6, recipe.widths, 2, generator)
    epochs: list[tuple[int, float, float]] = []
    fit(model, samples, classes, recipe.settings, generator, lambda *report: epochs.append(report))
    assert not model.training
    assert (model(samples).argmax(1) == classes).all()
    assert [epoch for epoch, _, _ in epochs] == list(range(1, 31))
    assert epochs[-1][1] < epochs[0][1]
    assert all(math.isfinite(loss) and 0 <= accuracy <= 1 for _, loss, accuracy in epochs)


def test_fit_clips_the_latent_weights_after_each_step() -> None:
    samples, classes = blobs()
    recipe = Recipe(**{**vars(RECIPE), "learning_rate": 5.0})
    generator = torch.Generator().manual_seed(0)
    model = mlp(input_quantizer(recipe.input), 6, recipe.widths, 2, generator)
    fit(model, samples, classes, replace(recipe.settings, epochs=2), generator)
    largest = max(layer.latent.abs().max().item() for layer in model if isinstance(layer, BinaryLinear))
    # Steps of 5 leave [-1, 1] at once: the clip is what holds them.
    assert largest == 1


def test_fit_takes_a_frame_count_that_leaves_one_over() -> None:
    samples, classes = blobs(33)
    generator = torch.Generator().manual_seed(0)
    model = mlp(input_quantizer(RECIPE.input), 6, (4,), 2, generator)
    fit(model, samples, classes, replace(RECIPE.settings, epochs=1), generator)
    assert torch.isfinite(model(samples)).all()


def test_mlp_has_the_shape_asked_for() -> None:
    model = mlp(input_quantizer(InputRecipe(bits=4)), 64, (32, 16), 10, torch.Generator())
    kinds = [type(module).__name__ for module in model]
    layer = ["BinaryLinear", "BatchNorm", "BinaryActivation"]
    assert kinds == ["UnsignedInput", *layer, *layer, "BinaryLinear", "TensorNorm"]
    assert weight_bits(model) == 64 * 32 + 32 * 16 + 16 * 10
