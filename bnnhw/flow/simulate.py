"""The generated Verilog against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bnnhw import boards, devices
from bnnhw.errors import CheckError, RequestError
from bnnhw.flow.design import Design
from bnnhw.flow.evaluate import encode
from bnnhw.flow.fold import technology_of
from bnnhw.flow.progress import Progress, silent
from bnnhw.folding import FoldedNetwork
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import verilog
from bnnhw.sim.core import Core
from bnnhw.sim.harness import HALF_PS
from bnnhw.sim.result import SimulationResult
from bnnhw.sim.simulate import simulate_core
from bnnhw.sim.streams import Stream, streams_of

__all__ = ["check_simulation", "seen_streams", "simulate", "simulation_json"]


def simulate(
    design: Design | FoldedNetwork,
    samples: ArrayLike,
    labels: NDArray[np.integer] | None = None,
    *,
    stall: float = 0.0,
    wave: Path | str | None = None,
    wave_frames: int = 2,
    layers: bool = True,
    progress: Progress = silent,
) -> SimulationResult:
    """Simulates Verilog in Verilator and compares every word that a layer gives, and every result, with the reference.

    Parameters
    ----------
    design : Design or FoldedNetwork
        The Verilog of a generated folder; of a folded network portable Verilog, made on the way.
    samples : array (frames, ...)
        As the data set gives them.
    labels : int array (frames,), optional
        Classes, for the accuracy.
    stall : float
        Probability that either side waits, each cycle.
    wave : Path or str, optional
        FST file to write of the first ``wave_frames`` frames, in the time of the board's clock, or of one of 100 MHz;
        beside it the groups of its streams, for a viewer (``.gtkw``).
    layers : bool
        Whether to compare the layers' streams too.
    progress : callable
        Told frames done and frames, from another thread.

    Returns
    -------
    SimulationResult
        What came out, as arrays, and where it differs first (``difference``); differences are not raised.

    Warns
    -----
    RangeWarning
        As :func:`~bnnhw.flow.evaluate.evaluate` does.

    Raises
    ------
    CheckError
        When the Verilog hangs or breaks its stream contract.
    ToolError
        When Verilator or a C++ compiler is missing.
    """
    seen, text, streams = seen_streams(design)
    return simulate_core(
        design.network,
        seen,
        text,
        encode(design.network, samples),
        labels=labels,
        stall=stall,
        wave=None if wave is None else Path(wave),
        wave_frames=wave_frames,
        half_ps=_half_ps(design),
        progress=progress,
        phase=lambda what: progress(0, 0, what),
        layers=layers,
        streams=streams if layers else (),
    )


def _half_ps(design: Design | FoldedNetwork) -> int:
    """Picoseconds of half a cycle of what a design is built for."""
    clock_mhz = design.clock_mhz if isinstance(design, Design) else None
    if clock_mhz is None and isinstance(design, Design) and design.board is not None:
        try:
            clock_mhz = boards.get(design.board).clock_mhz
        except RequestError:
            # A board of the user's own, whose file is not at hand.
            clock_mhz = None
    return HALF_PS if clock_mhz is None else round(1e6 / clock_mhz / 2)


def seen_streams(design: Design | FoldedNetwork) -> tuple[Core, str, tuple[Stream, ...]]:
    """What a bench sees of a design, its Verilog, made on the way of a folded network, and its streams."""
    if isinstance(design, Design):
        core, text = design.seen, design.core.text
        # Of what the depths of its queues are nothing is asked.
        graph = design.folded.graph(devices.technology(design.technology), quick=True)
    else:
        graph = design.graph(devices.technology(technology_of(None)))
        core = Core.of(graph)
        text = verilog(Accelerator(graph), core.module, core.technology)
    return core, text, streams_of(graph, core, text)


def simulation_json(result: SimulationResult, dataset: str, stall: float = 0.0) -> dict[str, Any]:
    """What ``bnnhw simulate`` says of a result."""
    return {
        "dataset": dataset,
        "images": result.images,
        "mismatches": result.mismatches,
        "details": [str(mismatch) for mismatch in result.details],
        "layers": result.layers,
        "layer_mismatches": [str(mismatch) for mismatch in result.layer_mismatches],
        "left_out": dict(result.left_out),
        "accuracy": result.accuracy,
        "cycles_per_frame": result.cycles_per_frame,
        "predicted_cycles_per_frame": result.predicted_cycles_per_frame,
        "latency_cycles": result.latency_cycles,
        "predicted_latency_cycles": result.predicted_latency_cycles,
        "frames_per_s": result.frames_per_s,
        "stall": stall,
        "stages_s": {"verilate": result.verilate_s, "compile": result.compile_s, "run": result.run_s},
    }


def check_simulation(data: dict[str, Any]) -> None:
    """Raises :class:`~bnnhw.errors.CheckError` when outputs or cycles are not those promised.

    Parameters
    ----------
    data : dict
        From :func:`simulation_json`.
    """
    # What comes after the first layer that differs may merely follow from it.
    first = data["layer_mismatches"][:1]
    if data["mismatches"]:
        told = [f"{data['mismatches']} of {data['images']} frames differ; the first: {data['details'][0]}", *first]
        raise CheckError("; ".join(told))
    if first:
        raise CheckError(f"all classes and scores agree, but not what is inside: {first[0]}")
    for what, key in (("cycles per frame", "cycles_per_frame"), ("latency", "latency_cycles")):
        measured, predicted = data[key], data[f"predicted_{key}"]
        # Few frames have no steady state to measure.
        if measured is not None and predicted is not None and measured != predicted:
            raise CheckError(f"{what} must be {predicted} as predicted, not {measured}")
