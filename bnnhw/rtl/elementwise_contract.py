"""What is proved of units that work element by element: each word out is what the layer's definition says."""

from __future__ import annotations

from abc import abstractmethod

from amaranth.hdl import Module, Signal, Value

from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.ir import Affine, Quantize
from bnnhw.rtl.elementwise import Elementwise
from bnnhw.rtl.golden import Capture, lanes_agree
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way

__all__ = ["ElementwiseContract"]


class ElementwiseContract(StreamContract):
    """The contract of :class:`~bnnhw.rtl.elementwise.Elementwise`; a frame is a position: its channel words.

    - ``result``: every lane of every word is what the layer makes of it.
    - ``count``: never more than ``credits`` words are inside.
    - ``accept``: a word is accepted whenever fewer are inside.
    - ``serve``: with a word inside, one is offered within ``depth`` cycles.

    Parameters
    ----------
    unit : Elementwise
    layer : Quantize or Affine
    lanes : int
        Elements per word.
    timing : ElementTiming
    """

    def __init__(self, unit: Elementwise, layer: Quantize | Affine, lanes: int, timing: ElementTiming) -> None:
        self._layer, self._lanes, self._timing = layer, lanes, timing
        self._folds = -(-layer.shape[0] // lanes)
        self._words = Signal(range(2 * timing.credits + 2))
        """Words inside."""
        capacity = timing.credits // self._folds + 2
        super().__init__(unit, self._folds, self._folds, capacity, patience=timing.depth)

    @abstractmethod
    def element(self, code: Value, channel: int) -> Value:
        """The code of one element out."""

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        layer, lanes = self._layer, self._lanes
        kept = Capture(m, way, traffic.entering["input"], self._folds).words
        right = Signal(init=1)
        with m.Switch(way.watch.out_index):
            for fold in range(self._folds):
                with m.Case(fold):
                    due = [
                        self.element(kept[fold].word_select(channel % lanes, layer.input.bits), channel)
                        for channel in range(fold * lanes, min((fold + 1) * lanes, layer.shape[0]))
                    ]
                    m.d.comb += right.eq(lanes_agree(way.payload, layer.output.bits, due))
        return right

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        m.d.sync += self._words.eq(self._words + traffic.enter - way.leave)
        return self._words != 0

    def fits(self, m: Module, traffic: Traffic) -> Value:
        return self._words <= self._timing.credits

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        return traffic.input.ready == (self._words != self._timing.credits)
