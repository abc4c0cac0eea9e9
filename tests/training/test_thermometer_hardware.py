"""Networks with a learned thermometer over several channels: what is trained is what the generated Verilog computes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bnnhw import datasets
from bnnhw.boards import get
from bnnhw.datasets.dataset import Dataset
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding.solve import Solver
from bnnhw.frontend import read_model
from bnnhw.ir import Conv2d, Network
from bnnhw.reference import evaluate
from bnnhw.sim.simulate import simulate
from bnnhw.streamline import streamline
from bnnhw.training.recipes import Components, ConvRecipe, InputRecipe, Recipe
from bnnhw.training.train import train
from tests.needs import SIMULATION, needs
from tests.training.bumps import bumps_of

RECIPE = Recipe(
    name="toy",
    summary="bumps on the left or on the right",
    dataset="bumps",
    input=InputRecipe(bits=4, scale=0.5, signed=True),
    widths=(8,),
    epochs=1,
    batch=20,
    learning_rate=0.02,
    shape=(3, 4, 6),
    convs=(ConvRecipe(5, (3, 3), pool=(1, 2)),),
    components=Components(thermometer=4),
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return bumps_of((3, 4, 6), 120, 80)


@pytest.fixture(scope="module")
def network(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Trained for an epoch, exported, imported."""
    model = tmp_path_factory.mktemp("thermometer") / "toy.onnx"
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setattr(datasets, "load", lambda *_: data)
        train(RECIPE, device="cpu", output=model)
    return streamline(read_model(model).network).network


def test_a_comparator_a_bit(network: Network) -> None:
    first = network.layers[0]
    assert isinstance(first, Conv2d)
    assert (first.depthwise, first.depth_multiplier, first.window.area, first.output.bits) == (True, 4, 1, 1)
    assert first.shape_out == (12, 4, 6)


# PE of the thermometer: part of a channel, one channel, two of three channels; and what the solver takes.
@pytest.mark.parametrize("pe", [*(pytest.param(pe, marks=pytest.mark.slow) for pe in (2, 8, None)), 4])
def test_simulated(network: Network, data: Dataset, pe: int | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    needs(*SIMULATION)
    if pe is None:
        folded = Solver(network, get("icebreaker")).modest()
    else:
        order = "serial" if pe == 2 else "parallel"
        memory = "block" if pe == 8 else "lut"
        rest = (LayerFolding(2, 12), LayerFolding(2, 5), LayerFolding(1, 8))
        folded = FoldedNetwork(network, (LayerFolding(pe, 1, memory, planes=order), *rest))
    codes = network.input.encode(data.x_test)
    scores = evaluate(network, codes)
    cache: Path = tmp_path_factory.getbasetemp() / "models"
    result = simulate(folded, codes, technology="ice40", stall=0.3, cache=cache, layers=True)
    assert (result.images, result.mismatches, result.details, result.layer_mismatches) == (len(codes), 0, (), ())
    assert len(set(scores.classes.tolist())) == 2
    assert result.cycles_per_frame == result.predicted_cycles_per_frame
    assert result.latency_cycles == result.predicted_latency_cycles
    assert result.cycles_per_frame is not None
