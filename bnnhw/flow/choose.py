"""The choice of a folding: for a board, by what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.dataflow.engine import ENGINES
from bnnhw.errors import CheckError, FoldingError, RequestError
from bnnhw.flow.aims import MODEST, Aim, beyond_words
from bnnhw.flow.fold import as_board, check_frame, cost, fold_json, link_reserve
from bnnhw.folding import FoldedNetwork
from bnnhw.folding import file as folding_file
from bnnhw.folding.costs import Costs
from bnnhw.folding.engines import FOLDED, Chooser, Preferring
from bnnhw.folding.solve import Solver
from bnnhw.ir import Network
from bnnhw.links import board_link
from bnnhw.links.weights import flash_loader

__all__ = [
    "ANY",
    "HEADROOM",
    "SMALLEST",
    "Choice",
    "check_memories",
    "choose",
    "choose_board",
    "engine_words",
    "fold",
]

ANY = "any"
"""Whichever engine, layer by layer."""

SMALLEST = "smallest"
"""Instead of a board's name: the smallest on which an aim is reached."""

HEADROOM = ("cycles_per_frame", "fps", "link_fps", "estimate")
"""What is said of the fastest folding that fits, in the words of :func:`~bnnhw.flow.fold.fold_json`."""


def fold(
    network: Network,
    board: Board | str | None = None,
    *,
    folding: Path | str | None = None,
    fps: float | None = None,
    latency_us: float | None = None,
    cells: int | None = None,
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
    fps, latency_us, cells, fastest
        What it is chosen for (:class:`Aim`).
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
        When none fits the board, or none that does meets the aim.
    FoldingError
        When the file's folding can't be built.
    RequestError
        For an engine that is not known, or more aims than one.
    """
    aim = Aim(fps, latency_us, cells, fastest)
    return choose(network, board, aim, folding=folding, engine=engine, writable=writable).folded


@dataclass(frozen=True)
class Choice:
    """A folding, and the board that it was chosen for.

    Parameters
    ----------
    folded : FoldedNetwork
    board : Board
    solver : Chooser, optional
        What chose it; None for one from a file.
    aim : Aim
    """

    folded: FoldedNetwork
    board: Board
    solver: Chooser | None = None
    aim: Aim = MODEST

    def headroom(self) -> dict[str, Any] | None:
        """What the fastest folding that fits the board promises: what a modest choice leaves on the table.

        Returns
        -------
        dict, optional
            ``cycles_per_frame``, ``fps`` at the board's clock, ``link_fps`` and ``estimate``, as
            :func:`~bnnhw.flow.fold.fold_json` says them; None for a folding from a file.
        """
        if self.solver is None:
            return None
        best = fold_json(self.solver.fastest(), self.board)
        return {key: best[key] for key in HEADROOM}

    def better(self) -> dict[str, Any] | None:
        """What the next quicker folding would take that was not to be had.

        Returns
        -------
        dict, optional
            ``cycles_per_frame``, ``estimate``, ``short``: what of it is too much, of ``cells``, ``bram`` and ``spram``,
            and ``text``, all that in words. None of a folding that is just quick enough, of one from a file, and where
            none is quicker.
        """
        if self.solver is None or not self.aim.limit:
            return None
        taken = cost(self.folded, self.board).cells
        # Where nothing was so small, the whole device was had.
        limit = self.aim.limit if taken <= self.aim.limit else inf
        found = self.solver.beyond(self.solver.slowest(self.folded) - 1, limit)
        if found is None or not found.short:
            return None
        return {
            "cycles_per_frame": found.cycles,
            "estimate": found.resources.as_dict(),
            "short": list(found.short),
            "text": beyond_words(found, self.board),
        }


def choose(
    network: Network,
    board: Board | str | None = None,
    aim: Aim = MODEST,
    *,
    folding: Path | str | None = None,
    engine: str | None = None,
    writable: bool = False,
) -> Choice:
    """Like :func:`fold`, with the board that it is for and what was left on the table."""
    candidates = boards.usual() if board is None else [as_board(board)]
    if folding is not None:
        return _from_file(network, candidates[0], Path(folding), writable)
    return _first(network, candidates, aim, engine, writable)


def choose_board(network: Network, aim: Aim, *, engine: str | None = None, writable: bool = False) -> Choice:
    """The smallest of the boards that come with bnnhw on which an aim is reached, and the folding that does it.

    Raises
    ------
    CheckError
        When none does; says so of the last, which has the most logic cells.
    """
    candidates: dict[tuple[object, ...], Board] = {}
    for board in boards.BOARDS.values():
        with suppress(RequestError):
            check_frame(network, board)
            # Of the same chip, clock and link one says what the others would.
            candidates.setdefault((board.device, board.package, board.clock_mhz, board_link(board)), board)
    try:
        return _first(network, list(candidates.values()), aim, engine, writable)
    except CheckError as error:
        raise CheckError(f"no board that comes with bnnhw is enough; of the largest: {error}") from None


def _first(network: Network, candidates: Sequence[Board], aim: Aim, engine: str | None, writable: bool) -> Choice:
    """The choice for the first board on which the aim is met; what is wrong with the last where there is none."""
    costs: dict[str, Costs] = {}
    for board in candidates:
        last = board is candidates[-1]
        known = costs.setdefault(board.family.name, Costs(board.family.technology))
        try:
            solver = _chooser(network, board, engine, writable, known)
            folded = aim.met(solver, board)
        except (CheckError, FoldingError):
            if last:
                raise
            continue
        if folded is not None:
            return Choice(folded, board, solver, aim)
        if last:
            raise aim.missed(solver, board)
    raise RequestError("no board takes frames of so many bits")


def _from_file(network: Network, board: Board, folding: Path, writable: bool) -> Choice:
    """A folding that a file says."""
    folded = folding_file.load(folding, network)
    if writable:
        folded = FoldedNetwork(network, tuple(replace(each, writable=True) for each in folded.foldings))
    check_memories(folded, board)
    return Choice(folded, board)


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


def _chooser(network: Network, board: Board, engine: str | None, writable: bool, costs: Costs | None) -> Chooser:
    reserve = link_reserve(network, board)
    if engine is None and not writable:
        return Preferring(network, board, reserve=reserve, loader=flash_loader(), costs=costs)
    engine = FOLDED if engine is None else engine
    if engine not in engine_words():
        raise RequestError(f"engine must be one of {', '.join(engine_words())}, not {engine!r}")
    engines = tuple(ENGINES) if engine == ANY else (engine,)
    return Solver(
        network, board, reserve=reserve, engines=engines, loader=flash_loader(), writable=writable, costs=costs
    )


def engine_words() -> tuple[str, ...]:
    """What may be asked for: an engine, or any of them."""
    return (*ENGINES, ANY)
