"""The spatial matrix unit: its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.resources import Resources, queue_resources
from bnnhw.dataflow.unit import Unit
from bnnhw.devices import Technology
from bnnhw.ir import Dense, FloatActivation
from bnnhw.units.spatial.structure import Structure, structure
from bnnhw.units.spatial.timing import QUEUE, StandingTiming

if TYPE_CHECKING:
    from bnnhw.units.spatial.rtl import Spatial

__all__ = ["SpatialUnit"]

_CONTROL = 8
"""LUT4 of the handshake."""


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
    """

    kind = "spatial"

    matrix: Dense
    technology: Technology
    vectors: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.matrix.activation, FloatActivation):
            raise ValueError(f"layer {self.matrix.name} must be streamlined")

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
        return (StreamFormat(neurons, self.matrix.output.bits, neurons, self.vectors * neurons),)

    @property
    def levels(self) -> int:
        """Thresholds per neuron."""
        return 0 if self.matrix.activation is None else self.matrix.output.levels - 1

    @cached_property
    def structure(self) -> Structure:
        """The sums and what they are made of."""
        return structure(self.matrix, self.technology)

    @cached_property
    def timing(self) -> StandingTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        """After the sums a cycle that compares them, or adds what is constant, and one that counts several levels."""
        return StandingTiming(1, self.structure.ready + min(max(self.levels, 1), 2))

    def resources(self) -> Resources:
        made, cell = self.structure, self.technology.chain_cell
        luts, registers = 2 * len(made.triples), 0
        for total in made.sums:
            adders = len(total.counters) + (total.parent is not None) - 1
            luts += adders * -(-total.bits // cell) * cell
            registers += adders * total.bits
            for counter in total.counters:
                luts += counter.plan.luts - 2 * len(counter.shared)
                registers += counter.plan.lanes
        for neuron in made.neurons:
            if neuron.sum is not None:
                bits = made.sums[neuron.sum].bits
                # A comparison with a constant takes three more bits in each look-up table.
                luts += self.levels * (-(-bits // 3) + 2 * (self.levels > 1)) if self.levels else bits
        width = self.matrix.neurons * self.matrix.output.bits
        registers += width + self.timing.stages + made.inputs
        return Resources(luts + _CONTROL, registers, 0) + queue_resources(QUEUE, width)

    def component(self) -> Spatial:
        from bnnhw.units.spatial.rtl import Spatial

        return Spatial(self)
