"""What is proved of the channel inverter: the codes of the channels that take the minimum are complemented."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value

from bnnhw.rtl.golden import Capture, lanes_agree
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.invert.rtl import ChannelInverter

__all__ = ["InvertContract"]


class InvertContract(StreamContract):
    """The contract of :class:`~bnnhw.units.invert.rtl.ChannelInverter`; a frame is a position: its channel words.

    - ``result``: every lane is its channel's code, complemented where the pool takes the channel's minimum.
    - ``accept``: a word is accepted in the cycle in which it is taken.
    - ``serve``: a word is offered while one is offered to the unit.
    """

    registered = False

    def __init__(self, unit: ChannelInverter) -> None:
        self._model = unit.model
        folds = unit.model.inputs[0].group_words
        super().__init__(unit, folds, folds, capacity=1, patience=0)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        layer, lanes, folds = self._model.layer, self._model.lanes, self._model.inputs[0].group_words
        bits, channels = layer.input.bits, layer.window.channels
        words = Capture(m, way, traffic.entering["input"], folds).words
        right = Signal(init=1)
        with m.Switch(way.watch.out_index):
            for fold in range(folds):
                with m.Case(fold):
                    due = []
                    for channel in range(fold * lanes, min((fold + 1) * lanes, channels)):
                        code = words[fold].word_select(channel % lanes, bits)
                        due.append((~code)[:bits] if layer.minimum[channel] else code)
                    m.d.comb += right.eq(lanes_agree(way.payload, bits, due))
        return right

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        return traffic.input.valid

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        return traffic.input.ready == traffic.way.output.ready
