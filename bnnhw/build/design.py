"""From an accelerator and a board to the files that synthesis and place and route read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnnhw.boards import Board
from bnnhw.rtl.emit import rtlil
from bnnhw.links import BoardLink, FrameAccelerator, Setting

__all__ = ["TOP", "Design", "design_files", "write_design"]

TOP = "top"
"""Name of the top module."""


@dataclass(frozen=True)
class Design:
    """What :func:`write_design` wrote.

    Attributes
    ----------
    sources : tuple of Path
        RTLIL: the link with the accelerator, and the board's top.
    constraints : Path
        Pins and clocks.
    """

    sources: tuple[Path, ...]
    constraints: Path


def design_files(board: Board, link: BoardLink, folder: Path) -> Design:
    """Where :func:`write_design` writes."""
    constraints = f"{TOP}.{board.family.build_tools().constraints}"
    return Design((folder / f"{link.module}.il", folder / f"{TOP}.il"), folder / constraints)


def write_design(
    accelerator: FrameAccelerator,
    board: Board,
    folder: Path,
    *,
    link: BoardLink,
    clock_mhz: float,
    classes: int,
    identity: int,
) -> Design:
    """Writes RTLIL and constraints of an accelerator behind a link of the board.

    Pins and input and output cells are those of the board's Amaranth platform; its build plan is not run.

    Parameters
    ----------
    clock_mhz : float
        As the board's clock generator makes it.

    Raises
    ------
    RequestError
        For a clock that is out of reach, or that does not suit the link.
    """
    actual_mhz = board.reachable_mhz(clock_mhz)
    gateware = link.gateware(accelerator, Setting(classes, identity, actual_mhz))
    plan = board.platform().prepare(link.top(board, board.clock(clock_mhz)), TOP, emit_src=False)
    design = design_files(board, link, folder)
    design.sources[0].write_text(rtlil(gateware, link.module, board.family.name))
    for path in (design.sources[1], design.constraints):
        content = plan.files[path.name]
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return design
