"""What a simulation found: mismatches, cycles, and how they compare with what was predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.throughput import LONGEST_PERIOD, SETTLED
from bnnhw.reference import Scores
from bnnhw.sim.harness import Recording
from bnnhw.sim.journal import Journal
from bnnhw.sim.streams import Stream

__all__ = ["Cycles", "LayerMismatch", "Mismatch", "SimulationResult", "compare", "measure"]

LISTED = 20
"""Mismatches told one by one; a wrong network has thousands."""


@dataclass(frozen=True)
class Mismatch:
    """A frame whose output word is not the reference's: (class, its score) of either."""

    frame: int
    expected: tuple[int, int]
    got: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"frame {self.frame}: expected class {self.expected[0]} with score {self.expected[1]}, "
            f"got class {self.got[0]} with score {self.got[1]}"
        )


@dataclass(frozen=True)
class LayerMismatch:
    """A layer whose stream is not the reference's.

    Parameters
    ----------
    layer : str
    wrong : int
        Words that differ; 0 when only their number does.
    words, due : int
        Words that passed, and those that were due.
    at : (frame, (y, x), channel), optional
        The first element that differs; None when only the number of words does.
    expected, got : int, optional
        That element's value.
    """

    layer: str
    wrong: int
    words: int
    due: int
    at: tuple[int, tuple[int, int], int] | None = None
    expected: int | None = None
    got: int | None = None

    def __str__(self) -> str:
        if self.at is None:
            return f"layer {self.layer}: gave {self.words} words, must be {self.due}"
        frame, (y, x), channel = self.at
        return (
            f"layer {self.layer}: {self.wrong} of {self.due} words differ, the first in frame {frame}, row {y}, "
            f"column {x}, channel {channel}: expected {self.expected}, got {self.got}"
        )


@dataclass(frozen=True)
class Cycles:
    """Cycles measured while neither side waited.

    Parameters
    ----------
    per_frame : int or None
        Distance between two output words in steady state, or of distances that repeat in short rounds their mean,
        rounded up; None when there is none: fewer than four frames, or distances that do not settle within the first
        half of them.
    warm_up : int
        Distances before it settled.
    distances : dict of int to int
        How often each distance was seen.
    latency : int or None
        From the cycle in which the first input word of frame 0 was accepted to the one in which its output
        word was offered; None without a frame.
    """

    per_frame: int | None
    warm_up: int
    distances: dict[int, int]
    latency: int | None


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """A simulation of a stream core, against the reference and against the cycle model.

    Parameters
    ----------
    images : int
        Frames simulated.
    mismatches : int
        Output words that differ from the reference in class or score.
    details : tuple of Mismatch
        The first of them.
    accuracy : float or None
        Share of labels that the simulated core got right; None without labels.
    cycles_per_frame, latency_cycles : int or None
        Measured; see :class:`Cycles`.
    predicted_cycles_per_frame, predicted_latency_cycles : int or None
        By :func:`bnnhw.folding.predict.predict`; None where there is no folding to predict from.
    cycles : Cycles
        All that was measured.
    frames_per_s : float
        Frames simulated per second, on this machine, the build of the model not counted.
    verilate_s, compile_s, run_s : float
        Seconds; the first two are 0 when the model was cached.
    layers : int
        Layers whose streams were compared with the reference too, word by word.
    layer_mismatches : tuple of LayerMismatch
        Those that differ, in the network's order: what comes after the first may merely follow from it.
    classes, scores : int64 array (frames,)
        What the core gave: the class, and its score.
    left_out : mapping of str to int
        Neurons or channels that nobody reads, by layer: they are not in the streams that were compared.
    due : int64 array (frames, classes)
        The scores that the reference gives.
    journal : Journal, optional
        Of :attr:`streams`, until the first result, neither side waiting.
    streams : tuple of Stream
        Those that were to be noted.
    """

    images: int
    mismatches: int
    details: tuple[Mismatch, ...]
    accuracy: float | None
    cycles_per_frame: int | None
    predicted_cycles_per_frame: int | None
    latency_cycles: int | None
    predicted_latency_cycles: int | None
    cycles: Cycles
    frames_per_s: float
    verilate_s: float
    compile_s: float
    run_s: float
    layers: int
    layer_mismatches: tuple[LayerMismatch, ...]
    classes: NDArray[np.int64]
    scores: NDArray[np.int64]
    left_out: Mapping[str, int]
    due: NDArray[np.int64]
    journal: Journal | None = None
    streams: tuple[Stream, ...] = ()

    @property
    def difference(self) -> LayerMismatch | Mismatch | None:
        """Where Verilog and reference differ first: layer, frame, position and channel; or the frame's result."""
        return next(iter((*self.layer_mismatches, *self.details)), None)

    @property
    def cycles_match(self) -> bool:
        """Whether what was measured is what was predicted."""
        pairs = (
            (self.cycles_per_frame, self.predicted_cycles_per_frame),
            (self.latency_cycles, self.predicted_latency_cycles),
        )
        return all(measured == predicted for measured, predicted in pairs if None not in (measured, predicted))


def compare(recording: Recording, scores: Scores) -> tuple[int, tuple[Mismatch, ...]]:
    """Every output word against the reference: how many differ, and the first :data:`LISTED` of them."""
    index, score = recording.outputs["index"], recording.outputs["score"]
    best = scores.best
    differs = (index != scores.classes) | (score != best)
    for number, column in enumerate(scores.scores.T):
        # Where a result has the scores of all classes.
        given = recording.outputs.get(f"score_{number}")
        differs |= False if given is None else given != column
    wrong = np.flatnonzero(differs)
    details = tuple(
        Mismatch(int(f), (int(scores.classes[f]), int(best[f])), (int(index[f]), int(score[f]))) for f in wrong[:LISTED]
    )
    return len(wrong), details


def measure(recording: Recording) -> Cycles:
    """Measures cycles per frame and latency of a run without stalls."""
    bounds = [*recording.parts, len(recording.offered)]
    parts: list[NDArray[np.int64]] = [
        np.diff(recording.offered[first:last]) for first, last in zip(bounds, bounds[1:], strict=False)
    ]
    distances = Counter(np.concatenate(parts).tolist()) if parts else Counter()
    latency = int(recording.offered[0] - recording.accepted[0]) if len(recording.offered) else None
    warm_up, settled = 0, set[int | None]()
    for part in parts:
        start, per_frame = _steady(part)
        warm_up = max(warm_up, start)
        settled.add(per_frame)
    per_frame = settled.pop() if len(settled) == 1 else None
    return Cycles(per_frame, warm_up, dict(distances), latency)


def _steady(part: NDArray[np.int64]) -> tuple[int, int | None]:
    """From which distance on they repeat in the shortest rounds, within their first half, and their mean, rounded up.

    The last round may not be whole, where frames that share the weights that are read end within one: its frames have
    distances of their own. Where none repeat: from which on they are equal, and None.
    """
    starts: list[int] = []
    for period in range(1, LONGEST_PERIOD + 1):
        for rest in range(period):
            kept = part[: max(len(part) - rest, 0)]
            others = np.flatnonzero(kept[period:] != kept[:-period])
            starts.append(int(others[-1]) + 1 if len(others) else 0)
            if len(kept) >= SETTLED * period and starts[-1] * 2 <= len(part):
                return starts[-1], -(-int(kept[-period:].sum()) // period)
    return starts[0], None
