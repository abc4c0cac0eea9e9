"""What several verbs are given: a design, or a network and frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.boards import Board
    from bnnhw.cli.session import Session
    from bnnhw.flow.design import Design
    from bnnhw.flow.frames import Frames, Wanted
    from bnnhw.folding import FoldedNetwork
    from bnnhw.ir import Network

__all__ = [
    "choose_folding",
    "frames_per_second",
    "headroom_note",
    "left_out_note",
    "load_frames",
    "open_path",
    "tell_frames",
]

WORTH_SAYING = 2
"""How many times faster the fastest folding must be for a verb that chose a modest one to say so."""


def frames_per_second(figures: Mapping[str, Any]) -> str:
    """Those of the core, and those that get to it; ``figures`` has ``fps`` and ``link_fps``."""
    return f"{figures['fps']:,.0f} frames per second, {figures['link_fps']:,.0f} over the link"


def headroom_note(best: Mapping[str, Any]) -> str:
    """What ``bnnhw fold --max`` gives, in a line; ``best`` is what :meth:`bnnhw.flow.choose.Choice.headroom` says."""
    return (
        f"the fastest that fits (bnnhw fold --max): {frames_per_second(best)}, "
        f"about {best['estimate']['lut4']} LUT4 and {best['estimate']['bram']} block RAMs, longer to build"
    )


def left_out_note(left_out: Mapping[str, int]) -> str:
    """How many neurons nobody reads, layer by layer, in a line."""
    layers = ", ".join(f"{count} of {layer}" for layer, count in left_out.items())
    return f"neurons that nobody reads are left out: {layers}"


def choose_folding(
    session: Session, network: Network, board: Board | None, folding: Path | None, *, writable: bool = False
) -> FoldedNetwork:
    """The folding of the file, or the one that suits the board; says what a choice leaves on the table."""
    from bnnhw.flow.choose import choose
    from bnnhw.flow.fold import predict

    choice = choose(network, board, folding=folding, writable=writable)
    best = choice.headroom()
    if best and predict(choice.folded, choice.board).cycles_per_frame >= WORTH_SAYING * best["cycles_per_frame"]:
        session.say(f"folded to build in minutes on {choice.board.name}; {headroom_note(best)}")
    return choice.folded


def open_path(
    session: Session,
    path: Path,
    board: Board | None = None,
    folding: Path | None = None,
    *,
    writable: bool = False,
) -> Design | FoldedNetwork:
    """A generated folder, or a bare .bnn file, folded: by the folding file, or as suits the board."""
    from bnnhw.flow.choose import fold
    from bnnhw.flow.design import open_design
    from bnnhw.flow.fold import check_frame
    from bnnhw.flow.network import check_imported, open_network

    if not path.is_dir():
        if board is None:
            return fold(open_network(path), folding=folding)
        network = open_network(path)
        check_frame(network, board)
        return choose_folding(session, network, board, folding, writable=writable)
    check_imported(path)
    if folding is not None:
        raise RequestError(f"--folding must not be given with {path}, which was generated with its own")
    if writable:
        raise RequestError(f"--writable must not be given with {path}, which was generated as it is")
    return open_design(path)


def load_frames(session: Session, network: Network, wanted: Wanted) -> Frames:
    """The frames that a verb is asked to run a network on; says what is strange about them."""
    from bnnhw.flow.frames import find_frames

    found = find_frames(network, wanted)
    tell_frames(session, found)
    return found


def tell_frames(session: Session, frames: Frames) -> None:
    """Says what is strange about frames, and what is worth knowing."""
    for note in frames.notes:
        session.say(note)
    for warning in frames.warnings:
        session.warn(warning)
