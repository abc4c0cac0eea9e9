"""The choice of an engine: of the layers that it can compute, of any, of one that is not there."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.boards import get
from bnnhw.dataflow.engine import ENGINES
from bnnhw.errors import CheckError, RequestError
from bnnhw.flow.choose import choose, engine_words, fold
from bnnhw.flow.fold import fold_json
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.folding.predict import predict
from bnnhw.folding.solve import Solver
from bnnhw.ir import DataType, InputSpec, Lookup, Network
from tests.build.networks import random_network
from tests.layers import MapNetwork

BOARD = get("ulx3s-85f")


@pytest.fixture(scope="module")
def network() -> Network:
    return random_network((24, 12, 4))


def cycles(folded: FoldedNetwork) -> int:
    return predict(folded.graph(BOARD.family.technology)).cycles_per_frame


def test_spatial(network: Network) -> None:
    """All of each matrix, a frame per cycle, whether the fastest is asked for or what builds quickly."""
    due = (LayerFolding(12, 24, "constant", "spatial"), LayerFolding(4, 12, "constant", "spatial"))
    for fastest in (False, True):
        folded = fold(network, BOARD, fastest=fastest, engine="spatial")
        assert folded.foldings == due
        assert cycles(folded) == 1


def test_layers_that_are_one_unit_each_have_its_cycles() -> None:
    """Tables, class sums and the class in one pipeline, which is named after the network's end."""
    rng, bit = np.random.default_rng(0), DataType("bipolar", 1)
    tables = Lookup("tables", 24, bit, rng.integers(0, 24, (12, 2)), rng.integers(0, 2, (12, 4)), bit)
    network = Network(InputSpec((24,), bit), (tables, *random_network((12, 4)).layers))
    folded = fold(network, BOARD, engine="spatial")
    said = fold_json(folded, BOARD)
    assert said["left_out"] == {}
    assert [unit["unit"] for unit in said["units"]] == ["straight"]
    assert [layer["cycles"] for layer in said["layers"]] == [1]


def test_any_is_no_slower_and_costs_no_more_than_each(network: Network) -> None:
    fastest = {engine: fold(network, BOARD, fastest=True, engine=engine) for engine in engine_words()}
    assert cycles(fastest["any"]) == min(map(cycles, fastest.values())) == 1
    # With time for it weights are cheaper in memory.
    slow = Solver(random_network((64, 48, 10)), BOARD, engines=tuple(ENGINES)).cheapest(10_000)
    assert slow is not None
    assert {folding.engine for folding in slow.foldings} == {"folded"}


def test_layers_that_it_has_nothing_for() -> None:
    """Depthwise convolutions, and matrices that no device would hold, are folded."""
    made = MapNetwork((3, 4, 4)).conv(6, (2, 2), (1, 1), depthwise=True).dense(4, (1, 1), None).folded()
    assert [folding.engine for folding in fold(made.network, BOARD, engine="spatial").foldings] == ["folded", "spatial"]
    assert list(ENGINES.named("spatial").candidates(MapNetwork((1025, 1, 1)).dense(128, (1, 1)).layers[0])) == []
    assert len(list(ENGINES.named("spatial").candidates(MapNetwork((1024, 1, 1)).dense(128, (1, 1)).layers[0]))) == 1


def test_what_does_not_fit() -> None:
    big = random_network((400, 64, 4))
    with pytest.raises(CheckError, match=r"^the network does not fit icebreaker even at its smallest: about \d+ logic"):
        fold(big, "icebreaker", engine="spatial")


def test_an_engine_that_is_not_there(network: Network) -> None:
    with pytest.raises(RequestError, match=r"^engine must be one of folded, lookup, spatial, any, not 'systolic'$"):
        choose(network, BOARD, engine="systolic")
