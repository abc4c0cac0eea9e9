"""Taps in columns: two windows, one behind the other, are the window; and the matrix follows their order."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.errors import FoldingError
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.ir import Window
from bnnhw.lowering.columns import column_windows, in_columns
from tests.layers import MapNetwork, random_layer

WINDOWS = [
    Window(3, 5, 6, (3, 3)),
    Window(2, 7, 5, (3, 2), (2, 1), (1, 1), (1, 0, 2, 1)),
    Window(1, 6, 9, (2, 3), (1, 2), (2, 3), (0, 2, 1, 1)),
    Window(4, 4, 4, (4, 4), (1, 1), (1, 1), (1, 2, 1, 1)),
]


def slid(window: Window, field: np.ndarray, code: int) -> np.ndarray:
    """The elements under each position of the window: (out_height, out_width, area * channels)."""
    positions = field.reshape(-1, window.channels)
    padded = np.concatenate([positions, np.full((1, window.channels), code)])
    return padded[window.taps()].reshape(window.out_height, window.out_width, -1)


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_down_and_across_is_the_window_in_another_order(window: Window) -> None:
    rng = np.random.default_rng(0)
    field = rng.integers(0, 2, (window.height, window.width, window.channels))
    down, across = column_windows(window)
    assert across.shape == (window.channels * window.kernel[0], down.out_height, window.width)
    assert (across.out_height, across.out_width) == (window.out_height, window.out_width)
    columns = slid(across, slid(down, field, 1), 1)
    assert down.width == down.out_width
    matrix = random_layer(rng, 4, window.area * window.channels)
    turned = in_columns(matrix, window)
    (plain,), (other,) = (layer.weights for layer in (matrix, turned))
    due = slid(window, field, 1) @ plain.bits.bits().T.astype(int)
    assert np.array_equal(columns @ other.bits.bits().T.astype(int), due)
    assert turned.activation is matrix.activation


def test_words_per_frame() -> None:
    """A row of taps per position, and a column of them per place of the map, in place of all taps."""
    network = MapNetwork((4, 8, 9)).conv(8, (3, 3), (8, 12)).dense(2, (1, 16), None).folded()
    layers = network.foldings
    graphs = [
        FoldedNetwork(network.network, (LayerFolding(8, 12, columns=columns), layers[1])).graph(technology("ecp5"))
        for columns in (False, True)
    ]
    plain, columns = ([n.unit.interval for n in graph.nodes if n.unit.kind == "window"] for graph in graphs)
    assert plain == [6 * 7 * 9]
    assert columns == [6 * 9 * 3, 6 * 7 * 3]
    assert [predict(graph).cycles_per_frame for graph in graphs] == [6 * 7 * 9, 162]


def test_refused() -> None:
    network = (
        MapNetwork((4, 5, 5)).conv(4, (1, 3), (2, 4)).conv(4, (3, 3), (1, 1), depthwise=True).dense(2, (1, 4), None)
    )
    folded = network.folded()
    for place, message in enumerate(
        (
            "layer conv0: columns need a kernel of several rows and columns, not 1 x 3",
            "layer conv1: columns are not of depthwise convolutions",
            "layer dense2: columns are of convolutions",
        )
    ):
        foldings = list(folded.foldings)
        foldings[place] = LayerFolding(1, 1, columns=True)
        with pytest.raises(FoldingError, match=rf"^{re.escape(message)}$"):
            FoldedNetwork(folded.network, tuple(foldings))
