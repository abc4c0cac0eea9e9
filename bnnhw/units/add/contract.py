"""What is proved of a join: every sum is that of its pair, once."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Value

from bnnhw.rtl.contract import Rules
from bnnhw.rtl.golden import Capture, number
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.add.rtl import Add

__all__ = ["AddContract"]


class AddContract(StreamContract):
    """The contract of :class:`~bnnhw.units.add.rtl.Add`; a frame is a pair of words.

    - ``result``: every lane of every sum is that of its pair.
    - ``count``: at most one sum is held.
    - ``accept``: a pair is accepted once both are offered and the sum before is being taken or gone.
    - ``serve``: a sum is offered from the cycle after its pair was accepted.
    - ``pair``: both words of a pair are accepted in the same cycle.
    """

    properties = (*StreamContract.properties, "pair")
    covers = ("followed", "full", "together")

    def __init__(self, unit: Add) -> None:
        self._model = unit.model
        super().__init__(unit, 1, 1, capacity=1, patience=0)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        model = self._model
        words = {name: Capture(m, way, word, 1, name).words[0] for name, word in traffic.entering.items()}
        right: Value = Const(1)
        for lane in range(model.lanes):
            a = number(words["first"].word_select(lane, model.first.bits), model.first)
            b = number(words["second"].word_select(lane, model.second.bits), model.second)
            right = right & (number(way.payload.word_select(lane, model.dtype.bits), model.dtype) == a + b)
        return right

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        room = (traffic.way.watch.inside == 0) | traffic.way.output.ready
        return traffic.enter == (self.first_valid & self.second_valid & room)

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        rules.check("pair", traffic.enter == (self.second_valid & traffic.inputs["second"].ready))
        rules.cover("together", traffic.enter & traffic.way.leave)
