"""From a design to a bitstream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bnnhw.boards import Board
from bnnhw.build.bitstream import STEPS, BuildResult
from bnnhw.build.bitstream import build as run
from bnnhw.files import write_json
from bnnhw.flow.design import Design
from bnnhw.flow.fold import as_board, fold_json
from bnnhw.flow.progress import Progress, silent
from bnnhw.flow.show import describe
from bnnhw.folding import FoldedNetwork
from bnnhw.links import board_link

__all__ = ["build_bitstream", "build_json"]


def build_bitstream(
    design: Design | FoldedNetwork,
    board: Board | str,
    folder: Path | str,
    *,
    seed: int = 0,
    freq_mhz: float | None = None,
    progress: Progress = silent,
) -> BuildResult:
    """Builds the bitstream of a design for a board, the board's link around it.

    Everything that the steps make stays in the folder, logs included; steps whose inputs have not changed are
    skipped.

    Parameters
    ----------
    design : Design or FoldedNetwork
    board : Board or str
    folder : Path or str
    seed : int
        Of place and route.
    freq_mhz : float, optional
        Clock to build for; the board's when not given.
    progress : callable
        Told steps done and steps.

    Returns
    -------
    BuildResult
        Its ``check_timing()`` raises when the clock is missed.

    Raises
    ------
    RequestError
        For a clock that is out of reach.
    CheckError
        When the design does not fit.
    ToolError
        When a tool is missing.
    """
    board, folder = as_board(board), Path(folder)
    folded = design.folded if isinstance(design, Design) else design

    def told(step: str, fraction: float, what: str) -> None:
        progress(STEPS.index(step) + fraction, len(STEPS), what)

    result = run(folded, board, folder, link=board_link(board), seed=seed, freq_mhz=freq_mhz, progress=told)
    # What the report needs for its picture of the network.
    write_json(folder / "network.json", describe(folded.network))
    write_json(folder / "fold.json", fold_json(folded, board, result.clock_mhz))
    return result


def build_json(result: BuildResult, board: Board) -> dict[str, Any]:
    """What ``bnnhw build`` says of a result."""
    return {
        "bitstream": str(result.bitstream),
        "report": str(result.report),
        "board": board.name,
        "fmax_mhz": result.fmax_mhz,
        "clock_mhz": result.clock_mhz,
        "timing_met": result.timing_met,
        "utilization": result.utilization,
        "estimate": result.estimate,
        "fps": result.fps,
        "latency_us": result.latency_us,
        "link_fps": result.link_fps,
        "stages_s": result.stages_s,
        "unchanged": list(result.skipped),
    }
