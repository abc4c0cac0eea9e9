"""What each activation is worth, what it costs, and which widths to try."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bnnhw.analysis import Sensitivity, Suggestion, measure, suggest
from bnnhw.boards import Board
from bnnhw.errors import RequestError
from bnnhw.flow.choose import choose
from bnnhw.flow.evaluate import encode
from bnnhw.flow.fold import estimate_json, link_reserve
from bnnhw.flow.progress import Stage, silent_stage
from bnnhw.folding.solve import CELL_SHARE
from bnnhw.ir import Network

__all__ = ["SensitivityResult", "sensitivity", "sensitivity_json"]


@dataclass(frozen=True)
class SensitivityResult:
    """What was measured, what is suggested, and the board whose costs decided."""

    measured: Sensitivity
    suggestion: Suggestion
    board: Board


def sensitivity(
    network: Network,
    samples: ArrayLike,
    labels: NDArray[np.int64],
    *,
    board: Board | str | None = None,
    folding: Path | str | None = None,
    budget: int | None = None,
    rate: float = 0.05,
    seed: int = 0,
    stage: Stage = silent_stage,
) -> SensitivityResult:
    """Measures what each layer's activations are worth, and suggests widths for them under a budget.

    Parameters
    ----------
    network : Network
        Streamlined.
    samples : array (frames, ...)
        As the data set gives them.
    labels : int array (frames,)
    board : Board or str, optional
        Whose resources count; without one the first that the network fits.
    folding : Path or str, optional
        A folding file; it needs a board.
    budget : int, optional
        LUT4 for the network and its link; 70 % of the board's when not given.
    rate : float
        Share of a layer's elements that are disturbed.
    seed : int
        Of the disturbances.
    stage : callable
        Told of the steps.
    """
    if folding is not None and board is None:
        raise RequestError("--folding needs --board, whose technology and resources it is for")
    codes = encode(network, samples)
    with stage("fold"):
        choice = choose(network, board, folding=folding)
        folded, chosen = choice.folded, choice.board
    with stage("measure") as update:
        measured = measure(network, codes, labels, rate=rate, seed=seed, progress=update)
    with stage("suggest") as update:
        limit = int(CELL_SHARE * chosen.lut4) if budget is None else budget
        suggestion = suggest(measured, folded, chosen, limit, reserve=link_reserve(network, chosen), progress=update)
    return SensitivityResult(measured, suggestion, chosen)


def sensitivity_json(result: SensitivityResult) -> dict[str, Any]:
    """What ``bnnhw sensitivity`` says of the measurements and of the widths."""
    measured, suggestion = result.measured, result.suggestion
    return {
        "board": result.board.name,
        "images": measured.frames,
        "accuracy": measured.accuracy,
        "rate": measured.rate,
        "seed": measured.seed,
        "budget": suggestion.budget,
        "estimate": estimate_json(suggestion.estimate),
        "suggested_estimate": estimate_json(suggestion.suggested_estimate),
        "noise": suggestion.noise,
        "suggested_noise": suggestion.suggested_noise,
        "layers": [
            {
                "name": m.site.name,
                "kind": m.site.kind,
                "elements": m.site.elements,
                "bits": width.bits,
                "accuracy_drop": m.accuracy_drop,
                "changed": m.changed,
                "noise": m.noise,
                "lut4_per_bit": width.lut4_per_bit,
                "suggested_bits": width.suggested_bits,
            }
            for m, width in zip(measured.sites, suggestion.sites, strict=True)
        ],
    }
