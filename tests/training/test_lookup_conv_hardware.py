"""Learned convolutions of truth tables: what is trained is what the generated Verilog computes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bnnhw import datasets
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.frontend import read_model
from bnnhw.reference import evaluate
from bnnhw.sim.simulate import simulate
from bnnhw.streamline import streamline
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import ConvRecipe, LookupRecipe
from bnnhw.training.recipe import Recipe
from bnnhw.training.train import train
from tests.needs import SIMULATION, needs
from tests.training.bumps import bumps_of

RECIPE = Recipe(
    name="toy",
    summary="bumps on the left or on the right",
    dataset="bumps",
    input=InputRecipe(bits=2, levels="even"),
    widths=(),
    epochs=6,
    batch=20,
    learning_rate=0.05,
    shape=(2, 4, 6),
    convs=(ConvRecipe(8, (3, 2), padding=(1, 0, 1, 1), padding_value=1, pool=(1, 2)), ConvRecipe(6, (2, 2))),
    lookup=LookupRecipe((12,), fan_in=3, temperature=2.0),
)


@pytest.mark.slow
def test_trained_exported_simulated(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Learned, equal in float64 and in integers (:func:`train` checks that), and in Verilog, layer by layer."""
    needs(*SIMULATION)
    data = bumps_of((2, 4, 6), 120, 80)
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setattr(datasets, "load", lambda *_: data)
        result = train(RECIPE, device="cpu", output=tmp_path / "toy.onnx")
    assert result.accuracy > 0.8
    network = streamline(read_model(tmp_path / "toy.onnx").network).network
    kinds = [layer.kind for layer in network.chain]
    assert kinds == ["lookup_conv", "lookup_conv", "max_pool", "lookup_conv", "lookup", "dense"]
    codes = network.input.encode(data.x_test)
    folded = FoldedNetwork(network, (LayerFolding(2, 12, "constant", "spatial"),))
    cache = tmp_path_factory.getbasetemp() / "models"
    simulated = simulate(folded, codes, technology="ice40", stall=0.3, cache=cache, layers=True)
    assert (simulated.images, simulated.mismatches, simulated.layer_mismatches) == (len(codes), 0, ())
    assert len(set(evaluate(network, codes).classes.tolist())) == 2
    assert simulated.cycles_per_frame == simulated.predicted_cycles_per_frame
    assert simulated.latency_cycles == simulated.predicted_latency_cycles
