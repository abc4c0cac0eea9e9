"""What every stream of an accelerator did, cycle by cycle, until its first result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.sim.ports import limbs_of

__all__ = ["Journal"]


@dataclass(frozen=True, eq=False)
class Journal:
    """The cycles in which a word was offered somewhere.

    Parameters
    ----------
    cycles : int64 array (entries,)
        Ascending, counted from the end of the reset; in those that are not listed no stream had a word.
    valid, ready : bool array (entries, streams)
        Whether a word was offered, and whether one would be taken: both together move it.
    """

    cycles: NDArray[np.int64]
    valid: NDArray[np.bool_]
    ready: NDArray[np.bool_]

    @classmethod
    def read(cls, path: Path, streams: int) -> Journal:
        """What the bench wrote of so many streams."""
        limbs = limbs_of(streams)
        rows = np.fromfile(path, np.dtype([("cycle", "<i8"), ("bits", "<u4", (2, limbs))]))
        octets = np.ascontiguousarray(rows["bits"]).view(np.uint8).reshape(len(rows), 2, 4 * limbs)
        bits = np.unpackbits(octets, axis=2, count=streams, bitorder="little").astype(np.bool_)
        return cls(rows["cycle"].astype(np.int64), bits[:, 0], bits[:, 1])

    def moved(self, stream: int) -> NDArray[np.int64]:
        """The cycles in which a stream's words were taken, one after another."""
        return self.cycles[self.valid[:, stream] & self.ready[:, stream]]

    def waited(self, stream: int) -> NDArray[np.int64]:
        """The cycles in which a word was offered on a stream and not taken."""
        return self.cycles[self.valid[:, stream] & ~self.ready[:, stream]]

    def runs(self, stream: int) -> dict[str, list[list[int]]]:
        """Both as runs of cycles that are equally far apart: ``[first, distance, number]``."""
        return {"moved": _runs(self.moved(stream)), "waited": _runs(self.waited(stream))}


def _runs(cycles: NDArray[np.int64]) -> list[list[int]]:
    runs: list[list[int]] = []
    for cycle in cycles.tolist():
        if runs and (runs[-1][2] == 1 or cycle == runs[-1][0] + runs[-1][1] * runs[-1][2]):
            runs[-1][1] = cycle - runs[-1][0] if runs[-1][2] == 1 else runs[-1][1]
            runs[-1][2] += 1
        else:
            runs.append([cycle, 1, 1])
    return runs
