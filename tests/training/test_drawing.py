"""Rows drawn towards each other: what is counted by hand, the engine's own count, and training with it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from bnnhw.devices import technology
from bnnhw.errors import RequestError
from bnnhw.ir import BitMatrix, DataType, Dense, WeightPlane
from bnnhw.training.conv import BinaryConv2d
from bnnhw.training.drawing import Drawing
from bnnhw.training.fan_in import FanInLinear
from bnnhw.training.layers import BatchNorm, BinaryActivation, BinaryLinear, TensorNorm, ThresholdInput
from bnnhw.training.optimize import Trainer
from bnnhw.training.recipes import find_recipe
from bnnhw.training.settings import Settings
from bnnhw.training.teacher import teacher_recipe
from bnnhw.units.spatial.structure import structure


def layer_of(rows: list[list[float]]) -> BinaryLinear:
    layer = BinaryLinear(len(rows[0]), len(rows))
    with torch.no_grad():
        layer.latent.copy_(torch.tensor(rows))
    return layer


A = [0.5] * 14
NEAR = [-0.5] + [0.5] * 13
"""Differs in one weight."""
AGAINST = [-0.5, 0.5, 0.5] + [-0.5] * 11
"""The complement, but for two weights."""
FAR = [0.5, -0.5] * 7
"""Half of the weights differ: a correction, and the adder that joins it, would save nothing."""


def test_lanes_by_hand() -> None:
    """14 + 1 + 2 + 14 lanes are left of 56, and none of an equal row."""
    drawing = Drawing(layer_of([A, NEAR, AGAINST, FAR]))
    drawing.choose()
    assert drawing.share().item() == pytest.approx(31 / 56)
    drawing = Drawing(layer_of([A, NEAR, A, AGAINST, FAR]))
    drawing.choose()
    assert drawing.share().item() == pytest.approx(31 / 70)


def test_both_rows_are_drawn_by_hand() -> None:
    """A weight of a pair moves the count by half a lane either way: of 42 weights, by an 84th."""
    layer = layer_of([A, NEAR, FAR])
    drawing = Drawing(layer)
    drawing.choose()
    drawing.share().backward()
    assert layer.latent.grad is not None
    step = 1 / 84
    # Descending, A falls where NEAR is -1, and rises elsewhere; NEAR rises everywhere; FAR is not drawn.
    assert torch.allclose(layer.latent.grad[0], torch.tensor([step] + [-step] * 13))
    assert torch.allclose(layer.latent.grad[1], torch.tensor([-step] * 14))
    assert layer.latent.grad[2].eq(0).all()


def test_a_complement_is_drawn_to_the_complement() -> None:
    layer = layer_of([A, AGAINST])
    drawing = Drawing(layer)
    drawing.choose()
    drawing.share().backward()
    assert layer.latent.grad is not None
    assert (layer.latent.grad[1] > 0).all()
    # The choice stays until it is made anew.
    with torch.no_grad():
        layer.latent[1] = layer.latent[0]
    assert drawing.share().item() == 1
    drawing.choose()
    assert drawing.share().item() == 0.5


def test_it_is_what_the_engine_counts() -> None:
    """Lanes of the generator's plans, of a matrix and of a convolution together."""
    generator = torch.Generator().manual_seed(0)
    conv, linear = BinaryConv2d(4, 30, (3, 3), generator=generator), BinaryLinear(50, 12, generator)
    with torch.no_grad():
        # Rows of three groups, so that corrections pay.
        conv.latent[3:] = conv.latent[torch.arange(27) % 3] * (torch.rand(27, 4, 3, 3, generator=generator) - 0.1)
        conv.latent[10:20] *= -1
        linear.latent[5] = linear.latent[2]
    counted = 0
    for module in (conv, linear):
        bits = (module.latent.detach().flatten(1) >= 0).numpy()
        matrix = Dense("m", DataType("bipolar", 1), (WeightPlane(1, BitMatrix.from_bits(bits)),), None)
        sums = structure(matrix, technology("ecp5")).sums
        counted += sum(3 * len(counter.shared) + len(counter.lanes) for one in sums for counter in one.counters)
    drawing = Drawing(nn.Sequential(conv, nn.Flatten(), linear))
    drawing.choose()
    assert counted < 0.7 * drawing.weights
    assert drawing.share().item() * drawing.weights == pytest.approx(counted)


def _trained(settings: Settings) -> tuple[float, float]:
    """Accuracy, and the share of lanes that is left."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 30, generator=generator)
    classes = (x[:, :6].sum(dim=1) > 0).long() + (x[:, 6:12].sum(dim=1) > 0).long()
    layers = BinaryLinear(30, 16, generator), BatchNorm(16), BinaryActivation(), BinaryLinear(16, 3, generator)
    model = nn.Sequential(ThresholdInput(0.0), *layers, TensorNorm(3))
    trainer = Trainer(model, x, classes, settings, generator)
    while not trainer.done:
        epoch = trainer.run_epoch()
    drawing = Drawing(model)
    drawing.choose()
    return epoch.accuracy, drawing.share().item()


def test_training_leaves_fewer_lanes() -> None:
    settings = Settings(epochs=8, batch=25, learning_rate=0.02)
    free, alone = _trained(settings)
    drawn, together = _trained(replace(settings, draw=3.0))
    assert together < 0.8 * alone and drawn > free - 0.1
    # With draw_after it begins later.
    _, late = _trained(replace(settings, draw=3.0, draw_after=0.5))
    assert together < late < alone


def test_refusals() -> None:
    wanted = "draw must be 0 without a binary layer of several rows that keeps all its synapses and is not depthwise"
    for module in (nn.Identity(), FanInLinear(9, 4, 3), BinaryConv2d(3, 3, 3, depthwise=True), BinaryLinear(9, 1)):
        with pytest.raises(RequestError, match=f"^{re.escape(wanted)}$"):
            Drawing(module)
    for options, message in (
        ({"draw": -1.0}, "draw must be a number from 0, not -1.0"),
        ({"draw": np.inf}, "draw must be a number from 0, not inf"),
        ({"draw_after": 1.0}, "draw_after must be in 0..1, 1 excluded, not 1.0"),
    ):
        with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
            replace(find_recipe("digits"), **options)


def test_a_teacher_is_not_drawn() -> None:
    recipe = replace(find_recipe("digits"), draw=1.0, loss="distributional", teacher_epochs=2)
    assert teacher_recipe(recipe).draw == 0
