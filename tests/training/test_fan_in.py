from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bnnhw.errors import RequestError
from bnnhw.training.check import check_export
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.fan_in import FanInLinear, strongest
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import Components
from bnnhw.training.layers import (
    BatchNorm,
    BinaryActivation,
    BinaryLinear,
    TensorNorm,
    UnsignedInput,
    clip_latent,
)
from bnnhw.training.limits import MOST
from bnnhw.training.models import build
from bnnhw.training.optimize import Trainer
from bnnhw.training.recipe import Recipe
from bnnhw.training.settings import Settings


def test_the_strongest_of_each_row() -> None:
    weights = torch.tensor([[0.5, -0.75, 0.25], [0.5, 0.5, -0.5]])
    assert strongest(weights, 2).tolist() == [[1, 1, 0], [1, 1, 0]]
    assert strongest(weights, 1).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_equals_in_every_order() -> None:
    """The partial sort gives what a stable sort of all would."""
    weights = torch.randint(-3, 4, (50, 20), generator=torch.Generator().manual_seed(0)).float()
    for number in (1, 7, 20):
        order = weights.abs().argsort(dim=1, descending=True, stable=True)[:, :number]
        assert torch.equal(strongest(weights, number), torch.zeros_like(weights).scatter_(1, order, 1.0))


def test_candidates() -> None:
    """Inputs that are no candidates have no weights; all candidates are kept where they are few."""
    layer = FanInLinear(4, 1, 2, candidates=torch.tensor([0, 1, 3]))
    with torch.no_grad():
        layer.latent.copy_(torch.tensor([[0.5, 0.0, -0.25]]))
    assert layer.signs.tolist() == [[1, 0, 0, -1]]
    y = layer(torch.tensor([[2.0, 4.0, 8.0, 16.0]]))
    assert y.tolist() == [[-14]]
    y.sum().backward()
    assert layer.latent.grad is not None
    assert layer.latent.grad.tolist() == [[2, 4, 16]]
    layer = FanInLinear(4, 1, 3, candidates=torch.tensor([0, 3]))
    assert (layer.fan_in, layer.kept.tolist()) == (2, [[1, 1]])


def test_a_limit_for_each_layer() -> None:
    """Four pixels, of which the second never changes and the third is white in one sample of four."""
    black, white = 0.0, 255.0
    samples = torch.tensor([[black, white, black, white], [white, white, white, black]] * 2)
    samples[3, 2] = black
    recipe = Recipe(
        name="r",
        summary="",
        dataset="mnist",
        input=InputRecipe(threshold=127.5),
        widths=(6, 5),
        epochs=1,
        batch=2,
        learning_rate=0.01,
        components=Components(fan_ins=(1, 3, 2), rarest=0.3),
    )
    for shape in (None, (1, 2, 2)):
        taken = samples if shape is None else samples.reshape(4, *shape)
        model = build(replace(recipe, shape=shape), 4, 3, torch.Generator().manual_seed(0), taken)
        layers = [module for module in model if isinstance(module, FanInLinear)]
        assert [layer.fan_in for layer in layers] == [1, 3, 2]
        assert [int(layer.signs.abs().sum()) for layer in layers] == [6, 15, 6]
        assert layers[0].candidates.tolist() == [0, 3]
        assert [len(layer.candidates) for layer in layers[1:]] == [6, 5]
        # As many as there are inputs: no limit.
        free = replace(recipe, shape=shape, components=Components(fan_ins=(4, 6, 5)))
        assert not any(isinstance(module, FanInLinear) for module in build(free, 4, 3, torch.Generator(), taken))


@pytest.mark.parametrize(
    ("components", "options", "message"),
    [
        ({"fan_ins": (4, 4)}, {}, "fan_ins must be one for each of 3 fully connected layers, not (4, 4)"),
        ({"fan_ins": (4, 0, 4)}, {}, f"fan_ins must be from 1 to {MOST}, not 4, 0, 4"),
        ({"fan_ins": (4, 4, 4), "fan_in": 4}, {}, "fan_ins must be left out where fan_in is given"),
        ({"rarest": 0.6}, {}, "rarest must be in 0..0.5, not 0.6"),
        ({"narrowing": 1.0}, {}, "narrowing must be in 0..1, 1 excluded, not 1.0"),
        (
            {"rarest": 0.1, "thermometer": 2},
            {"shape": (1, 2, 2)},
            "rarest must be 0 with convs or a thermometer: it is said of inputs that neurons read",
        ),
    ],
)
def test_impossible_limits(components: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=rf"^{re.escape(message)}$"):
        Recipe("r", "", "mnist", InputRecipe(), (6, 5), 1, 2, 0.01, components=Components(**components), **options)


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


def test_narrowing_by_hand() -> None:
    """From 10 inputs to 2 over half of the training: 2 + 8 * (1 - done / 0.5)**3."""
    layer = FanInLinear(10, 1, 2, narrowing=0.5)
    assert layer.settled
    found = []
    for done in (0, 0.125, 0.25, 0.375, 0.5, 1):
        layer.progress(done)
        found.append((layer.limit, layer.settled))
    assert found == [(10, False), (5, False), (3, False), (2, True), (2, True), (2, True)]
    layer.progress(0.25)
    assert int(layer.signs.abs().sum()) == 3
    plain = FanInLinear(10, 1, 2)
    plain.progress(0)
    assert plain.settled


@pytest.mark.parametrize("epochs", [1, 4])
def test_narrowing_is_over_in_the_last_epoch(epochs: int) -> None:
    """However long it is; and no epoch before counts as the best."""
    generator = torch.Generator().manual_seed(0)
    layer = FanInLinear(8, 4, 2, generator, narrowing=0.99)
    model = nn.Sequential(layer, TensorNorm(4))
    samples = torch.randn(40, 8, generator=generator)
    settings = Settings(epochs=epochs, batch=10, validation=0.2, patience=1)
    trainer = Trainer(model, samples, torch.arange(40) % 4, settings, generator)
    limits = []
    while not trainer.done:
        trainer.run_epoch()
        limits.append(layer.limit)
    assert limits == ([2] if epochs == 1 else [8, 4, 2, 2])
    assert trainer.best_epoch == epochs if epochs == 1 else trainer.best_epoch >= 3
    trainer.finish()
    assert layer.settled


def test_latent_weights_are_not_clipped() -> None:
    """They would be equal at the bound, and the first ones kept whatever they are worth."""
    layer = FanInLinear(3, 1, 1)
    with torch.no_grad():
        layer.latent.copy_(torch.tensor([[1.5, 2.0, -3.0]]))
    clip_latent(layer)
    assert layer.signs.tolist() == [[0, 0, -1]]
    layer(torch.tensor([[2.0, 4.0, 8.0]])).sum().backward()
    assert layer.latent.grad is not None
    assert layer.latent.grad.tolist() == [[2, 4, 8]]


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
