"""The netlist after synthesis, in the same bench as the Verilog it was made of, against the same reference.

The cells are Yosys' own models. Flip-flops and memories start as they power up: flip-flops at their
initial value, memories with the contents of the bitstream; by default the core gets no reset at all.
What a model does not show is time: the block RAMs of some chips are not readable for some microseconds
after configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork
from bnnhw.sim.cells import netlist_verilog
from bnnhw.sim.core import Core
from bnnhw.sim.result import SimulationResult
from bnnhw.sim.simulate import simulate_core

__all__ = ["simulate_netlist"]


def simulate_netlist(
    folded: FoldedNetwork,
    codes: NDArray[np.uint8],
    netlist: Path,
    family: str,
    *,
    labels: NDArray[np.integer] | None = None,
    top: str = "accelerator",
    stall: float = 0.0,
    seed: int = 1,
    reset_cycles: int = 0,
    wave: Path | None = None,
    wave_frames: int = 2,
    jobs: int = 2,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SimulationResult:
    """Simulate the mapped netlist of an accelerator (the stream core, not a board's top).

    Parameters
    ----------
    netlist : Path
        Yosys JSON, as :func:`bnnhw.build.synth.synthesize` leaves it.
    family : str
        The device family it is mapped to.
    reset_cycles : int
        0: the core starts as the chip powers up.

    Other parameters and errors as for :func:`bnnhw.sim.simulate.simulate`.
    """
    core = Core.of(folded.graph(technology(family)), top)
    return simulate_core(
        folded.network, core, netlist_verilog(netlist, top), codes, labels=labels, stall=stall, seed=seed, wave=wave,
        wave_frames=wave_frames, jobs=jobs, cache=cache, progress=progress, reset_cycles=reset_cycles,
    )  # fmt: skip
