"""How much room units are given between each other: line buffers, and queues of residual layers before they run."""

from __future__ import annotations

import pytest

from bnnhw.dataflow.graph import Graph
from bnnhw.devices import technology
from bnnhw.units.buffer.model import BufferUnit
from bnnhw.units.window.model import WindowUnit
from tests.layers import Branch, MapNetwork


def graph(network: Branch, *, quick: bool = False) -> Graph:
    assert isinstance(network, MapNetwork)
    return network.dense(2, (1, 1), None).folded().graph(technology("generic"), quick=quick)  # type: ignore[union-attr]


def spares(network: Branch) -> list[int]:
    return [node.unit.spare for node in graph(network).nodes if isinstance(node.unit, WindowUnit)]


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "lanes", "spare"),
    [
        # As many positions as a window moves down by, each of ceil(6 / lanes) words.
        ((6, 8, 7), (3, 3), (1, 1), 6, 1 * 5),
        ((6, 8, 7), (3, 3), (2, 1), 6, 2 * 5),
        ((6, 8, 7), (3, 3), (1, 1), 2, 1 * 5 * 3),
        # Of a signal, and of a map of which one window takes all rows: what a window spans.
        ((6, 1, 12), (1, 4), (1, 1), 6, 4),
        ((6, 1, 12), (1, 4), (1, 2), 6, 4),
        ((6, 5, 9), (3, 2), (1, 1), 6, 2),
    ],
)
def test_room_in_a_line_buffer_behind_another_matrix(
    shape: tuple[int, int, int], kernel: tuple[int, int], stride: tuple[int, int], lanes: int, spare: int
) -> None:
    height = 1 if shape[1] == 1 else 3
    network = MapNetwork(shape).conv(6, (height, 3), (1, 1)).conv(4, kernel, (1, lanes), stride=stride)
    first, second = spares(network)
    assert first == 0
    assert second == spare


def guesses(branch: MapNetwork) -> list[int]:
    return [node.unit.depth for node in graph(branch, quick=True).nodes if isinstance(node.unit, BufferUnit)]


@pytest.mark.parametrize(
    ("shape", "padding", "due"),
    [
        # 64 positions of 4 words and 4 positions more: rows 3 - 1 - 1 and 3 of 8 elements of a row are waited for.
        ((4, 8, 8), 1, round(64 * 4 * (1 + 3 / 8) / 8) + 4 * 4),
        # A kernel of 1 x 1 waits for one element of a row.
        ((4, 8, 8), 0, round(64 * 4 * (1 / 8) / 8) + 4 * 4),
        # Never more than a frame.
        ((4, 2, 2), 1, 16),
    ],
)
def test_guess_of_a_queue(shape: tuple[int, int, int], padding: int, due: int) -> None:
    """What a body swallows before it gives its first word, until the depth is derived."""
    size = 1 + 2 * padding
    pads = (padding, padding, padding, padding)
    network = MapNetwork(shape, "int4")
    network.residual(lambda b: b.quantize().conv(4, (size, size), (1, 1), padding=pads, output=None)).quantize()
    assert guesses(network) == [due]
