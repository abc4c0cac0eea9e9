"""What is proved of a window unit: every word under the window, in its turn, and no more words in than have room."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value

from bnnhw.rtl.contract import Rules
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.window.rtl import WindowGenerator

__all__ = ["WindowContract"]


class WindowContract(StreamContract):
    """The contract of :class:`~bnnhw.units.window.rtl.WindowGenerator`.

    - ``result``: every word of every frame is the one that :meth:`Window.taps` names, or the padding.
    - ``count``: no word is offered before those of its frame that it needs.
    - ``accept``: a word is accepted while fewer than ``window_words`` were beyond what those taken give up.
    - ``serve``: with the words that it needs inside, a word is offered within ``depth`` cycles.
    - ``buffer``: no more words are accepted than ``window_words`` beyond what is given up, with no more words read
      than the output queue holds.
    """

    properties = (*StreamContract.properties, "buffer")

    def __init__(self, unit: WindowGenerator) -> None:
        self._model = unit.model
        t = unit.model.timing
        self._most = t.room(t.words_out - 1 + t.credits)
        self._held, self._sure = Signal(range(-t.words_in, 2 * self._most + 2)), Signal(range(self._most + 1))
        """Words accepted since the first of the frame whose words are being taken, and how many there is room for."""
        super().__init__(unit, t.words_in, t.words_out, self._most // t.words_in + 1, patience=t.depth)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        model = self._model
        words = Capture(m, way, traffic.entering["input"], model.timing.words_in).words
        padding = Const(sum(model.padding_code << (lane * model.bits) for lane in range(model.lanes)), model.width)
        due = Signal(model.width)
        with m.Switch(way.watch.out_index):
            for n, source in enumerate(self._taps()):
                with m.Case(n):
                    m.d.comb += due.eq(padding if source < 0 else words[source])
        return way.payload == due

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        t, watch = self._model.timing, way.watch
        accepted, needed = Signal(range(t.words_in + 1)), Signal(range(t.words_in + 1))
        m.d.comb += accepted.eq(Mux(watch.complete, t.words_in, Mux(watch.inside == 0, 0, watch.in_index)))
        with m.Switch(watch.out_index):
            for n in range(t.words_out):
                with m.Case(n):
                    m.d.comb += needed.eq(int(t.needs[n]))
        return accepted >= needed

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        return traffic.input.ready | (self._held >= self._sure)

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        t, way = self._model.timing, traffic.way
        limit, ends = Signal(range(self._most + 1)), Signal()
        with m.Switch(way.watch.out_index):
            for n in range(t.words_out):
                with m.Case(n):
                    m.d.comb += [self._sure.eq(t.room(n)), limit.eq(t.room(n + t.credits))]
        m.d.comb += ends.eq(way.leave & (way.watch.out_index == t.words_out - 1))
        m.d.sync += self._held.eq(self._held + traffic.enter - Mux(ends, t.words_in, 0))
        rules.check("buffer", self._held <= limit)

    def _taps(self) -> list[int]:
        """The input word that each output word is; -1 for the padding."""
        t = self._model.timing
        words = t.position_words
        sources: list[int] = []
        for position in t.window.taps():
            if t.order == "vector":
                order = [(tap, word) for tap in position for word in range(words)]
            else:
                order = [(tap, word) for word in range(words) for tap in position]
            sources += [-1 if tap < 0 else int(tap) * words + word for tap, word in order]
        return sources
