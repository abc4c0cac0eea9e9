"""From an accelerator and a board to the files that synthesis and place and route read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from bnnhw.boards import Board
from bnnhw.boards.top import LINK_MODULE, UartTop
from bnnhw.errors import RequestError
from bnnhw.hardware.emit import rtlil
from bnnhw.hardware.link.link import FrameAccelerator, UartLink
from bnnhw.hardware.link.uart import baud_divisor

__all__ = ["BAUD", "LINK_TIMEOUT_S", "TOP", "Design", "check_link", "write_design"]

BAUD = 1_000_000
"""Default baud rate: the FTDI chips of the boards divide their 3 MHz to it exactly, as do clocks of whole MHz."""

LINK_TIMEOUT_S = 0.1
"""Longest silence inside a packet: several times the 16 ms after which a USB serial chip sends what it holds."""

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


def check_link(board: Board, link: str) -> None:
    """:class:`~bnnhw.errors.RequestError` unless the board has this link."""
    if link not in board.links:
        raise RequestError(f"link of {board.name} must be one of {', '.join(board.links)}, not {link!r}")


def design_files(board: Board, folder: Path) -> Design:
    """Where :func:`write_design` writes."""
    constraints = f"{TOP}.{'pcf' if board.family.name == 'ice40' else 'lpf'}"
    return Design((folder / f"{LINK_MODULE}.il", folder / f"{TOP}.il"), folder / constraints)


def write_design(
    accelerator: FrameAccelerator,
    board: Board,
    folder: Path,
    *,
    classes: int,
    clock_mhz: float,
    baud: int = BAUD,
    identity: int = 0,
) -> Design:
    """Writes RTLIL and constraints of an accelerator behind the board's serial port.

    Pins and input and output cells are those of the board's Amaranth platform; its build plan is not run.

    Parameters
    ----------
    clock_mhz : float
        As the board's clock generator makes it.

    Raises
    ------
    RequestError
        For a clock or a baud rate out of reach.
    """
    actual_mhz = board.reachable_mhz(clock_mhz)
    divisor = baud_divisor(actual_mhz, baud)
    link = UartLink(
        accelerator,
        classes=classes,
        divisor=divisor,
        timeout=math.ceil(LINK_TIMEOUT_S * actual_mhz * 1e6),
        identity=identity,
    )
    plan = board.platform().prepare(UartTop(board, board.clock(clock_mhz)), TOP, emit_src=False)
    design = design_files(board, folder)
    design.sources[0].write_text(rtlil(link, LINK_MODULE, board.family.name))
    for path in (design.sources[1], design.constraints):
        content = plan.files[path.name]
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return design
