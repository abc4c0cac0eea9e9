"""One processing element: XNOR, popcount, accumulate, threshold for one neuron at a time."""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import Technology
from bnnhw.ir import DataType
from bnnhw.rtl.emit import shared
from bnnhw.rtl.popcount import Popcount
from bnnhw.rtl.registers import delayed
from bnnhw.rtl.shapes import integer_shape
from bnnhw.rtl.threshold import Threshold, threshold_word_bits
from bnnhw.units.mvu.shift_add import ShiftAdd
from bnnhw.units.mvu.timing import MvuTiming

__all__ = ["ProcessingElement"]


class ProcessingElement(wiring.Component):
    """Sums the popcounts of SF words and compares the sum with a neuron's thresholds.

    Free running (II = 1 word per cycle, no stall): what arrives without :attr:`valid` is ignored. Latency from the last
    word of a neuron to its result: ``count + combine + accumulate + shift_add + threshold`` cycles of
    :class:`~bnnhw.units.mvu.timing.MvuTiming`. Storage: the accumulators and the pipeline registers.

    Parameters
    ----------
    simd : int
        Lanes.
    planes : tuple of (coefficient, input plane, weight plane)
    range : tuple of int
        Least and greatest accumulator.
    output : DataType or None
        None: the result is the accumulator.
    timing : MvuTiming
    technology : Technology
    plane : tuple of int
        Of input planes taken one after another (``planes`` are then those of the weights): least and greatest
        accumulator of one of them.
    signed_top : bool
        Of these: whether the highest counts negative.

    Members
    -------
    x : In(simd * input planes)
        Input planes side by side, each ``simd`` lanes; each lane delayed by ``plan(simd).lane_stages``.
    w : In(simd * weight planes)
        Likewise.
    valid, ends : In(1)
        ``count + combine - 1`` cycles after the words: whether they count, whether they end a neuron, or a plane of
        one. Each element keeps its own copy in a register: one signal that enables every accumulator would be the
        slowest net of all.
    neuron_ends : In(1)
        Of bit-serial planes, with the other two: whether the words end a neuron.
    thresholds : In(levels * threshold width)
        In the cycle of the comparison.
    result : Out
    """

    clocked = True

    def __init__(
        self,
        simd: int,
        planes: tuple[tuple[int, int, int], ...],
        range: tuple[int, int],  # noqa: A002
        output: DataType | None,
        timing: MvuTiming,
        technology: Technology,
        *,
        plane: tuple[int, int] | None = None,
        signed_top: bool = False,
    ) -> None:
        self._plane = plane
        self._signed_top = signed_top
        self._simd = simd
        self._planes = planes
        self._range = range
        self._output = output
        self._timing = timing
        self._technology = technology
        self.accumulator = integer_shape(*range)
        self._input_planes = 1 + max(i for _, i, _ in planes)
        self._weight_planes = 1 + max(j for _, _, j in planes)
        ports = {
            "x": In(simd * self._input_planes),
            "w": In(simd * self._weight_planes),
            "valid": In(1),
            "ends": In(1),
            "result": Out(self.accumulator if output is None else output.bits),
        }
        if plane is not None:
            ports["neuron_ends"] = In(1)
        if output is not None:
            ports["thresholds"] = In(threshold_word_bits(range, output))
        super().__init__(ports)

    @property
    def module_name(self) -> str:
        planes = "_".join(f"{'m' if c < 0 else ''}{abs(c)}x{i}x{j}" for c, i, j in self._planes)
        low, high = self._range
        kind = "acc" if self._output is None else str(self._output)
        return (
            f"bnnhw_pe_{self._simd}_{planes}_{'m' if low < 0 else ''}{abs(low)}_{high}_{kind}"
            f"_{'acc' if self._timing.accumulate else 'single'}_{self._technology.name}{self._serial_name}"
        )

    @property
    def _serial_name(self) -> str:
        return "" if self._plane is None else f"_serial_{-self._plane[0]}_{self._plane[1]}_{self._signed_top:d}"

    def _combined(self, m: Module, platform: object) -> tuple[Value, tuple[int, int]]:
        """The weighted sum of all planes' popcounts, one register per tree level, and its range."""
        # Terms are magnitudes with a sign: a negative coefficient becomes a subtraction, never a product.
        terms: list[_Term] = []
        for coefficient, i, j in self._planes:
            popcount = Popcount(self._simd, self._technology)
            m.submodules[f"popcount_{i}_{j}"] = shared(platform, popcount)
            m.d.comb += [
                popcount.x.eq(self.x.word_select(i, self._simd)),
                popcount.w.eq(self.w.word_select(j, self._simd)),
            ]
            magnitude = abs(coefficient)
            terms.append(_Term(_times(popcount.count, magnitude), coefficient < 0, 0, magnitude * self._simd))
        for cycle in range(self._timing.combine):
            groups = [terms[k : k + 2] for k in range(0, len(terms), 2)]
            terms = [_sum(group, last=len(groups) == 1) for group in groups]
            for k, term in enumerate(terms):
                total = Signal(integer_shape(term.low, term.high), name=f"sum_{cycle}_{k}", reset_less=True)
                m.d.sync += total.eq(term.value)
                terms[k] = term._replace(value=total)
        return terms[0].value, (terms[0].low, terms[0].high)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        term, _ = self._combined(m, platform)
        total: Value = term
        valid, ends = Signal(), Signal()
        if self._timing.accumulate or self._plane is not None:
            m.d.sync += [valid.eq(self.valid), ends.eq(self.ends)]
        if self._timing.accumulate:
            accumulator = Signal(
                self.accumulator if self._plane is None else integer_shape(*self._plane), reset_less=True
            )
            first = Signal(init=1)
            with m.If(valid):
                # The multiplexer stands behind the adder: in one look-up table with it, and off the carry chain.
                m.d.sync += [first.eq(ends), accumulator.eq(Mux(first, term, accumulator + term))]
            total = accumulator
        if self._plane is not None:
            total = self._planes_added(m, self._plane, total, valid & ends, platform)
        if self._output is None:
            m.d.comb += self.result.eq(total)
        else:
            threshold = Threshold(self._range, self._output, inverted=not self._technology.subtracts)
            m.submodules.threshold = shared(platform, threshold)
            m.d.comb += [
                threshold.value.eq(total),
                threshold.thresholds.eq(self.thresholds),
                self.result.eq(threshold.code),
            ]
        return m

    def _planes_added(self, m: Module, plane: tuple[int, int], total: Value, ends: Value, platform: object) -> Value:
        """The sum over bit-serial planes; ``ends`` is that of a plane, in the cycle of its last term."""
        unit = ShiftAdd(plane, self._range, signed_top=self._signed_top)
        m.submodules.shift_add = shared(platform, unit)
        last = delayed(m, self.neuron_ends, 1 + self._timing.accumulate, "neuron_ends")
        m.d.comb += [
            unit.value.eq(total),
            unit.valid.eq(delayed(m, ends, self._timing.accumulate, "plane_ends")),
            unit.ends.eq(last),
        ]
        return unit.total


class _Term(NamedTuple):
    """A summand: a value in ``low..high``, to be subtracted if negative."""

    value: Value
    negative: bool
    low: int
    high: int


def _times(value: Value, factor: int) -> Value:
    """A product with a positive constant; with a power of two, as nearly always, wires."""
    return value * Const(factor) if factor & (factor - 1) else value << (factor.bit_length() - 1)


def _sum(group: list[_Term], *, last: bool) -> _Term:
    """One or two summands as one, which is not negative if it is the last."""
    group = sorted(group, key=lambda term: term.negative)
    if len(group) == 1:
        (a,) = group
        return _Term(-a.value, False, -a.high, -a.low) if last and a.negative else a
    a, b = group
    if a.negative == b.negative:
        total = _Term(a.value + b.value, a.negative, a.low + b.low, a.high + b.high)
        return _sum([total], last=last)
    return _Term(a.value - b.value, False, a.low - b.high, a.high - b.low)
