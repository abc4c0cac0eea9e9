"""Where memories live, and how many block RAMs they take."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.folding.counter import Technology

__all__ = ["BLOCK_RAMS", "BlockRam", "blocks_needed", "buffer_style"]


@dataclass(frozen=True)
class BlockRam:
    """One block RAM of a family: ``depth`` words of ``width`` bits at its widest, and the least width it has."""

    width: int
    depth: int
    narrowest: int


BLOCK_RAMS = {"ice40": BlockRam(16, 256, 2), "ecp5": BlockRam(36, 512, 1), "generic": BlockRam(36, 512, 1)}


def blocks_needed(depth: int, width: int, tech: Technology) -> int:
    """Block RAMs of a memory: side by side at their widest, then at half the width for twice the depth."""
    block = BLOCK_RAMS[tech.name]
    bank_width, bank_depth = block.width, block.depth
    while bank_depth < depth and bank_width > block.narrowest:
        # The ninth bit of a byte exists only at the widths 9, 18 and 36.
        bank_width, bank_depth = {9: 4}.get(bank_width, bank_width // 2), bank_depth * 2
    return -(-width // bank_width) * -(-depth // bank_depth)


def buffer_style(depth: int, width: int, tech: Technology) -> str:
    """Where a buffer that is written and read lives: ``"registers"``, ``"distributed"`` (LUT RAM) or ``"block"``."""
    if depth <= 2 or depth * width <= 128:
        return "registers"
    # An iCE40 has no LUT RAM. On the ECP5 16 words of 4 bits take three slices.
    return "block" if tech.name == "ice40" or depth > 64 else "distributed"
