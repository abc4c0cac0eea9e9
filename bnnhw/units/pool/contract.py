"""What is proved of a pooling unit: each word out is what the layer's definition says of its taps."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Mux, Signal, Value

from bnnhw.ir import MaxPool
from bnnhw.rtl.contract import Rules
from bnnhw.rtl.golden import Capture, lanes_agree, number, sized
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.pool.rtl import PoolReduce

__all__ = ["PoolContract"]


class PoolContract(StreamContract):
    """The contract of :class:`~bnnhw.units.pool.rtl.PoolReduce`; a frame is a position of the window.

    - ``result``: every lane of every word is the maximum, minimum or sum of its taps.
    - ``count``: at most one word is held.
    - ``accept``: every tap is accepted but a word's last, which waits while the word before is held (with a single
      tap per word, while it is not being taken).
    - ``serve``: a word is offered from the cycle after its last tap until it is taken.
    """

    covers = ("followed", "full", "overlapping")

    def __init__(self, unit: PoolReduce) -> None:
        self._model = unit.model
        area = unit.model.timing.area
        self._folds = -(-unit.model.layer.window.channels // unit.model.lanes)
        self._held = Signal(2)
        """Words whose taps have all entered, and which have not been taken."""
        super().__init__(unit, area * self._folds, self._folds, capacity=2, patience=0)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        area, bits = self._model.timing.area, self._model.layer.output.bits
        kept = Capture(m, way, traffic.entering["input"], area * self._folds).words
        right = Signal(init=1)
        with m.Switch(way.watch.out_index):
            for fold in range(self._folds):
                with m.Case(fold):
                    due = self._word(kept[fold * area : (fold + 1) * area], fold)
                    m.d.comb += right.eq(lanes_agree(way.payload, bits, due))
        return right

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        m.d.sync += self._held.eq(self._held + (traffic.enter & self._last(way)) - way.leave)
        return self._held != 0

    def fits(self, m: Module, traffic: Traffic) -> Value:
        return self._held <= 1

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        way, single = traffic.way, self._model.timing.area == 1
        room = (self._held == 0) | (way.leave if single else Const(0))
        return traffic.input.ready == (~self._last(way) | room)

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        rules.cover("overlapping", traffic.enter & (self._held != 0))

    def _last(self, way: Way) -> Value:
        """Whether the tap that may enter is the last of its word."""
        area = self._model.timing.area
        last: Value = Const(0)
        for fold in range(self._folds):
            last = last | (way.watch.in_index == fold * area + area - 1)
        return last

    def _word(self, taps: Sequence[Value], fold: int) -> list[Value]:
        """The elements of one word out. Channels that take the minimum come in complemented."""
        layer, lanes = self._model.layer, self._model.lanes
        dtype = layer.input
        due: list[Value] = []
        for channel in range(fold * lanes, min((fold + 1) * lanes, layer.window.channels)):
            codes = [tap.word_select(channel % lanes, dtype.bits) for tap in taps]
            if not isinstance(layer, MaxPool):
                total: Value = Const(0)
                for code in codes:
                    total = total + (code if dtype.kind == "bipolar" else number(code, dtype))
                due.append(sized(total, layer.output.bits))
                continue
            least = bool(layer.minimum[channel])
            codes = [(~code)[: dtype.bits] if least else code for code in codes]
            best = codes[0]
            for code in codes[1:]:
                wins = number(code, dtype) < number(best, dtype) if least else number(code, dtype) > number(best, dtype)
                best = Mux(wins, code, best)
            due.append(best)
        return due
