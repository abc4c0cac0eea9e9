"""A network whose branches fork, nest and meet, as the report draws it."""

from __future__ import annotations

from tests.layers import Branch, MapNetwork

__all__ = ["residual_network"]

PADS = (1, 1, 1, 1)


def _conv(branch: Branch) -> Branch:
    return branch.quantize().conv(branch.shape[0], (3, 3), (2, 4), padding=PADS, output=None)


def _nested(branch: Branch) -> Branch:
    return branch.residual(_conv).quantize("uint2")


def residual_network() -> MapNetwork:
    """An identity, a shortcut with a layer, and branches inside of branches."""
    network = MapNetwork((4, 6, 6), "int3", 1)
    network.residual(_conv).quantize("int3")
    network.residual(_conv, lambda b: b.quantize("int3")).quantize("int3")
    network.concat(_nested, _conv).quantize()
    network.dense(3, (3, 8), None)
    return network
