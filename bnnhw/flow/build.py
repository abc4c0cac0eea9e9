"""From a design to a bitstream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bnnhw import links
from bnnhw.boards import Board
from bnnhw.build.bitstream import BUILD, LOCK, STEPS, BuildResult, check_clock
from bnnhw.build.bitstream import build as run
from bnnhw.build.cache import StepCache, stamp_name
from bnnhw.build.design import Source
from bnnhw.dataflow.image import image_crc, pack_image
from bnnhw.errors import RequestError
from bnnhw.files import OutputFolder, digest, locked, new_folders, package_digest, read_json, write_whole
from bnnhw.flow.baud import with_baud
from bnnhw.flow.choose import check_memories
from bnnhw.flow.design import NETWORK, SIDECAR, Design, open_design
from bnnhw.flow.fold import as_board, check_frame, fold_json, technology_of
from bnnhw.flow.frames import Frames
from bnnhw.flow.generate import CORE, FOLDING, generate
from bnnhw.flow.kept import SIMULATION, kept_simulation
from bnnhw.flow.loads import IMAGE, check_load, load_setting
from bnnhw.flow.pins import pins_of, with_link
from bnnhw.flow.progress import Progress, silent
from bnnhw.flow.show import describe
from bnnhw.flow.store import FRAMES, Store, choose_store, link_rates
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import archive
from bnnhw.links import BoardLink, board_link

__all__ = ["build_bitstream", "build_json", "portable_note"]

DESIGN = "design"
"""The folder in a build's folder that a network's Verilog is generated into."""


def build_bitstream(
    design: Design | FoldedNetwork,
    board: Board | str,
    folder: Path | str,
    *,
    seed: int = 0,
    explored: int = 0,
    freq_mhz: float | None = None,
    link: str | None = None,
    pins: str | None = None,
    baud: int | None = None,
    model: Path | str | None = None,
    store: Frames | None = None,
    store_count: int | None = None,
    progress: Progress = silent,
) -> BuildResult:
    """Builds the bitstream of a design for a board: of the Verilog that its folder holds, edited or not.

    Where the design has no link, the board's is put around it. Everything that the steps make stays in the folder,
    logs included; steps whose inputs have not changed are skipped.

    Parameters
    ----------
    design : Design or FoldedNetwork
        A folded network is generated into ``folder/design`` first.
    board : Board or str
    folder : Path or str
    seed : int
        Of place and route.
    explored : int
        Attempts to place and route, from ``seed`` on, the best of which is kept; 0: one.
    freq_mhz : float, optional
        Clock to build for; the board's when not given.
    link : str, optional
        What the board is reached by: that of the design, or the board's first, when not given.
    pins : str, optional
        Pins of the board's link, as ``"rx=pmod_0:3,tx=B10"``; those of the design, or the board's, when not given.
    baud : int, optional
        Of the board's link; that of the design, or the board's, when not given.
    model : Path or str, optional
        The file of a folded network, see :func:`~bnnhw.flow.generate.generate`.
    store : Frames, optional
        Frames to put on the chip. The board then takes none over its link: it runs these at the accelerator's own rate
        when it is asked to, and counts.
    store_count : int, optional
        How many of them; as many as fit, at most 1,024, when not given.
    progress : callable
        Told steps done and steps.

    Returns
    -------
    BuildResult
        Its ``check_timing()`` raises when the clock is missed.

    Raises
    ------
    RequestError
        For a design that was generated for another board, family, link or clock, and for a clock that is out of reach.
    CheckError
        When the design does not fit, or the frames do not fit beside it.
    ToolError
        When a tool is missing.
    """
    if isinstance(design, Design):
        own = design.link if isinstance(links.get(design.link), BoardLink) else None
        link = own if link is None else link
        if link in (own, None):
            pins = design.pins if pins is None else pins
            baud = design.baud if baud is None else baud
    board, folder = with_baud(with_link(as_board(board), link, pins), baud, freq_mhz), Path(folder)
    chosen = board_link(board)
    clock_mhz = check_clock(board, chosen, freq_mhz)
    check_frame(design.network, board)
    check_memories(design.folded if isinstance(design, Design) else design, board)
    if store is not None and not chosen.counts:
        raise RequestError(f"link {chosen.name} of {board.name} can't ask for a count of frames on the chip")
    # Before anything is made: they may not fit.
    kept = None if store is None else choose_store(design, board, store, store_count)
    if not isinstance(design, Design):
        progress(0, len(STEPS), "generate")
        design = _generated(design, board, folder, model)
    source = _source(design, board, chosen, freq_mhz, kept)

    def told(step: str, fraction: float, what: str) -> None:
        progress(STEPS.index(step) + fraction, len(STEPS), what)

    edited = design.whole.edited if source.linked else design.core.edited
    extra: dict[str, Any] = {"technology": design.technology, "edited": edited, "pins": pins_of(board)}
    network = design.network
    # Of what was edited, and of a store of frames in the link's stead, nothing was estimated.
    as_estimated = not edited and kept is None
    # What the report needs for its picture of the network.
    said = fold_json(design.folded, board, clock_mhz, design.technology)
    beside: dict[str, Any] = {
        "network.json": describe(design.network),
        "fold.json": said,
        SIMULATION: kept_simulation(design),
        # And what a host needs of it.
        NETWORK: lambda path: archive.save(network, path),
    }
    # Its identity is that of what is built: frames on the chip make another one.
    words = np.frombuffer(design.seen.load, "<u2").astype(np.uint16)
    image = pack_image(words, int(source.identity[:8], 16)) if len(words) else b""
    if image:
        offset = None if source.load is None else source.load.offset
        extra["image"] = {"file": IMAGE, "bytes": len(image), "crc": f"{image_crc(image):08x}", "offset": offset}
        extra["writable"] = source.load is not None and source.load.packets
    beside[IMAGE] = (lambda path: write_whole(path, image, owned=True)) if image else None
    if kept is not None:
        extra["store"] = kept.describe() | {"links": link_rates(board, chosen, design.seen.frame, clock_mhz)}
        beside[FRAMES] = kept.save
    return run(
        source,
        board,
        folder,
        link=chosen,
        seed=seed,
        explored=explored,
        freq_mhz=freq_mhz,
        predicted=said["estimate"] if as_estimated else None,
        fmax_estimate_mhz=said["fmax_estimate_mhz"] if as_estimated else None,
        extra=extra,
        beside=beside,
        progress=told,
    )


def _generated(folded: FoldedNetwork, board: Board, folder: Path, model: Path | str | None) -> Design:
    """The design of a network in the folder of its build; made again where something has changed."""
    target = folder / DESIGN
    outputs = [target / name for name in (SIDECAR, f"{CORE}.v", NETWORK, FOLDING)]

    def action() -> dict[str, Any]:
        generate(folded, target, board=board, model=model)
        return {}

    inputs = (folded, board.fingerprint(), None if model is None else str(model), package_digest())
    output = OutputFolder(folder, BUILD, shared=True)
    with new_folders(folder), locked(folder / LOCK), output.writing([stamp_name("generate")]):
        StepCache(folder).run("generate", inputs, outputs, action)
    return open_design(target)


def _source(
    design: Design, board: Board, link: BoardLink, freq_mhz: float | None, store: Store | None = None
) -> Source:
    """What of a design is synthesized for a board; refuses what was generated for something else."""
    where = design.folder
    load = load_setting(design.folded, len(design.seen.load) // 2, board)
    check_load(load, board, link)
    if design.board is not None and design.board != board.name:
        raise RequestError(f"{where}: was generated for board {design.board}, not for {board.name}; generate it again")
    if design.technology not in (technology_of(None), technology_of(board)):
        raise RequestError(
            f"{where}: was generated for family {design.technology}, and {board.name} is of {technology_of(board)}; "
            "generate it again"
        )
    bare = links.get(design.link).bare or store is not None
    if store is not None and design.whole.edited and not design.core.edited:
        raise RequestError(
            f"{design.whole.path}: was edited, and {design.core.path}, which frames on the chip are put around, "
            "was not; edit it there too"
        )
    if not bare and design.link != link.name:
        raise RequestError(
            f"{where}: was generated with link {design.link}, and a bitstream for {board.name} has link {link.name}; "
            "generate it again"
        )
    if not bare:
        if design.protocol_version != link.protocol_version:
            version = design.protocol_version
            made = "an earlier version, which it does not name," if version is None else f"version {version}"
            raise RequestError(
                f"{where}: its link was generated for {made} of what a host says, and this bnnhw speaks version "
                f"{link.protocol_version}; generate it again"
            )
        clock_mhz = board.reachable_mhz(board.clock_mhz if freq_mhz is None else freq_mhz)
        if design.clock_mhz != clock_mhz:
            raise RequestError(
                f"{where}: its link was generated for a clock of {design.clock_mhz:g} MHz, not {clock_mhz:g}; "
                "generate it without a link to build for any clock"
            )
        for name, value in design.settings.items():
            if value != link.settings.get(name):
                raise RequestError(
                    f"{where}: its link was generated for {name} {value}, not {link.settings.get(name)}; generate it "
                    "again, or without a link"
                )
        if design.core.edited and not design.whole.edited:
            raise RequestError(
                f"{design.core.path}: was edited, and {design.whole.path}, which is built, was not; "
                "edit it there too, or generate without a link"
            )
    module, identity = design.core if bare else design.whole, design.sidecar["identity"]
    return Source(
        verilog=module.text,
        module=module.top,
        linked=not bare,
        portable=design.technology == technology_of(None),
        repeated=module.repeated,
        frame=design.seen.frame,
        classes=design.network.output.labels,
        identity=identity if store is None else digest(identity, store.contents),
        cycles_per_frame=design.seen.cycles_per_frame,
        latency_cycles=design.seen.latency_cycles,
        store=None if store is None else store.contents,
        load=load,
    )


def portable_note(design: Design, board: Board) -> str | None:
    """What is worth knowing about a design that was generated for no board, built for one."""
    if design.board is not None or design.technology != technology_of(None):
        return None
    return (
        f"{design.folder}: was generated for no board; what is built for {board.name} is that portable Verilog, and "
        "cycles are its own"
    )


def build_json(result: BuildResult, board: Board, technology: str | None = None) -> dict[str, Any]:
    """What ``bnnhw build`` says of a result."""
    report = read_json(result.report)
    return {
        "bitstream": str(result.bitstream),
        "report": str(result.report),
        "board": board.name,
        "link": result.link,
        "technology": technology_of(board) if technology is None else technology,
        **{name: report.get(name) for name in ("store", "seed", "explored", "image")},
        **result.figures(),
        "unchanged": list(result.skipped),
    }
