from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bnnhw.errors import RequestError
from bnnhw.frontend import read_model
from bnnhw.ir import Lookup
from bnnhw.training.check import check_export
from bnnhw.training.evaluation import weight_bits
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.gates import GATES, GateLayer
from bnnhw.training.layer_recipes import LookupRecipe
from bnnhw.training.layers import ThresholdInput, UnsignedInput
from bnnhw.training.lookup_net import lookup_net
from bnnhw.training.optimize import fit
from bnnhw.training.recipe_file import RecipeFile, recipe_text
from bnnhw.training.recipes import find_recipe
from bnnhw.training.settings import Settings

AND, OR, FIRST = 0b1000, 0b1110, 0b1010
"""By their entries: where both are 1; where one is; where the first is."""

CORNERS = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])


def layer_of(weights: dict[int, float], inputs: int = 2) -> GateLayer:
    """A neuron of inputs 0 and 1, with gates of these shares."""
    layer = GateLayer(inputs, 1, 1)
    with torch.no_grad():
        layer.places.copy_(torch.tensor([[0], [1]]))
        layer.weights.fill_(-1e9)
        for gate, share in weights.items():
            layer.weights[0, gate] = np.log(share)
    return layer


def test_the_sixteen_gates() -> None:
    """Every table of two inputs once."""
    assert len({tuple(table) for table in GATES.tolist()}) == 16
    assert GATES[AND].tolist() == [-1, -1, -1, 1]
    assert GATES[OR].tolist() == [-1, 1, 1, 1]
    assert GATES[FIRST].tolist() == [-1, 1, -1, 1]


@pytest.mark.parametrize("gate", range(16))
def test_one_gate_is_that_gate_in_training_and_in_evaluation(gate: int) -> None:
    layer = layer_of({gate: 1.0})
    assert layer.train()(CORNERS)[:, 0].tolist() == GATES[gate].tolist()
    assert layer.eval()(CORNERS)[:, 0].tolist() == GATES[gate].tolist()
    assert layer.entries.tolist() == [GATES[gate].tolist()] and layer.sources.tolist() == [[0, 1]]


def test_a_mixture_by_hand() -> None:
    """Three quarters AND, one quarter OR: at bits the mean of both; between them what is expected of bits."""
    layer = layer_of({AND: 0.75, OR: 0.25}).train()
    assert layer(CORNERS)[:, 0].tolist() == pytest.approx([-1, -0.5, -0.5, 1])
    # Both are 1 with probability 1/2: AND is 1 in a quarter of the cases, OR in three quarters.
    halves = layer(torch.tensor([[0.0, 0.0]]))
    assert halves.item() == pytest.approx(0.75 * -0.5 + 0.25 * 0.5)
    # The first is 1 for sure, the second in three of four cases: AND is what the second is, OR is 1.
    assert layer(torch.tensor([[1.0, 0.5]])).item() == pytest.approx(0.75 * 0.5 + 0.25)
    # What is left in evaluation is AND.
    assert layer.eval()(CORNERS)[:, 0].tolist() == [-1, -1, -1, 1]


def test_gradients_by_hand() -> None:
    """A weight's is its share of the mean, times how far its gate is above it; an input's the slope of the tables."""
    layer = layer_of({AND: 0.5, OR: 0.5}).train()
    x = torch.tensor([[1.0, -1.0]], requires_grad=True)
    layer(x).sum().backward()
    assert layer.weights.grad is not None and x.grad is not None
    # At 1, -1 AND gives -1 and OR 1: the mean is 0.
    expected = torch.zeros(16)
    expected[AND], expected[OR] = -0.5, 0.5
    assert torch.allclose(layer.weights.grad[0], expected)
    # Turning the first takes the mean from 0 to -1, turning the second from 0 to 1, over a distance of 2 each.
    assert torch.allclose(x.grad, torch.tensor([[0.5, 0.5]]))


def test_inputs_are_mixed_and_the_strongest_is_left() -> None:
    layer = GateLayer(4, 1, 2)
    with torch.no_grad():
        layer.places.copy_(torch.tensor([[3, 1], [2, 0]]))
        # Shares of 1/4 and 3/4; of 1/2 and 1/2, of which the first is left.
        layer.wiring.copy_(torch.tensor([[0.0, float(np.log(3))], [1.0, 1.0]]))
        layer.weights.fill_(-1e9)
        layer.weights[0, FIRST] = 0
    x = torch.tensor([[1.0, -1.0, 1.0, 1.0]])
    assert layer.train()(x).item() == pytest.approx(0.25 - 0.75)
    assert layer.sources.tolist() == [[1, 2]]
    assert layer.eval()(x).item() == -1


def test_candidates_differ_and_are_of_those_given() -> None:
    layer = GateLayer(9, 20, 3, torch.Generator().manual_seed(0), torch.tensor([1, 4, 6, 7]))
    assert layer.places.shape == (40, 3)
    assert all(len(set(row)) == 3 and set(row) <= {1, 4, 6, 7} for row in layer.places.tolist())
    assert GateLayer(2, 3, 8).places.shape == (6, 2)


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("choices of a gate's input must be at least 1, not 0", lambda: GateLayer(3, 3, 0)),
        ("fan_in of a layer of gates must be 2, not 4", lambda: LookupRecipe((10,), learned="gates")),
        ("choices must be from 1 to 1048576, not 0", lambda: LookupRecipe((10,), 2, learned="gates", choices=0)),
        ("learned of lookup layers must be one of tables, gates, not 'wires'",
         lambda: LookupRecipe((10,), learned="wires")),  # pyright: ignore[reportArgumentType]
    ],
)  # fmt: skip
def test_refusals(message: str, make: Callable[[], object]) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        make()


@pytest.mark.parametrize("quantizer", [ThresholdInput(1.0), UnsignedInput(2)], ids=["bit", "unsigned"])
def test_the_compiler_reads_the_model_as_it_is(quantizer: ThresholdInput | UnsignedInput, tmp_path: Path) -> None:
    """After some training: scores, classes and the bits of every layer of gates."""
    samples = torch.from_numpy(np.random.default_rng(0).normal(1, 2, (60, 6)).astype(np.float32))
    classes = (samples[:, 0] >= 1).long() + (samples[:, 1] >= 1).long()
    generator = torch.Generator().manual_seed(0)
    recipe = LookupRecipe((20, 60), 2, temperature=5.0, learned="gates")
    model = lookup_net(quantizer, (6,), recipe, 3, generator, samples)
    fit(model, samples, classes, Settings(epochs=30, batch=10, learning_rate=0.05), generator)
    assert (model(samples).argmax(1) == classes).float().mean() > 0.8
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(model, (6,), {}), path)
    check_export(model, path, samples.numpy())
    layers = [layer for layer in read_model(path).network.chain if isinstance(layer, Lookup)]
    assert [layer.sources.shape for layer in layers[-2:]] == [(20, 2), (60, 2)]
    assert weight_bits(model) == (20 + 60) * 4


def test_a_recipe_as_text(tmp_path: Path) -> None:
    recipe = replace(find_recipe("digits-lookup"), lookup=LookupRecipe((600,), 2, learned="gates", choices=16))
    path = tmp_path / "r.toml"
    path.write_text(recipe_text(recipe))
    assert RecipeFile.read(path).recipe == recipe
