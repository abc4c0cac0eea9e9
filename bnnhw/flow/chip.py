"""What the logic and the memories of a chip could do in a cycle: the ceilings over a network's layers."""

from __future__ import annotations

from typing import Any

from bnnhw.boards import Board
from bnnhw.rtl.popcount_plan import plan

__all__ = ["LANES", "chip_json"]

LANES = 64
"""Lanes of the popcount whose cost per lane stands for all."""


def chip_json(board: Board) -> dict[str, Any]:
    """The ceilings of a board's chip.

    Returns
    -------
    dict
        ``lut4`` and ``block_rams``, how many there are; ``xnors_per_cycle``, the lanes of XNOR and popcount that all
        LUT4 make, each at its cost in a popcount of 64; ``weight_bits_per_cycle``, a word of each block RAM at its
        widest.
    """
    technology = board.family.technology
    return {
        "lut4": board.lut4,
        "block_rams": board.block_rams,
        "xnors_per_cycle": LANES * board.lut4 // plan(LANES, technology).luts,
        "weight_bits_per_cycle": board.block_rams * technology.block_ram.width,
    }
