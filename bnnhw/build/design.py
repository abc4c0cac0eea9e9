"""From Verilog and a board to the files that synthesis and place and route read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bnnhw.boards import Board
from bnnhw.dataflow.frame import Frame
from bnnhw.files import write_text, write_whole
from bnnhw.links import BoardLink, Setting
from bnnhw.links.external import ExternalAccelerator
from bnnhw.links.pins import board_platform
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.weights import LoadSetting
from bnnhw.rtl.emit import emit

__all__ = ["TOP", "Design", "Source", "design_files", "write_design"]

TOP = "top"
"""Name of the top module."""


@dataclass(frozen=True)
class Source:
    """Verilog to build, and what is known of it.

    Parameters
    ----------
    verilog : str
    module : str
        Its top module: an accelerator with its streams, or one with the link around it.
    linked : bool
        Whether the link is in it.
    portable : bool
        Whether it was generated for no family.
    repeated : tuple of str
        Modules that synthesis keeps apart until it has mapped them.
    frame : Frame
    classes : int
    identity : str
        Digest of the network and its folding; its first 32 bits are told to the host.
    cycles_per_frame, latency_cycles : int
        Of the accelerator, as predicted for the technology it was generated for.
    store : StoredFrames, optional
        Frames on the chip, instead of those that the link would bring.
    load : LoadSetting, optional
        What fills the memories that are filled at run time.
    """

    verilog: str
    module: str
    linked: bool
    portable: bool
    repeated: tuple[str, ...]
    frame: Frame
    classes: int
    identity: str
    cycles_per_frame: int
    latency_cycles: int
    store: StoredFrames | None = None
    load: LoadSetting | None = None


@dataclass(frozen=True)
class Design:
    """What :func:`write_design` writes.

    Attributes
    ----------
    sources : tuple of Path
        The Verilog as it was given, RTLIL of the link around it where that is not in it, and of the board's top.
    constraints : Path
        Pins and clocks.
    """

    sources: tuple[Path, ...]
    constraints: Path


def design_files(source: Source, board: Board, link: BoardLink, folder: Path) -> Design:
    """Where :func:`write_design` writes."""
    around = [] if source.linked else [folder / f"{link.module}.il"]
    constraints = f"{TOP}.{board.family.build_tools().constraints}"
    return Design((folder / f"{source.module}.v", *around, folder / f"{TOP}.il"), folder / constraints)


def write_design(source: Source, board: Board, folder: Path, *, link: BoardLink, clock_mhz: float) -> Design:
    """Writes what is synthesized of an accelerator behind a link of the board, and the constraints.

    Pins and input and output cells are those of the board's Amaranth platform; its build plan is not run.

    Parameters
    ----------
    clock_mhz : float
        As the board's clock generator makes it.

    Raises
    ------
    RequestError
        For a clock that is out of reach, or that does not suit the link, and for pins that the board has not.
    """
    design = design_files(source, board, link, folder)
    write_text(design.sources[0], source.verilog, owned=True)
    for path in design.sources[1:-1]:
        identity = int(source.identity[:8], 16)
        made = board.reachable_mhz(clock_mhz)
        load = None if source.load is None else replace(source.load, clock_mhz=made)
        setting = Setting(source.classes, identity, made, source.store, load)
        # Its streams come from its signature, where a type checker can't see them.
        accelerator: Any = ExternalAccelerator(source.module, source.frame, loads=load is not None)
        gateware = link.gateware(accelerator, setting)
        write_text(path, emit(gateware, link.module, board.family.name).rtlil, owned=True)
    linked = source.module if source.linked else link.module
    flash = source.load is not None and source.load.offset is not None
    top = link.top(board, board.clock(clock_mhz), linked, flash=flash)
    plan = board_platform(board, link).prepare(top, TOP, emit_src=False)
    for path in (design.sources[-1], design.constraints):
        content = plan.files[path.name]
        write_whole(path, content.encode() if isinstance(content, str) else content, owned=True)
    return design
