"""Networks for the build's tests: small, seeded, streamlined."""

from __future__ import annotations

import numpy as np

from bnnhw.build.design import Source
from bnnhw.dataflow.frame import Frame
from bnnhw.devices import technology
from bnnhw.files import digest
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.ir.activation import Thresholds
from bnnhw.ir.bits import BitMatrix
from bnnhw.ir.input_spec import InputSpec
from bnnhw.ir.layers import Dense, Output, WeightPlane
from bnnhw.ir.network import Network
from bnnhw.ir.types import DataType
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit, to_verilog

BIPOLAR = DataType("bipolar", 1)


def random_network(sizes: list[int], seed: int = 0) -> Network:
    """Dense bipolar layers of these sizes, random weights, thresholds near the middle."""
    generator = np.random.default_rng(seed)
    layers: list[Dense | Output] = []
    for number, (inputs, neurons) in enumerate(zip(sizes, sizes[1:], strict=False)):
        weights = WeightPlane(1, BitMatrix.from_bits(generator.integers(0, 2, (neurons, inputs))))
        thresholds = Thresholds(inputs // 2 + generator.integers(-1, 2, (neurons, 1)), BIPOLAR)
        last = number == len(sizes) - 2
        layers.append(Dense(f"fc{number}", BIPOLAR, (weights,), None if last else thresholds))
    layers.append(Output.plain("scores", sizes[-1]))
    return Network(InputSpec((sizes[0],), BIPOLAR), tuple(layers))


def random_folded(
    sizes: list[int], foldings: list[tuple[int, int]], memory: str = "lut", seed: int = 0
) -> FoldedNetwork:
    """The same, folded: one (PE, SIMD) a layer."""
    return FoldedNetwork(random_network(sizes, seed), tuple(LayerFolding(pe, simd, memory) for pe, simd in foldings))


def source(folded: FoldedNetwork, family: str = "ice40") -> Source:
    """What is built of a folded network: its accelerator's Verilog."""
    graph = folded.graph(technology(family))
    emitted, cycles = emit(Accelerator(graph), "accelerator", family), predict(graph)
    return Source(
        verilog=to_verilog(emitted.rtlil),
        module="accelerator",
        linked=False,
        portable=False,
        repeated=emitted.repeated,
        frame=Frame.of(graph),
        classes=folded.network.output.classes,
        identity=digest(folded),
        cycles_per_frame=cycles.cycles_per_frame,
        latency_cycles=cycles.latency_cycles,
    )
