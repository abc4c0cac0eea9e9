"""What is proved of a fork: either branch gets every word, once."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Value

from bnnhw.rtl.contract import Rules
from bnnhw.rtl.golden import Capture
from bnnhw.rtl.stream_contract import StreamContract, Traffic, Way
from bnnhw.units.fork.rtl import Fork

__all__ = ["ForkContract"]


class ForkContract(StreamContract):
    """The contract of :class:`~bnnhw.units.fork.rtl.Fork`; a frame is a word.

    - ``accept``: a word is accepted in the cycle in which both branches have taken it.
    - ``serve``: a word is offered to a branch while it has not taken it, whatever the other does.
    """

    registered = False
    covers = ("followed", "full", "first ahead", "second ahead", "together")

    def __init__(self, unit: Fork) -> None:
        super().__init__(unit, 1, 1, capacity=1, patience=0)

    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        return way.payload == Capture(m, way, traffic.entering["input"], 1).words[0]

    def accepts(self, m: Module, traffic: Traffic) -> Value:
        both: Value = Const(1)
        for way in traffic.ways.values():
            both = both & ((way.watch.inside == 0) | way.leave)
        return ~traffic.input.valid | (traffic.input.ready == both)

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        missing = [way.watch.inside != 0 for way in traffic.ways.values()]
        offered = traffic.input.valid
        rules.cover("first ahead", offered & ~missing[0] & missing[1])
        rules.cover("second ahead", offered & missing[0] & ~missing[1])
        rules.cover("together", traffic.enter & offered)
