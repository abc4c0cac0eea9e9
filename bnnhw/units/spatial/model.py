"""The spatial matrix unit: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.format import Coding, StreamFormat
from bnnhw.dataflow.inventory import Inventory, queue
from bnnhw.dataflow.resources import Resources
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import ElementTiming, StageTiming
from bnnhw.devices import Technology
from bnnhw.ir import Dense, FloatActivation
from bnnhw.units.spatial.registers import adders, registers
from bnnhw.units.spatial.structure import Structure, structure
from bnnhw.units.spatial.timing import QUEUE, StandingTiming

if TYPE_CHECKING:
    from amaranth.hdl import Module, Signal, Value

    from bnnhw.units.spatial.rtl import Spatial

__all__ = ["FREE", "SpatialUnit"]

FREE = 8192
"""Registers from which on the arithmetic runs free where enables have no global nets: an enable for each would be a
fifth of all that is routed."""


@dataclass(frozen=True)
class SpatialUnit(Unit):
    """Multiplies vectors by a matrix of constants: a vector per cycle.

    Parameters
    ----------
    matrix : Dense
        Streamlined.
    technology : Technology
    vectors : int
        Per frame.
    bare : bool
        Whether it emits the :attr:`coding` of its accumulators instead of these; of a layer that has one.
    runs_free : bool, optional
        Whether the arithmetic never stands still, and the queue behind it has a place for every word inside; by default
        that of :data:`FREE` registers does, on families whose enables have no global nets.
    """

    kind = "spatial"

    matrix: Dense
    technology: Technology
    vectors: int = 1
    bare: bool = False
    runs_free: bool | None = None

    def __post_init__(self) -> None:
        if isinstance(self.matrix.activation, FloatActivation):
            raise ValueError(f"layer {self.matrix.name} must be streamlined")
        if self.bare and self.coding is None:
            raise ValueError(f"layer {self.matrix.name} must emit accumulators that all have one offset")

    @property
    def repeats(self) -> int:
        return self.vectors

    @property
    def inputs(self) -> tuple[StreamFormat]:
        synapses = self.matrix.synapses
        return (StreamFormat(synapses, self.matrix.input.bits, synapses, self.vectors * synapses),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        neurons = self.matrix.neurons
        return (StreamFormat(neurons, self.lane_bits, neurons, self.vectors * neurons),)

    @property
    def lane_bits(self) -> int:
        """Bits that a neuron gives."""
        return self.coding.bits if self.bare and self.coding is not None else self.matrix.output.bits

    @property
    def levels(self) -> int:
        """Thresholds per neuron."""
        return 0 if self.matrix.activation is None else self.matrix.output.levels - 1

    @cached_property
    def structure(self) -> Structure:
        """The sums and what they are made of."""
        return structure(self.matrix, self.technology)

    @cached_property
    def coding(self) -> Coding | None:
        """How accumulators follow from the sums' values: what is constant in all of them left out."""
        sums = self.structure.sums
        offsets = {neuron.offset for neuron in self.structure.neurons}
        constant = any(neuron.sum is None for neuron in self.structure.neurons)
        if self.levels or constant or len(offsets) != 1 or any(total.parent is not None for total in sums):
            return None
        shift = min(counter.shift for total in sums for counter in total.counters)
        low, high = min(total.low for total in sums), max(total.high for total in sums)
        return Coding(1 << shift, offsets.pop(), low >> shift, high >> shift)

    def bared(self) -> tuple[SpatialUnit, Coding] | None:
        return None if self.coding is None else (replace(self, bare=True), self.coding)

    @property
    def free(self) -> bool:
        """Whether the arithmetic runs free."""
        if self.runs_free is None:
            return self.technology.enable_reach is not None and self._datapath.ff > FREE
        return self.runs_free

    @property
    def queue(self) -> int:
        """Words of the queue behind the arithmetic: of one that runs free a place for every word inside."""
        timing = self.timing
        if isinstance(timing, ElementTiming):
            return timing.credits
        return QUEUE if isinstance(timing, StandingTiming) else 0

    @property
    def places(self) -> int:
        """Words inside at most."""
        timing = self.timing
        return timing.credits if isinstance(timing, ElementTiming) else timing.places

    @cached_property
    def timing(self) -> ElementTiming | StageTiming | StandingTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        """It runs free where it is large, and stands while its last word is not taken where an enable reaches all
        registers, elsewhere while two words are not.
        """
        if self.free:
            return ElementTiming(1, 0, self.stages)
        kind = StageTiming if self.technology.enable_reach is None else StandingTiming
        return kind(1, self.stages)

    @property
    def read(self) -> NDArray[np.bool_]:
        made = self.structure
        found = np.zeros(made.inputs, np.bool_)
        found[[bit for triple in made.triples for bit, _ in triple]] = True
        found[[bit for total in made.sums for counter in total.counters for bit, _ in counter.lanes]] = True
        return found

    def datapath_inventory(self) -> Inventory:
        made = self.structure
        found = Inventory({"register": self._registers, "spatial.lut4": self._datapath.lut4})
        sums = [adder for total in made.sums for adder in adders(total, made.sums)]
        chains = len(sums) + sum(counter.plan.chains for total in made.sums for counter in total.counters)
        waiting = sum(adder.waiting for adder in sums) + sum(
            counter.plan.waiting for total in made.sums for counter in total.counters
        )
        compared = sum(neuron.sum is not None for neuron in made.neurons) * self.levels
        return found + Inventory({"spatial.chain": chains, "spatial.waiting": waiting, "spatial.compared": compared})

    @cached_property
    def _registers(self) -> int:
        return registers(self)

    @cached_property
    def _datapath(self) -> Resources:
        """All but the handshake and the queue; about as many registers as there are lanes, which decide whether it runs
        free.
        """
        made, cell = self.structure, self.technology.chain_cell
        luts, lanes = 2 * len(made.triples), 0
        for total in made.sums:
            luts += sum(-(-adder.cells // cell) * cell for adder in adders(total, made.sums))
            lanes += (len(total.counters) + (total.parent is not None) - 1) * total.bits
            for counter in total.counters:
                luts += counter.plan.luts - 2 * len(counter.shared)
                lanes += counter.plan.lanes
        for neuron in made.neurons:
            if neuron.sum is not None and not self.bare:
                bits = made.sums[neuron.sum].bits
                # A comparison with a constant takes three more bits in each look-up table.
                luts += self.levels * (-(-bits // 3) + 2 * (self.levels > 1)) if self.levels else bits
        return Resources(luts, lanes + self.outputs[0].width + made.inputs, 0)

    def inventory(self) -> Inventory:
        own = self.datapath_inventory() + Inventory({"handshake": 1, "register": self.stages})
        if not self.queue:
            return own
        return own + queue(self.queue, self.outputs[0].width, credited=self.free)

    @property
    def stages(self) -> int:
        """After the sums a cycle that compares them, or adds what is constant, and one that counts several levels."""
        return self.structure.ready + (0 if self.bare else min(max(self.levels, 1), 2))

    @property
    def straight(self) -> int | None:
        return self.stages if self.vectors == 1 else None

    @property
    def leads(self) -> bool:
        return self.free and self.vectors == 1

    def datapath(self, m: Module, platform: object, word: Value) -> tuple[Value, list[tuple[Signal, Value]]]:
        from bnnhw.units.spatial.rtl import datapath

        return datapath(self, m, platform, word)

    def component(self) -> Spatial:
        from bnnhw.units.spatial.rtl import Spatial

        return Spatial(self)
