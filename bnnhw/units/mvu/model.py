"""The matrix-vector unit: what is folded how, its streams, cycles and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bnnhw.dataflow.divisors import divisors, nearest
from bnnhw.dataflow.engine import LayerFolding
from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import Inventory
from bnnhw.dataflow.loads import Loaded, banks
from bnnhw.dataflow.unit import Unit
from bnnhw.devices import Technology
from bnnhw.ir import BitMatrix, Dense, FloatActivation, Thresholds, pack_rows
from bnnhw.ir.types import narrowest
from bnnhw.rtl.popcount_plan import CounterPlan, plan
from bnnhw.rtl.threshold_words import pack_thresholds, threshold_word_bits
from bnnhw.units.mvu.batch_timing import BatchTiming
from bnnhw.units.mvu.inventory import inventory
from bnnhw.units.mvu.timing import MvuTiming

if TYPE_CHECKING:
    from bnnhw.units.mvu.rtl import Mvu

__all__ = ["MvuUnit", "depthwise_misfit", "side_by_side", "vectors_misfit"]


def depthwise_misfit(pe: int, multiplier: int, neurons: int) -> str | None:
    """Why a depthwise unit of so many neurons, ``multiplier`` per channel, can't have ``pe``; None if it can."""
    if pe % multiplier == 0 or multiplier % pe == 0:
        return None
    legal = nearest([*divisors(multiplier), *range(multiplier, neurons + 1, multiplier)], pe)
    return (
        f"PE of a depthwise convolution must be a divisor or a multiple of its {multiplier} neurons per channel, "
        f"not {pe}; nearest: {legal}"
    )


def vectors_misfit(matrix: Dense, folding: LayerFolding, multiplier: int) -> str | None:
    """Why a unit of a matrix, depthwise with ``multiplier`` neurons per channel, can't take the vectors of a folding.

    None if it can.
    """
    if folding.vectors == 1:
        return None
    if multiplier:
        return f"vectors of a depthwise convolution must be 1, not {folding.vectors}"
    if folding.vectors <= (most := folding.most_vectors(matrix)):
        return None
    return (
        f"vectors must be at most {most} with PE {folding.pe} and SIMD {folding.simd}, whose words could not come and "
        f"go in time otherwise, not {folding.vectors}"
    )


def side_by_side(words: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Words of each processing element (PE, depth, bits) -> those of all of them (depth, PE * bits)."""
    assert words is not None, "what is loaded is there"
    return words.transpose(1, 0, 2).reshape(words.shape[1], -1)


@dataclass(frozen=True)
class MvuUnit(Unit):
    """Multiplies vectors by a binary matrix: PE neurons by SIMD synapses per cycle.

    Parameters
    ----------
    matrix : Dense
        Streamlined.
    folding : LayerFolding
        Depthwise: SIMD 1, PE a divisor or a multiple of ``multiplier``.
    technology : Technology
    multiplier : int
        M, neurons per channel of a depthwise unit; 0 where every neuron sees every input.
    vectors : int
        Per frame.

    Raises
    ------
    ValueError
        The matrix must be streamlined, the folding one that a depthwise unit can have.
    """

    kind = "mvu"

    matrix: Dense
    folding: LayerFolding
    technology: Technology
    multiplier: int = 0
    vectors: int = 1

    def __post_init__(self) -> None:
        matrix, multiplier = self.matrix, self.multiplier
        if isinstance(matrix.activation, FloatActivation):
            raise ValueError(f"layer {matrix.name} must be streamlined")
        if multiplier and self.simd != 1:
            raise ValueError(f"layer {matrix.name}: SIMD must be 1 in a depthwise unit, not {self.simd}")
        if multiplier and (misfit := depthwise_misfit(self.pe, multiplier, matrix.neurons)):
            raise ValueError(f"layer {matrix.name}: {misfit}")
        if misfit := vectors_misfit(matrix, self.folding, multiplier):
            raise ValueError(f"layer {matrix.name}: {misfit}")

    @property
    def pe(self) -> int:
        """Neurons side by side."""
        return self.folding.pe

    @property
    def simd(self) -> int:
        """Inputs side by side."""
        return self.folding.simd

    @property
    def input_lanes(self) -> int:
        """Elements per input word: SIMD; depthwise the channels side by side."""
        return max(self.pe // self.multiplier, 1) if self.multiplier else self.simd

    @property
    def lane_bits(self) -> int:
        """Bits of an output lane: an activation code, or the accumulator where there is no activation."""
        return self.matrix.output.bits

    @property
    def levels(self) -> int:
        """Thresholds per neuron."""
        return 0 if self.matrix.activation is None else self.matrix.output.levels - 1

    @cached_property
    def plan(self) -> CounterPlan:
        """The structure of a popcount."""
        return plan(self.simd, self.technology)

    @property
    def repeats(self) -> int:
        return self.vectors

    @property
    def inputs(self) -> tuple[StreamFormat]:
        matrix, bits = self.matrix, self.matrix.input.bits
        if self.multiplier:
            groups = -(-(matrix.neurons // self.multiplier) // self.input_lanes)
            return (StreamFormat.whole_words(self.input_lanes, bits, self.vectors * groups * matrix.synapses),)
        return (StreamFormat(self.simd, bits, matrix.synapses, self.vectors * matrix.synapses),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        neurons = self.matrix.neurons
        return (StreamFormat(self.pe, self.lane_bits, neurons, self.vectors * neurons),)

    @property
    def interval(self) -> int:
        if self.folding.vectors == 1:
            return super().interval
        return -(-self.repeats * self._single.interval // self.folding.vectors)

    @property
    def warm_up(self) -> float:
        return self.folding.vectors / self.repeats if self.folding.vectors > 1 else 0

    @cached_property
    def timing(self) -> MvuTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self.folding.vectors == 1:
            return self._single
        return BatchTiming(**vars(self._single), vectors=self.folding.vectors)

    @cached_property
    def _single(self) -> MvuTiming:
        """The cycles with a vector at a time."""
        matrix = self.matrix
        serial = matrix.input.bits if self.folding.planes == "serial" else 1
        planes = len(matrix.planes) // serial
        sf = -(-matrix.synapses // self.simd)
        # Bit-serial planes are chosen between two registers, behind the buffer and in front of the popcounts.
        read = 3 if serial > 1 else 2 if self.folding.memory == "lut" or self.technology.block_register else 1
        return MvuTiming(
            synapse_folds=sf,
            neuron_folds=-(-matrix.neurons // self.pe),
            read=read,
            count=self.plan.latency,
            combine=(planes - 1).bit_length() + (planes == 1 and matrix.weights[0].coefficient != 1),
            accumulate=int(sf > 1),
            threshold=min(self.levels, 2),
            multiplier=self.multiplier,
            channel_folds=max(self.multiplier // self.pe, 1),
            serial=serial,
        )

    @cached_property
    def weights(self) -> NDArray[np.uint8]:
        """The weights of each processing element: (PE, SF * NF, lanes), all planes side by side."""
        return np.concatenate([pack_rows(plane.bits, self.pe, self.simd) for plane in self.matrix.weights], axis=2)

    @property
    def lane_stages(self) -> tuple[int, ...]:
        """Cycles after which the popcount wants each lane of a processing element's weights."""
        return self.plan.lane_stages * len(self.matrix.weights)

    @cached_property
    def thresholds(self) -> NDArray[np.uint8] | None:
        """The thresholds of each processing element: (PE, NF, bits); None where there is no activation.

        Their bits are inverted where the technology's carry chains subtract with inverters.
        """
        activation = self.matrix.activation
        if not isinstance(activation, Thresholds):
            return None
        inverted = not self.technology.subtracts
        packed = pack_thresholds(activation.values, self.matrix.accumulator_range, inverted=inverted)
        nf = self.timing.neuron_folds
        bits = np.zeros((nf * self.pe, packed.shape[1]), np.uint8)
        bits[: self.matrix.neurons] = packed
        return bits.reshape(nf, self.pe, -1).transpose(1, 0, 2)

    @property
    def threshold_groups(self) -> int:
        """Groups of processing elements that read thresholds out of logic by an address register of their own.

        Where words are so few that columns of a group are equal, one register would otherwise feed all elements.
        """
        groups = -(-self.pe // self.technology.group)
        low, high = self.matrix.accumulator_range
        columns = self.pe * self.levels * narrowest(low, high + 1)[0]
        folds = self.timing.neuron_folds
        return groups if folds > 1 and groups << folds <= columns else 1

    @cached_property
    def loads(self) -> tuple[Loaded, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        folding, tech, found = self.folding, self.technology, list[Loaded]()
        if folding.memory == "spram" or folding.writable:
            depth, stages = self.timing.weight_words, self.lane_stages * self.pe
            chosen = banks(depth, stages, folding.memory, tech, writable=folding.writable)
            found.append(Loaded("weights", depth, len(stages), chosen, lambda: side_by_side(self.weights)))
        if folding.writable and isinstance(self.matrix.activation, Thresholds):
            depth = self.timing.neuron_folds
            columns = self.pe * threshold_word_bits(self.matrix.accumulator_range, self.matrix.output)
            chosen = banks(depth, (0,) * columns, folding.thresholds, tech, writable=True)
            found.append(Loaded("thresholds", depth, columns, chosen, lambda: side_by_side(self.thresholds)))
        return tuple(found)

    def blank(self) -> MvuUnit:
        if not self.folding.writable:
            return self
        matrix, activation = self.matrix, self.matrix.activation
        planes = tuple(
            replace(plane, bits=BitMatrix.from_bits(np.zeros((matrix.neurons, matrix.synapses), np.uint8)))
            for plane in matrix.weights
        )
        if isinstance(activation, Thresholds):
            activation = replace(activation, values=np.zeros_like(activation.values))
        return replace(self, matrix=replace(matrix, name="", weights=planes, activation=activation))

    def loaded(self, name: str) -> Loaded | None:
        """One of :attr:`loads` by its name."""
        return next((memory for memory in self.loads if memory.name == name), None)

    def inventory(self) -> Inventory:
        return inventory(self)

    def component(self) -> Mvu:
        from bnnhw.units.mvu.batch import BatchMvu
        from bnnhw.units.mvu.rtl import Mvu

        return Mvu(self) if self.folding.vectors == 1 else BatchMvu(self)
