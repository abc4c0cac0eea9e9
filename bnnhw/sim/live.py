"""One frame after another through an accelerator's Verilog, with everything that is to be seen of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow import Probe
from bnnhw.ir import Network
from bnnhw.reference import Scores, trace
from bnnhw.sim.cells import models_for
from bnnhw.sim.core import Core
from bnnhw.sim.harness import Harness
from bnnhw.sim.journal import Journal
from bnnhw.sim.probes import Probes, wrapper
from bnnhw.sim.result import compare
from bnnhw.sim.streams import Stream
from bnnhw.sim.words import pack_frames

__all__ = ["LiveCore", "LiveFrame"]


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """What happened to a frame.

    Parameters
    ----------
    index, score : int
        The class that came out, and its score.
    differences : tuple of str
        Layers whose words were not the reference's; the output among them as ``"output"``.
    journal : Journal
        Of :attr:`LiveCore.streams`, in their order.
    activations : tuple of int64 array (height, width, channels)
        What each probed layer gave, as numbers.
    scores : int64 array (classes,)
        As the reference has them.
    latency : int
        Cycles from the first word taken in to the result offered.
    """

    index: int
    score: int
    differences: tuple[str, ...]
    journal: Journal
    activations: tuple[NDArray[np.int64], ...]
    scores: NDArray[np.int64]
    latency: int


class LiveCore:
    """A compiled accelerator that runs single frames.

    Parameters
    ----------
    network : Network
    core : Core
        What is known of the Verilog.
    verilog : str
    streams : tuple of Stream
        Those to note (:func:`~bnnhw.sim.streams.streams_of`).
    cache : Path, optional
        Folder of compiled models; the user's cache by default.

    Raises
    ------
    RequestError
        When a layer's unit is not in the Verilog.
    ToolError
        When Verilator or a C++ compiler is missing.
    """

    def __init__(
        self, network: Network, core: Core, verilog: str, streams: tuple[Stream, ...], *, cache: Path | None = None
    ) -> None:
        self._network, self._core = network, core
        self.probes: tuple[Probe, ...] = core.probes
        self.streams = streams
        text, interface = wrapper(f"{core.module}_live", core.interface, core.probes, verilog, self.streams)
        sources = {"core.v": verilog, "live.v": text}
        models, defines = models_for(core.technology, sources)
        self._harness = Harness({**models, **sources}, interface, defines=defines, cache=cache)

    def run(self, codes: NDArray[np.uint8]) -> LiveFrame:
        """Runs one frame.

        Parameters
        ----------
        codes : uint8 array (elements,)
            Of the network's input.

        Raises
        ------
        CheckError
            When the core hangs or breaks the stream contract.
        """
        network, core = self._network, self._core
        rows = codes[None]
        watch = Probes(network, rows, core.probes)
        words = pack_frames(rows, network.input.dtype.bits, core.frame.word_bits)
        recording = self._harness.run(words, watchdog=core.watchdog, drain=16, watch=watch, load=core.load)
        found = trace(network, rows)
        scores = found[network.output.name].astype(np.int64)
        index, score = (int(recording.outputs[field][0]) for field in ("index", "score"))
        differing = [mismatch.layer for mismatch in watch.mismatches(recording.probes)]
        if compare(recording, Scores(scores, network.output.decide(scores)))[0]:
            differing.append("output")
        assert recording.journal is not None, "the interface has one"
        activations = tuple(_numbers(network, probe, found[probe.layer][0]) for probe in core.probes)
        latency = int(recording.offered[0] - recording.accepted[0])
        return LiveFrame(index, score, tuple(differing), recording.journal, activations, scores[0], latency)


def _numbers(network: Network, probe: Probe, codes: NDArray[Any]) -> NDArray[np.int64]:
    """What a layer gave, as numbers: (height, width, channels), of the channels that are there."""
    _, height, width = probe.shape
    last = network.chain[-1].name == probe.layer
    numbers = codes.astype(np.int64) if last else probe.dtype.values(codes).astype(np.int64)
    return numbers.reshape(height, width, -1)[:, :, list(probe.channels)]
