"""What is proved of a join: words of both streams leave in turn, each once, as the numbers that they are."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Value

from bnnhw.rtl.contract import Rules
from bnnhw.rtl.golden import Capture, number
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.join.rtl import Join

__all__ = ["JoinContract"]


class JoinContract(StreamContract):
    """The contract of :class:`~bnnhw.units.join.rtl.Join`; a frame is a group of the first and one of the second.

    - ``result``: every lane of every word is the number that went in, in its turn.
    - ``count``: at most one word is held.
    - ``accept``: a word is accepted of the stream whose turn it is, and of no other, once the word before is being
      taken or gone.
    - ``serve``: a word is offered from the cycle after it was accepted.
    """

    covers = ("followed", "full", "turned")

    def __init__(self, unit: Join) -> None:
        self._model = unit.model
        self._first = unit.model.timing.first
        words = unit.model.timing.first + unit.model.timing.second
        super().__init__(unit, words, words, capacity=2, patience=0)

    def _drive(self, m: Module) -> tuple[dict[str, Any], Value, dict[str, Value]]:
        ports, enter, entering = super()._drive(m)
        return ports, enter | (self.second_valid & ports["second"].ready), entering

    def _number(self, words: list[Value], index: Value, lane: int) -> Value:
        """The number in a lane of the word of a place, each stream's in its own type."""
        model = self._model
        found: Value = number(words[0].word_select(lane, model.first.bits), model.first)
        for place, word in enumerate(words[1:], 1):
            dtype = model.first if place < self._first else model.second
            found = Mux(index == place, number(word.word_select(lane, dtype.bits), dtype), found)
        return found

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        model = self._model
        words: list[Value] = []
        total = model.timing.first + model.timing.second
        for name in ("first", "second"):
            captured = Capture(m, way, traffic.entering[name], total, name).words
            words += captured[: self._first] if name == "first" else captured[self._first :]
        right: Value = way.watch.out_index == way.watch.out_index
        for lane in range(model.lanes):
            found = number(way.payload.word_select(lane, model.dtype.bits), model.dtype)
            right = right & (found == self._number(words, way.watch.out_index, lane))
        return right

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        """Whether the next word out has entered: more have entered of its frame, or the frame is whole."""
        watch = way.watch
        return watch.complete | ((watch.inside == 1) & (watch.in_index != watch.out_index))

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        watch = traffic.way.watch
        held = traffic.way.output.valid
        room = ~held | traffic.way.output.ready
        turn = watch.in_index >= self._first
        first, second = traffic.inputs["first"].ready, traffic.inputs["second"].ready
        return (first == (room & ~turn)) & (second == (room & turn))

    def fits(self, m: Module, traffic: Traffic) -> Value:
        """One word at most is between the two sides."""
        watch = traffic.way.watch
        last = self._words_in - 1
        ahead = (watch.in_index == watch.out_index) | (watch.in_index == watch.out_index + 1)
        return ahead | ((watch.in_index == 0) & (watch.out_index == last))

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        rules.cover("turned", traffic.way.leave & (traffic.way.watch.out_index == self._first))
