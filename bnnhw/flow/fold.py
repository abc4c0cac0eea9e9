"""The choice of a folding, and what it promises: cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bnnhw import boards, devices
from bnnhw.boards import Board
from bnnhw.dataflow import Resources
from bnnhw.dataflow.engine import ENGINES
from bnnhw.dataflow.frame import Frame
from bnnhw.dataflow.graph import left_out
from bnnhw.dataflow.resources import NOTHING
from bnnhw.errors import CheckError, FoldingError, RequestError
from bnnhw.files import new_folders
from bnnhw.flow.chip import chip_json
from bnnhw.folding import FoldedNetwork, Prediction
from bnnhw.folding import file as folding_file
from bnnhw.folding import predict as predict_graph
from bnnhw.folding.engines import FOLDED, Chooser, Preferring
from bnnhw.folding.solve import Solver
from bnnhw.ir import Network
from bnnhw.links import board_link
from bnnhw.links.weights import flash_loader

__all__ = [
    "ANY",
    "HEADROOM",
    "Choice",
    "as_board",
    "check_frame",
    "check_frame_bits",
    "check_memories",
    "choose",
    "cost",
    "cycles_for",
    "engine_words",
    "estimate_json",
    "fold",
    "fold_json",
    "link_reserve",
    "predict",
    "save_folding",
    "technology_of",
    "with_link",
]


ANY = "any"
"""Whichever engine, layer by layer."""

HEADROOM = ("cycles_per_frame", "fps", "link_fps", "estimate")
"""What is said of the fastest folding that fits, in the words of :func:`fold_json`."""


def as_board(board: Board | str) -> Board:
    """A board, by its name where it is one; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    return boards.get(board) if isinstance(board, str) else board


def technology_of(board: Board | None) -> str:
    """Name of the technology that hardware for a board is made for: ``"generic"`` without one."""
    return "generic" if board is None else board.family.name


def fold(
    network: Network,
    board: Board | str | None = None,
    *,
    folding: Path | str | None = None,
    fps: float | None = None,
    fastest: bool = False,
    engine: str | None = None,
    writable: bool = False,
) -> FoldedNetwork:
    """Chooses PE, SIMD, memory and engine of every layer; room for the board's link is kept.

    Parameters
    ----------
    network : Network
        Streamlined.
    board : Board or str, optional
        The board it must fit; without one the first that it fits.
    folding : Path or str, optional
        A folding file to take instead of a choice.
    fps : float, optional
        Frames per second that are enough at the board's clock: the cheapest folding that reaches them.
    fastest : bool
        The fastest that fits, however long its build takes. Otherwise, and without ``fps``, the fastest of at most
        4,000 logic cells, link included, which builds in a minute or two; where none is so small, the fastest that
        fits.
    engine : str, optional
        The engine of every layer that it can compute, ``"folded"``, ``"spatial"`` or ``"lookup"``; ``"any"``: what
        costs least of all engines, layer by layer. Not given: ``"folded"`` where that fits and is fast enough, and for
        the fastest where nothing is faster; else ``"any"`` (:class:`~bnnhw.folding.engines.Preferring`).
    writable : bool
        Whether weights and thresholds of all layers are to be replaceable while the device runs: in block RAM or SPRAM,
        by the engine folded.

    Raises
    ------
    CheckError
        When none fits the board, or none that does is so fast.
    FoldingError
        When the file's folding can't be built.
    RequestError
        For an engine that is not known.
    """
    return choose(network, board, folding=folding, fps=fps, fastest=fastest, engine=engine, writable=writable).folded


@dataclass(frozen=True)
class Choice:
    """A folding, and the board that it was chosen for.

    Parameters
    ----------
    folded : FoldedNetwork
    board : Board
    solver : Chooser, optional
        What chose it; None for one from a file.
    """

    folded: FoldedNetwork
    board: Board
    solver: Chooser | None = None

    def headroom(self) -> dict[str, Any] | None:
        """What the fastest folding that fits the board promises: what a modest choice leaves on the table.

        Returns
        -------
        dict, optional
            ``cycles_per_frame``, ``fps`` at the board's clock, ``link_fps`` and ``estimate``, as :func:`fold_json` says
            them; None for a folding from a file.
        """
        if self.solver is None:
            return None
        best = fold_json(self.solver.fastest(), self.board)
        return {key: best[key] for key in HEADROOM}


def choose(
    network: Network,
    board: Board | str | None = None,
    *,
    folding: Path | str | None = None,
    fps: float | None = None,
    fastest: bool = False,
    engine: str | None = None,
    writable: bool = False,
) -> Choice:
    """Like :func:`fold`, with the board that it is for and what was left on the table."""
    candidates = boards.usual() if board is None else [as_board(board)]
    for candidate in candidates[:-1]:
        try:
            return _choose(network, candidate, folding, fps, fastest, engine, writable)
        except (CheckError, FoldingError):
            continue
    return _choose(network, candidates[-1], folding, fps, fastest, engine, writable)


def _choose(
    network: Network,
    board: Board,
    folding: Path | str | None,
    fps: float | None,
    fastest: bool,
    engine: str | None,
    writable: bool,
) -> Choice:
    if folding is not None:
        folded = folding_file.load(Path(folding), network)
        if writable:
            folded = FoldedNetwork(network, tuple(replace(each, writable=True) for each in folded.foldings))
        check_memories(folded, board)
        return Choice(folded, board)
    solver = _chooser(network, board, engine, writable)
    if fps is None:
        return Choice(solver.fastest() if fastest else solver.modest(), board, solver)
    folded = solver.cheapest(cycles_for(fps, board.clock_mhz))
    if folded is None:
        best = fold_json(solver.fastest(), board)
        raise CheckError(
            f"the fastest folding that fits {board.name} gives {best['fps']:.1f} frames per second at "
            f"{board.clock_mhz:g} MHz ({best['link_fps']:.1f} over the link), not {fps:g}"
        )
    return Choice(folded, board, solver)


def check_memories(folded: FoldedNetwork, board: Board) -> None:
    """:class:`~bnnhw.errors.RequestError` for weights in SPRAM that a board has not, or can't fill."""
    chosen = [(layer, folding) for layer, folding in folded.pairs if folding.memory == "spram"]
    if not chosen:
        return
    name = chosen[0][0].name
    if not board.sprams:
        raise RequestError(
            f"layer {name}: memory spram needs a device with SPRAM, and the {board.device} of {board.name} has none: "
            "lut or block"
        )
    fixed = next((layer.name for layer, folding in chosen if not folding.writable), None)
    if fixed is not None and not board.filled_sprams:
        raise RequestError(
            f"layer {fixed}: memory spram is filled from the flash of the board, and no program that is known here "
            f"writes that of {board.name} behind the bitstream: lut or block, or writable, to be filled over the link"
        )
    taken = folded.graph(board.family.technology, quick=True).resources().spram
    if taken > board.sprams:
        raise RequestError(
            f"layer {name}: memory spram must take at most the {board.sprams} SPRAMs of {board.name}, not {taken}, all "
            "layers together"
        )


def _chooser(network: Network, board: Board, engine: str | None, writable: bool) -> Chooser:
    reserve = link_reserve(network, board)
    if engine is None and not writable:
        return Preferring(network, board, reserve=reserve, loader=flash_loader())
    engine = FOLDED if engine is None else engine
    if engine not in engine_words():
        raise RequestError(f"engine must be one of {', '.join(engine_words())}, not {engine!r}")
    engines = tuple(ENGINES) if engine == ANY else (engine,)
    return Solver(network, board, reserve=reserve, engines=engines, loader=flash_loader(), writable=writable)


def engine_words() -> tuple[str, ...]:
    """What may be asked for: an engine, or any of them."""
    return (*ENGINES, ANY)


def cycles_for(fps: float, clock_mhz: float) -> int:
    """The most cycles per frame at which a clock gives so many frames per second."""
    # Frames per second that `fold` said are a rounded quotient: they ask for the cycles that they are of.
    return int(clock_mhz * 1e6 / fps * (1 + 1e-12))


def check_frame(network: Network, board: Board | str) -> None:
    """:class:`~bnnhw.errors.RequestError` for a network whose frames are too long for the link of a board."""
    check_frame_bits(_frame_bits(network), board)


def check_frame_bits(bits: int, board: Board | str) -> None:
    """:class:`~bnnhw.errors.RequestError` for frames of so many bits that are too long for the link of a board."""
    board_link(as_board(board)).check_frame(bits)


def link_reserve(network: Network, board: Board) -> Resources:
    """What the link of a board takes of it beside a network, the frames that wait in it included."""
    return board_link(board).reserve(_frame_bits(network), board.family.technology)


def _frame_bits(network: Network) -> int:
    return network.input.elements * network.input.dtype.bits


def save_folding(folded: FoldedNetwork, path: Path | str) -> None:
    """Writes a folding file, whole or not at all; folders on the way are made."""
    path = Path(path)
    with new_folders(path.parent):
        folding_file.save(folded.foldings, folded.network, path)


def predict(folded: FoldedNetwork, board: Board | str | None = None) -> Prediction:
    """The exact cycles of a folded network: per frame, of latency, and of each unit.

    Parameters
    ----------
    board : Board or str, optional
        The board it is for; its technology decides the latency. Without one portable Verilog's.
    """
    technology = technology_of(None if board is None else as_board(board))
    return predict_graph(folded.graph(devices.technology(technology)))


def cost(folded: FoldedNetwork, board: Board | str) -> Resources:
    """About what a folded network takes of a board: LUT4, registers, block RAMs, those of its link included."""
    board = as_board(board)
    return with_link(folded.graph(board.family.technology).resources(), folded.network, board)


def with_link(core: Resources, network: Network, board: Board) -> Resources:
    """What an accelerator takes with its link, and with what fills its SPRAM."""
    return core + link_reserve(network, board) + (flash_loader() if core.spram else NOTHING)


def estimate_json(resources: Resources) -> dict[str, int]:
    """An estimate in the words of a build's utilization."""
    return resources.as_dict()


def fold_json(
    folded: FoldedNetwork, board: Board, clock_mhz: float | None = None, technology: str | None = None
) -> dict[str, Any]:
    """What ``bnnhw fold`` says of a folding; the cycles are those of the exact model.

    Parameters
    ----------
    clock_mhz : float, optional
        The board's when not given.
    technology : str, optional
        What the hardware is made for; the board's when not given.
    """
    clock_mhz = board.clock_mhz if clock_mhz is None else clock_mhz
    technology = board.family.name if technology is None else technology
    graph = folded.graph(devices.technology(technology))
    prediction = predict_graph(graph)
    link = board_link(board)
    # Of each layer its last unit's; the units of layers at the end may be one, under the name of the last.
    end = prediction.layers[-1].cycles
    cycles = {unit.name: unit.cycles for unit in prediction.layers}
    return {
        "board": board.name,
        "layers": [
            {
                "name": layer.name,
                "pe": folding.pe,
                "simd": folding.simd,
                "engine": folding.engine,
                "memory": folding.memory,
                "planes": folding.planes,
                "vectors": folding.vectors,
                "columns": folding.columns,
                "writable": folding.writable,
                "cycles": cycles.get(layer.name, end),
            }
            for layer, folding in folded.pairs
        ],
        "units": [
            {
                "name": unit.name,
                "unit": unit.unit,
                "cycles": unit.cycles,
                "node": node.name,
                "estimate": node.unit.resources(graph.technology).as_dict(),
            }
            for node, unit in zip(graph.nodes, prediction.layers, strict=True)
        ],
        "left_out": left_out(graph.probes),
        "cycles_per_frame": prediction.cycles_per_frame,
        "latency_cycles": prediction.latency_cycles,
        "fps": clock_mhz * 1e6 / prediction.cycles_per_frame,
        "link_fps": link.frames_per_s(Frame.of(graph), clock_mhz),
        "clock_mhz": clock_mhz,
        "chip": chip_json(board),
        # With the link, as the design that `build` makes.
        "estimate": estimate_json(with_link(graph.resources(), folded.network, board)),
    }
