"""What a folding is chosen for, and why it is not reached."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from bnnhw.boards import Board
from bnnhw.errors import CheckError, RequestError
from bnnhw.flow.fold import fold_json
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.beyond import Beyond
from bnnhw.folding.engines import Chooser
from bnnhw.folding.solve import MODEST_CELLS

__all__ = ["MODEST", "Aim", "beyond_words", "cycles_for"]


@dataclass(frozen=True)
class Aim:
    """What a folding is chosen for, one of these at most; of none, the fastest of at most 4,000 logic cells.

    That builds in a minute or two; where none is so small, it is the fastest that fits.

    Parameters
    ----------
    fps : float, optional
        Frames per second of the core that are enough at the board's clock: the cheapest folding that reaches them.
    latency_us : float, optional
        Microseconds at the board's clock, from the first word of a frame that meets an empty accelerator to its result,
        that are quick enough: the cheapest folding found.
    cells : int, optional
        Logic cells of place and route, link included: the fastest of at most so many.
    fastest : bool
        The fastest that fits, however long its build takes.
    """

    fps: float | None = None
    latency_us: float | None = None
    cells: int | None = None
    fastest: bool = False

    def __post_init__(self) -> None:
        if sum((self.fps is not None, self.latency_us is not None, self.cells is not None, self.fastest)) > 1:
            raise RequestError("only one of frames per second, a latency, logic cells and the fastest can be asked for")

    @property
    def limit(self) -> float:
        """Logic cells that a folding is to have at most, beside what the device holds; 0 of one that is just enough."""
        if self.fps is not None or self.latency_us is not None:
            return 0
        return inf if self.fastest else MODEST_CELLS if self.cells is None else self.cells

    def met(self, solver: Chooser, board: Board) -> FoldedNetwork | None:
        """The folding that meets it; None, or :class:`~bnnhw.errors.CheckError` where nothing fits, when none does."""
        if self.fps is not None:
            return solver.cheapest(cycles_for(self.fps, board.clock_mhz))
        if self.latency_us is not None:
            return solver.prompt(int(self.latency_us * board.clock_mhz * (1 + 1e-12)))
        if self.cells is not None:
            return solver.within(self.cells)
        return solver.fastest() if self.fastest else solver.modest()

    def missed(self, solver: Chooser, board: Board) -> CheckError:
        """Why it is not met on a board: what is nearest, and what more would take."""
        best = fold_json(solver.fastest(), board)
        if self.latency_us is not None:
            latency = best["latency_cycles"] / board.clock_mhz
            return CheckError(
                f"the fastest folding that fits {board.name} has a latency of {latency:.3g} us at "
                f"{board.clock_mhz:g} MHz, and none of {self.latency_us:g} us was found"
            )
        assert self.fps is not None, "other aims are met by whatever fits"
        why = beyond_words(solver.beyond(cycles_for(self.fps, board.clock_mhz)), board)
        return CheckError(
            f"the fastest folding that fits {board.name} gives {best['fps']:.1f} frames per second at "
            f"{board.clock_mhz:g} MHz ({best['link_fps']:.1f} over the link), not {self.fps:.10g}: {why}"
        )


MODEST = Aim()
"""Of nothing that is asked for."""


def beyond_words(found: Beyond | None, board: Board) -> str:
    """What a folding would take that is not to be had, in words."""
    if found is None:
        return "no folding is that quick, whatever the device"
    taken = []
    if "cells" in found.short:
        taken.append(f"{found.resources.cells:,} logic cells of {found.cells:,.0f}")
    if "bram" in found.short:
        taken.append(f"{found.resources.bram} block RAMs of {board.block_rams}")
    if "spram" in found.short:
        taken.append(f"{found.resources.spram} SPRAMs of {board.filled_sprams}")
    what = " and ".join(taken) or f"{found.resources.cells:,} logic cells and {found.resources.bram} block RAMs"
    return f"{found.cycles:,} cycles per frame would take about {what}"


def cycles_for(fps: float, clock_mhz: float) -> int:
    """The most cycles per frame at which a clock gives so many frames per second."""
    # Frames per second that `fold` said are a rounded quotient: they ask for the cycles that they are of.
    return int(clock_mhz * 1e6 / fps * (1 + 1e-12))
