"""The generated Verilog of a stream core in Verilator, every frame and every output word against the reference."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw import devices
from bnnhw.dataflow.graph import left_out
from bnnhw.errors import RequestError
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Network
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import verilog as emit_verilog
from bnnhw.sim.cells import models_for
from bnnhw.sim.core import Core
from bnnhw.sim.harness import HALF_PS, RESET_CYCLES, Harness
from bnnhw.sim.probes import Probes, wrapper
from bnnhw.sim.result import SimulationResult, compare, measure
from bnnhw.sim.streams import Stream
from bnnhw.sim.wave_groups import write_groups
from bnnhw.sim.words import pack_frames

__all__ = ["simulate", "simulate_core"]

CALM_FRAMES = 64
"""Frames sent without stalls, to measure cycles, when all others are stalled."""


def simulate(
    folded: FoldedNetwork,
    codes: NDArray[np.uint8],
    *,
    labels: NDArray[np.integer] | None = None,
    verilog: str | None = None,
    top: str = "accelerator",
    technology: str = "generic",
    stall: float = 0.0,
    seed: int = 1,
    wave: Path | None = None,
    wave_frames: int = 2,
    jobs: int = 2,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    layers: bool = False,
) -> SimulationResult:
    """Simulate a network's accelerator on some frames.

    Parameters
    ----------
    folded : FoldedNetwork
    codes : uint8 array (frames, elements)
        Codes of the input elements, as :meth:`bnnhw.ir.InputSpec.encode` makes them.
    labels : int array (frames,), optional
        Classes, for the accuracy.
    verilog : str, optional
        The Verilog to simulate; by default that of ``Accelerator(folded, technology)``.
    top : str
        Its top module.
    technology : str
        A device family; its cells are simulated by the models that it brings.
    stall : float
        Probability of a stall, each cycle on either side; cycles are then measured on
        :data:`CALM_FRAMES` frames that are sent once more without.
    seed : int
        Of the stalls, the padding lanes and the state without an initial value.
    wave : Path, optional
        FST file to write of the first ``wave_frames`` frames.
    jobs : int
        Processes to spread many frames over.
    cache : Path, optional
        Folder of compiled models; the user's cache by default.
    progress : callable, optional
        Called with frames done and frames, from another thread.
    layers : bool
        Whether to compare every layer's stream with the reference too.

    Raises
    ------
    RequestError
        For a stall that is not a probability below 1, or codes or labels of the wrong shape; and with ``layers``, when
        a layer's unit is not in the Verilog.
    CheckError
        When the core hangs or breaks the stream contract. Mismatches are counted, not raised.
    ToolError
        When Verilator or a C++ compiler is missing.
    """
    graph = folded.graph(devices.technology(technology))
    text = emit_verilog(Accelerator(graph), top, technology) if verilog is None else verilog
    return simulate_core(
        folded.network, Core.of(graph, top), text, codes, labels=labels, stall=stall, seed=seed, wave=wave,
        wave_frames=wave_frames, jobs=jobs, cache=cache, progress=progress, layers=layers,
    )  # fmt: skip


def simulate_core(
    network: Network,
    core: Core,
    verilog: str,
    codes: NDArray[np.uint8],
    *,
    labels: NDArray[np.integer] | None = None,
    stall: float = 0.0,
    seed: int = 1,
    wave: Path | None = None,
    wave_frames: int = 2,
    half_ps: int = HALF_PS,
    jobs: int = 2,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    phase: Callable[[str], None] | None = None,
    layers: bool = False,
    streams: Sequence[Stream] = (),
    reset_cycles: int = RESET_CYCLES,
) -> SimulationResult:
    """Simulate the Verilog of an accelerator, whatever made it, against the reference of its network.

    Parameters
    ----------
    network : Network
    core : Core
        What is known of the Verilog.
    verilog : str
    phase : callable, optional
        Told what is done before the first frame, and after the last one.
    half_ps : int
        Picoseconds of half a cycle, in a wave.
    streams : sequence of Stream
        Those whose words are noted until the first result comes; with ``layers`` only.
    reset_cycles : int
        0: the core starts as it powers up.

    Other parameters and errors as for :func:`simulate`.
    """
    spec = network.input
    if codes.ndim != 2 or codes.shape[1] != spec.elements:
        raise RequestError(f"codes must have shape (frames, {spec.elements}), not {codes.shape}")
    if labels is not None and np.shape(labels) != (len(codes),):
        raise RequestError(f"labels must have shape ({len(codes)},), not {np.shape(labels)}")
    if not 0 <= stall < 1:
        raise RequestError(f"stall must be at least 0 and less than 1, not {stall!r}")
    sources, interface, watch = {"core.v": verilog}, core.interface, None

    def begins(what: str) -> None:
        if phase is not None:
            phase(what)

    if layers:
        begins("reference of every layer")
        watch = Probes(network, codes, core.probes)
        sources["probes.v"], interface = wrapper(f"{core.module}_probes", interface, core.probes, verilog, streams)
    begins("compiling with Verilator")
    models, defines = models_for(core.technology, sources)
    harness = Harness({**models, **sources}, interface, wave=wave is not None, defines=defines, cache=cache)
    words = pack_frames(codes, spec.dtype.bits, core.frame.word_bits, seed)
    drain = 2 * core.latency_cycles + 16
    start = time.perf_counter()
    recording = harness.run(
        words, stall=stall, seed=seed, watchdog=core.watchdog, drain=drain, jobs=jobs, wave=wave,
        wave_frames=wave_frames, half_ps=half_ps, progress=progress, reset_cycles=reset_cycles, watch=watch,
        load=core.load,
    )  # fmt: skip
    if wave is not None:
        write_groups(wave, interface, core.probes, streams, core.module)
    run_s = time.perf_counter() - start
    begins("comparing with the reference")
    calm = recording
    if stall:
        few = None if watch is None else Probes(network, codes[:CALM_FRAMES], watch.probes)
        calm = harness.run(
            words[:CALM_FRAMES], seed=seed, watchdog=core.watchdog, drain=drain, reset_cycles=reset_cycles, watch=few,
            load=core.load,
        )  # fmt: skip
    due = evaluate(network, codes)
    mismatches, details = compare(recording, due)
    accuracy = None
    if labels is not None and len(codes):
        accuracy = float(np.mean(recording.outputs["index"] == np.asarray(labels)))
    cycles = measure(calm)
    return SimulationResult(
        images=len(codes),
        mismatches=mismatches,
        details=details,
        accuracy=accuracy,
        cycles_per_frame=cycles.per_frame,
        predicted_cycles_per_frame=core.cycles_per_frame,
        latency_cycles=cycles.latency,
        predicted_latency_cycles=core.latency_cycles,
        cycles=cycles,
        frames_per_s=len(codes) / run_s,
        verilate_s=harness.model.verilate_s,
        compile_s=harness.model.compile_s,
        run_s=run_s,
        layers=0 if watch is None else len(watch.probes),
        layer_mismatches=() if watch is None else watch.mismatches(recording.probes),
        classes=recording.outputs["index"],
        scores=recording.outputs["score"],
        left_out=left_out(core.probes),
        due=due.scores,
        journal=calm.journal,
        streams=tuple(streams),
    )
