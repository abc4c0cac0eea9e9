"""The contracts of pooling and of element-wise units: each word out is what the layer's definition says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value

from bnnhw.hardware import elementwise
from bnnhw.hardware.pool import PoolReduce
from bnnhw.ir import DataType, MaxPool, Quantize, Thresholds
from bnnhw.verify.formal_contract import Contract, FrameWatch, Rules, stays, waits

__all__ = ["ElementContract", "PoolContract", "number"]


def number(code: Value, dtype: DataType) -> Value:
    """What a code stands for: the weighted sum of its bits; of a bipolar one twice the bit, less 1."""
    if dtype.kind == "bipolar":
        return 2 * code[0] - 1
    total: Value = Const(0)
    for bit, coefficient in enumerate(dtype.coefficients):
        total = total + code[bit] * coefficient
    return total


def _captured(m: Module, watch: FrameWatch, payload: Value, words: int) -> list[Signal]:
    """The words of the frame that is followed."""
    kept = [Signal(len(payload), name=f"followed_{i}") for i in range(words)]
    with m.If(watch.capturing), m.Switch(watch.in_index):
        for i, word in enumerate(kept):
            with m.Case(i):
                m.d.sync += word.eq(payload)
    return kept


def _lanes_agree(payload: Value, bits: int, due: Sequence[Value]) -> Value:
    """Whether the first lanes are those that are due; the others are undefined."""
    agree: Value = Const(1)
    for lane, value in enumerate(due):
        agree = agree & (payload.word_select(lane, bits) == value[:bits])
    return agree


def _sized(value: Value, bits: int) -> Value:
    """Two's complement of so many bits."""
    return (value + Const(0, bits + 1))[:bits]


class PoolContract(Contract):
    """Of :class:`~bnnhw.hardware.pool.PoolReduce`. A frame is a position of the window: its taps in, its words out.

    - ``stable``: an offered word holds until it is taken.
    - ``result``: every lane of every word, in its turn, is the maximum, minimum or sum of its taps.
    - ``count``: no word is invented, and at most one is held.
    - ``offer``: a word is offered from the cycle after its last tap until it is taken.
    - ``accept``: every tap is accepted but a word's last, which waits while the word before is held (with a single
      tap a word, while it is not being taken).
    """

    properties = ("stable", "result", "count", "offer", "accept")
    covers = ("followed", "overlapping")

    def __init__(self, unit: PoolReduce) -> None:
        self._unit = unit
        super().__init__({"input_valid": 1, "input_payload": len(unit.input.payload), "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit, area = self._unit, self._unit.pipeline.area
        folds = -(-unit.layer.window.channels // unit.lanes)
        m.submodules.unit = unit
        m.submodules.watch = watch = FrameWatch(area * folds, folds, 2)
        m.d.comb += [
            unit.input.valid.eq(self.input_valid),
            unit.input.payload.eq(self.input_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.input.valid & unit.input.ready),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        kept = _captured(m, watch, unit.input.payload, area * folds)
        right = Signal(init=1)
        with m.Switch(watch.out_index):
            for fold in range(folds):
                with m.Case(fold):
                    due = self._due(kept[fold * area : (fold + 1) * area], fold)
                    m.d.comb += right.eq(_lanes_agree(unit.output.payload, unit.layer.output.bits, due))
        last: Value = Const(0)
        for fold in range(folds):
            last = last | (watch.in_index == fold * area + area - 1)
        held = Signal(2)
        m.d.sync += held.eq(held + (watch.enter & last) - watch.leave)
        room = (held == 0) | (watch.leave if area == 1 else Const(0))

        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("result", ~(watch.checking & watch.leave) | right)
        rules.check("count", watch.within & (held <= 1))
        rules.check("offer", unit.output.valid == (held != 0))
        rules.check("accept", unit.input.ready == (~last | room))
        rules.cover("followed", watch.checking & watch.leave)
        rules.cover("overlapping", watch.enter & (held != 0))

    def _due(self, taps: Sequence[Value], fold: int) -> list[Value]:
        """The elements of one word out. Channels that take the minimum come in complemented."""
        layer, lanes = self._unit.layer, self._unit.lanes
        dtype = layer.input
        due: list[Value] = []
        for channel in range(fold * lanes, min((fold + 1) * lanes, layer.window.channels)):
            codes = [tap.word_select(channel % lanes, dtype.bits) for tap in taps]
            if not isinstance(layer, MaxPool):
                total: Value = Const(0)
                for code in codes:
                    total = total + (code if dtype.kind == "bipolar" else number(code, dtype))
                due.append(_sized(total, layer.output.bits))
                continue
            least = bool(layer.minimum[channel])
            codes = [(~code)[: dtype.bits] if least else code for code in codes]
            best = codes[0]
            for code in codes[1:]:
                wins = number(code, dtype) < number(best, dtype) if least else number(code, dtype) > number(best, dtype)
                best = Mux(wins, code, best)
            due.append(best)
        return due


class ElementContract(Contract):
    """Of :class:`~bnnhw.hardware.elementwise.Quantize` and :class:`~bnnhw.hardware.elementwise.Affine`. A frame is a
    position: its channel words.

    - ``stable``: an offered word holds until it is taken.
    - ``result``: every lane of every word, in its turn, is what the layer makes of it.
    - ``count``: no word is invented, and never more than ``credits`` are inside.
    - ``accept``: a word is accepted whenever fewer are inside.
    - ``serve``: with a word inside, one is offered within ``depth`` cycles.
    """

    properties = ("stable", "result", "count", "accept", "serve")
    covers = ("followed", "full")

    def __init__(self, unit: elementwise.Quantize | elementwise.Affine) -> None:
        self._unit = unit
        super().__init__({"input_valid": 1, "input_payload": len(unit.input.payload), "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit, p = self._unit, self._unit.pipeline
        layer, lanes = unit.layer, unit.lanes
        channels = layer.shape[0]
        folds = -(-channels // lanes)
        m.submodules.unit = unit
        m.submodules.watch = watch = FrameWatch(folds, folds, p.credits // folds + 2)
        m.d.comb += [
            unit.input.valid.eq(self.input_valid),
            unit.input.payload.eq(self.input_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.input.valid & unit.input.ready),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        kept = _captured(m, watch, unit.input.payload, folds)
        right = Signal(init=1)
        with m.Switch(watch.out_index):
            for fold in range(folds):
                with m.Case(fold):
                    due = [
                        self._due(kept[fold].word_select(channel % lanes, layer.input.bits), channel)
                        for channel in range(fold * lanes, min((fold + 1) * lanes, channels))
                    ]
                    m.d.comb += right.eq(_lanes_agree(unit.output.payload, layer.output.bits, due))
        words = Signal(range(2 * p.credits + 2))
        m.d.sync += words.eq(words + watch.enter - watch.leave)

        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("result", ~(watch.checking & watch.leave) | right)
        rules.check("count", watch.within & (words <= p.credits) & (~unit.output.valid | (words != 0)))
        rules.check("accept", unit.input.ready == (words != p.credits))
        rules.check("serve", waits(m, (words != 0) & ~unit.output.valid, p.depth))
        rules.cover("followed", watch.checking & watch.leave)
        rules.cover("full", (words == p.credits) & unit.output.valid)

    def _due(self, code: Value, channel: int) -> Value:
        """The code of one element out."""
        layer = self._unit.layer
        value = number(code, layer.input)
        if not isinstance(layer, Quantize):
            return _sized(value * int(layer.multiplier[channel]) + int(layer.offset[channel]), layer.output.bits)
        assert isinstance(layer.activation, Thresholds)
        level: Value = Const(0)
        for threshold in layer.activation.values[channel]:
            level = level + (value >= int(threshold))
        due: Value = Const(0, layer.output.bits)
        for reached in range(layer.output.levels):
            due = Mux(level == reached, int(layer.output.codes(np.array(reached))), due)
        return _sized(due, layer.output.bits)
