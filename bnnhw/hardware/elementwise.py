"""Element by element, each channel with constants of its own: thresholds, or a multiplier and an offset."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw import ir
from bnnhw.folding.elementwise import ElementPipeline, affine_pipeline, quantize_pipeline
from bnnhw.folding.pipeline import accumulator_shape
from bnnhw.hardware.emit import shared
from bnnhw.hardware.fifo import CreditedOutput
from bnnhw.hardware.residual import element_value
from bnnhw.hardware.rom import Rom
from bnnhw.hardware.threshold import Threshold, pack_thresholds

__all__ = ["Affine", "Quantize"]


class _Elementwise(wiring.Component, ABC):
    """What both units have in common: counters, constants and the queue; the arithmetic runs free between them."""

    layer: ir.Quantize | ir.Affine

    def __init__(self, layer: ir.Quantize | ir.Affine, lanes: int, pipeline: ElementPipeline) -> None:
        self.lanes = lanes
        self._cycles = pipeline
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(lanes * layer.input.bits))),
                "output": Out(stream.Signature(unsigned(lanes * layer.output.bits))),
            }
        )

    @abstractmethod
    def _constants(self) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
        """Bits (channels, width), and in which cycle of the arithmetic each column is used."""

    @abstractmethod
    def _result(self, m: Module, platform: object, lane: int, value: Value, constants: Value) -> Value:
        """A lane's result, ``compute`` cycles after its value."""

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p, dtype = self._cycles, self.layer.input
        m.submodules.queue = queue = CreditedOutput(len(self.output.payload), p.credits)
        wiring.connect(m, queue.output, wiring.flipped(self.output))
        accept = Signal()
        m.d.comb += [
            self.input.ready.eq(queue.grant),
            accept.eq(self.input.valid & queue.grant),
            queue.begin.eq(accept),
        ]
        word: Value = self.input.payload
        for cycle in range(p.read):
            register = Signal(len(word), name=f"word_{cycle}", reset_less=True)
            m.d.sync += register.eq(word)
            word = register
        push: Value = accept
        for cycle in range(p.read + p.compute):
            valid = Signal(name=f"valid_{cycle}")
            m.d.sync += valid.eq(push)
            push = valid

        bits, stages = self._constants()
        folds = -(-len(bits) // self.lanes)
        table = np.zeros((folds * self.lanes, bits.shape[1]), np.uint8)
        table[: len(bits)] = bits
        fold = Signal(range(folds))
        with m.If(accept):
            m.d.sync += fold.eq(Mux(fold == folds - 1, 0, fold + 1))
        results: list[Value] = []
        for lane in range(self.lanes):
            # One memory a lane, each with its own copy of the address: fan-out, not storage, is scarce.
            constants: Value = Const(0, 0)
            if stages:
                rom = Rom(table[lane :: self.lanes], "lut", registered=True, stages=stages)
                m.submodules[f"constants_{lane}"] = rom
                m.d.comb += rom.address.eq(fold)
                constants = rom.data
            value = element_value(word[lane * dtype.bits : (lane + 1) * dtype.bits], dtype)
            results.append(self._result(m, platform, lane, value, constants))
        m.d.comb += [queue.push.eq(push), queue.payload.eq(Cat(*results))]
        return m


class Quantize(_Elementwise):
    """Compares elements with their channel's thresholds; an element's code is how many it meets.

    With ``p`` of :func:`bnnhw.folding.elementwise.quantize_pipeline`:

    - Input, output: ``p.words`` words a frame; channel ``c`` of a position is lane ``c % lanes`` of its word
      ``c // lanes``. Lanes past the last channel are undefined.
    - II = 1 word a cycle. Latency of a word = ``p.depth``.
    - Stalls: accepts a word while fewer than ``p.credits`` are accepted and not taken.
    - Storage: the thresholds in logic; ``p.credits`` output words, and the registers of the pipeline.

    Parameters
    ----------
    layer : bnnhw.ir.Quantize
        Streamlined.
    lanes : int
        Elements a word.

    Members
    -------
    input : stream of ``unsigned(lanes * layer.input.bits)``
    output : stream of ``unsigned(lanes * layer.output.bits)``
    """

    def __init__(self, layer: ir.Quantize, lanes: int) -> None:
        if not isinstance(layer.activation, ir.Thresholds):
            raise ValueError(f"layer {layer.name} must be streamlined")
        if lanes < 1:
            raise ValueError(f"lanes must be positive, not {lanes}")
        self.layer = layer
        self._thresholds = layer.activation
        self._range = layer.input.minimum, layer.input.maximum
        self.pipeline = quantize_pipeline(layer, lanes)
        super().__init__(layer, lanes, self.pipeline)

    def _constants(self) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
        bits = pack_thresholds(self._thresholds.values, self._range)
        return bits, (0,) * bits.shape[1]

    def _result(self, m: Module, platform: object, lane: int, value: Value, constants: Value) -> Value:
        unit = Threshold(self._range, self._thresholds.dtype)
        m.submodules[f"threshold_{lane}"] = shared(platform, unit)
        m.d.comb += [unit.value.eq(value), unit.thresholds.eq(constants)]
        return unit.code


class Affine(_Elementwise):
    """Multiplies elements by their channel's multiplier and adds its offset, in integers.

    With ``p`` of :func:`bnnhw.folding.elementwise.affine_pipeline`:

    - Input, output: ``p.words`` words a frame; channel ``c`` of a position is lane ``c % lanes`` of its word
      ``c // lanes``. Lanes past the last channel are undefined.
    - II = 1 word a cycle. Latency of a word = ``p.depth``.
    - Stalls: accepts a word while fewer than ``p.credits`` are accepted and not taken.
    - Storage: the constants in logic; ``p.credits`` output words, and the registers of the pipeline.

    Multipliers that are powers of two, up to their signs, are shifts; others are sums of partial products, one adder a
    bit of the multiplier, where a bit that no channel of a lane has costs nothing.

    Parameters
    ----------
    layer : bnnhw.ir.Affine
    lanes : int
        Elements a word.

    Members
    -------
    input : stream of ``unsigned(lanes * layer.input.bits)``
    output : stream of ``unsigned(lanes * layer.output.bits)``
    """

    def __init__(self, layer: ir.Affine, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"lanes must be positive, not {lanes}")
        self.layer = layer
        self.pipeline = affine_pipeline(layer, lanes)
        self._width = layer.output.bits
        super().__init__(layer, lanes, self.pipeline)

    @property
    def _shifts(self) -> list[int]:
        """The distinct shifts of multipliers that are powers of two."""
        return sorted({abs(m).bit_length() - 1 for m in self.layer.multiplier.tolist() if m})

    @property
    def _product_bits(self) -> int:
        """Columns of constants that the product needs: for each shift whether it is it, and the sign; or the bits."""
        if not self.pipeline.multiply:
            return 0
        multiplier = self.layer.multiplier
        if self.pipeline.shifts:
            return len(self._shifts) + 1
        return accumulator_shape(int(multiplier.min()), int(multiplier.max()))[0]

    def _constants(self) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
        p, multiplier, offset = self.pipeline, self.layer.multiplier, self.layer.offset
        product, width = self._product_bits, self._width if self.pipeline.add else 0
        columns = np.zeros((len(multiplier), product + width), np.uint8)
        if p.multiply and p.shifts:
            for column, shift in enumerate(self._shifts):
                columns[:, column] = np.abs(multiplier) == 1 << shift
            columns[:, product - 1] = multiplier < 0
        elif p.multiply:
            columns[:, :product] = multiplier[:, None] >> np.arange(product) & 1
        if p.shifts:
            # The complement of a number is one less than its negative.
            offset = offset + (multiplier < 0)
        columns[:, product:] = offset[:, None] >> np.arange(width) & 1
        return columns, (0,) * product + (p.multiply,) * width

    def _result(self, m: Module, platform: object, lane: int, value: Value, constants: Value) -> Value:
        # All of it modulo the width of the result, which holds every result.
        x = Signal(self._width, name=f"x_{lane}")
        m.d.comb += x.eq(value)
        product = self._product_bits
        total: Value = x
        if self.pipeline.multiply:
            factor = constants[:product]
            total = self._shifted(m, lane, x, factor) if self.pipeline.shifts else self._product(m, lane, x, factor)
        if self.pipeline.add:
            result = Signal(self._width, name=f"sum_{lane}", reset_less=True)
            m.d.sync += result.eq(total + constants[product:])
            total = result
        return total

    def _shifted(self, m: Module, lane: int, x: Signal, factor: Value) -> Value:
        """The shift that is chosen, complemented if the multiplier is negative; 0 if none is chosen."""
        chosen: Value = Const(0, self._width)
        for column, shift in enumerate(self._shifts):
            chosen = chosen | ((x << shift)[: self._width] & factor[column].replicate(self._width))
        product = Signal(self._width, name=f"product_{lane}", reset_less=True)
        m.d.sync += product.eq(chosen ^ factor[len(self._shifts)].replicate(self._width))
        return product

    def _product(self, m: Module, lane: int, x: Signal, factor: Value) -> Value:
        """The sum of the partial products, one register a tree level; the sign's is subtracted."""
        multiplier = self.layer.multiplier[lane :: self.lanes]
        top = len(factor) - 1 if int(self.layer.multiplier.min()) < 0 else len(factor)
        # Partial products, and whether each counts negative.
        terms: list[tuple[Value, bool]] = [(Const(0, self._width), False)]
        for bit in range(len(factor)):
            if (multiplier >> bit & 1).any():
                terms.append(((x << bit)[: self._width] & factor[bit].replicate(self._width), bit == top))
        if len(terms) > 1 and not terms[1][1]:
            # The zero in front serves a sign alone.
            del terms[0]
        for level in range(self.pipeline.multiply):
            sums: list[tuple[Value, bool]] = []
            for k in range(0, len(terms), 2):
                (one, one_negative), *rest = terms[k : k + 2]
                total = Signal(self._width, name=f"product_{lane}_{level}_{k // 2}", reset_less=True)
                joined = one
                if rest:
                    joined = one - rest[0][0] if rest[0][1] else one + rest[0][0]
                m.d.sync += total.eq(joined)
                # A sign is the last of its level, so it is subtracted as soon as it has a partner.
                sums.append((total, one_negative))
            terms = sums
        return terms[0][0]
