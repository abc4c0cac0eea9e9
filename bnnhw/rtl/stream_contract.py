"""What every unit between streams keeps.

Each unit's own contract extends :class:`StreamContract` and states only what is particular: which word is due, what it
is made of, when there is room.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from amaranth.hdl import Cat, Const, Elaboratable, Module, ResetSignal, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.rtl.contract import Contract, FrameWatch, Rules, stays, waits
from bnnhw.rtl.emit import apart

__all__ = ["StreamContract", "Traffic", "Way"]


class _Producer(wiring.Component):
    """The environment in front of a unit without registers: any stream that keeps the rules.

    Loads a word whenever it may and :attr:`start` is high, and shows it until it is accepted.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            {"start": In(1), "payload": In(width), "loads": Out(1), "output": Out(stream.Signature(unsigned(width)))}
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        room = Signal()
        m.d.comb += [room.eq(~self.output.valid | self.output.ready), self.loads.eq(self.start & room)]
        with m.If(room):
            m.d.sync += [self.output.valid.eq(self.start), self.output.payload.eq(self.payload)]
        return m


@dataclass(frozen=True)
class Way:
    """The words that enter a unit and leave it at one of its outputs.

    Parameters
    ----------
    watch : FrameWatch
    output : stream
    payload : Value
        Of the output, as bits.
    leave : Value
        A word is taken.
    """

    watch: FrameWatch
    output: Any
    payload: Value
    leave: Value


@dataclass(frozen=True)
class Traffic:
    """What moves at a unit's ports.

    Parameters
    ----------
    inputs : dict of str to stream
        The unit's own, or where it has no registers those of the producer in front of it.
    enter : Value
        A word comes in, with several inputs one at each.
    entering : dict of str to Value
        By input, the word that comes in then.
    ways : dict of str to Way
        By output.
    """

    inputs: Mapping[str, Any]
    enter: Value
    entering: Mapping[str, Value]
    ways: Mapping[str, Way]

    @property
    def way(self) -> Way:
        """The only one."""
        (way,) = self.ways.values()
        return way

    @property
    def input(self) -> Any:
        """The only one."""
        (port,) = self.inputs.values()
        return port


class StreamContract(Contract):
    """What every unit between streams keeps.

    - ``stable``: an offered word holds until it is taken.
    - ``result``: every word that leaves, in its turn, is the one that is due (:meth:`due`). As any frame may be the one
      that is followed, none is lost, doubled or invented.
    - ``count``: no word is offered before those that it is made of (:meth:`there`), and no more frames are inside than
      there are places (:meth:`fits`).
    - ``accept``: a word is accepted when, and only when, there is room (:meth:`accepts`).
    - ``serve``: a word is offered within ``patience`` cycles of those that it is made of.

    Parameters
    ----------
    unit : wiring.Component
    words_in, words_out : int
        Words per frame at its inputs and its outputs; a frame is what the unit handles as a whole.
    capacity : int
        Most frames inside, in whole or in part.
    patience : int
        Cycles; 0: a word is offered in every cycle in which what it is made of is there.
    extra : dict of str to int
        More free inputs.

    Attributes
    ----------
    registered : bool
        Whether a word leaves at the earliest in the cycle after it was accepted. Where words pass in the same cycle, a
        producer that keeps the rules stands in front, and a word enters when it is loaded there.
    """

    properties = ("stable", "result", "count", "accept", "serve")
    covers = ("followed", "full")
    registered: ClassVar[bool] = True

    def __init__(
        self,
        unit: wiring.Component,
        words_in: int,
        words_out: int,
        capacity: int,
        patience: int,
        extra: Mapping[str, int] | None = None,
    ) -> None:
        self._component = unit
        self._words_in, self._words_out, self._capacity = words_in, words_out, capacity
        self._patience = patience
        self._sources, self._sinks = _streams(unit)
        inputs: dict[str, int] = {}
        for name, width in self._sources.items():
            inputs |= {f"{name}_valid": 1, f"{name}_payload": width}
        inputs |= {f"{name}_ready": 1 for name in self._sinks}
        observed = len(self._sources) + sum(1 + width for width in self._sinks.values())
        super().__init__({**inputs, "pick": 1, **(extra or {})}, observed)

    @abstractmethod
    def due(self, m: Module, traffic: Traffic, way: Way) -> Value:
        """Whether the word offered, if it is one of the frame that is followed, is what it should be."""

    def there(self, m: Module, traffic: Traffic, way: Way) -> Value:
        """Whether what the next word out is made of has entered; a whole frame, where the unit says nothing else."""
        return way.watch.complete

    def owed(self, m: Module, traffic: Traffic, way: Way, there: Value) -> Value:
        """Whether a word must come out soon; :meth:`there`, where the unit says nothing else."""
        return there

    def fits(self, m: Module, traffic: Traffic) -> Value:
        """What must hold of the places inside beside the number of frames."""
        return Const(1)

    def picks(self) -> Value:
        """Whether a frame that begins may be followed."""
        return self.pick

    @abstractmethod
    def accepts(self, m: Module, traffic: Traffic) -> Value:
        """Whether the inputs accept, or refuse, as they should."""

    def full(self, m: Module, traffic: Traffic) -> Value:
        """Whether the unit can't take more: a cover."""
        refuses: Value = Const(0)
        for port in traffic.inputs.values():
            refuses = refuses | ~port.ready
        for way in traffic.ways.values():
            refuses = refuses & way.output.valid
        return refuses

    def particulars(self, m: Module, traffic: Traffic, rules: Rules) -> None:
        """Say the properties and covers that are the unit's own."""

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit = self._component
        # A module of its own, as in a design: what is proved is what is built.
        m.submodules.unit = apart(platform, unit, "unit", ResetSignal())
        inputs, enter, entering = self._drive(m)
        ways = {name: self._way(m, name, enter) for name in self._sinks}
        traffic = Traffic(inputs, enter, entering, ways)

        stable: Value = Const(1)
        result: Value = Const(1)
        count: Value = self.fits(m, traffic) != 0
        serve: Value = Const(1)
        followed: Value = Const(0)
        for name, way in ways.items():
            checker = Module()
            m.submodules[f"{name}_checker"] = checker
            due, there = self.due(m, traffic, way), self.there(m, traffic, way)
            late = self.owed(m, traffic, way, there) & ~way.output.valid
            stable = stable & stays(checker, way.output.valid, way.output.ready, way.payload)
            result = result & (~(way.watch.checking & way.leave) | due)
            count = count & way.watch.within & (~way.output.valid | there)
            serve = serve & waits(checker, late, self._patience)
            ends = way.leave & (way.watch.out_index == self._words_out - 1)
            followed = followed | (way.watch.checking & ends)
        rules.check("stable", stable)
        rules.check("result", result)
        rules.check("count", count)
        rules.check("accept", self.accepts(m, traffic))
        rules.check("serve", serve)
        rules.cover("followed", followed)
        rules.cover("full", self.full(m, traffic))
        self.particulars(m, traffic, rules)
        seen: list[Value] = [port.ready for port in self._unit_inputs().values()]
        for way in ways.values():
            seen += [way.output.valid, way.payload & way.output.valid.replicate(len(way.payload))]
        m.d.comb += self.observed.eq(Cat(*seen))

    def _unit_inputs(self) -> dict[str, Any]:
        return {name: getattr(self._component, name) for name in self._sources}

    def _drive(self, m: Module) -> tuple[dict[str, Any], Value, dict[str, Value]]:
        """The inputs: their streams, whether a word enters, and which."""
        ports: dict[str, Any] = self._unit_inputs()
        entering: dict[str, Value] = {}
        enter: list[Value] = []
        for name, port in ports.items():
            valid, payload = getattr(self, f"{name}_valid"), getattr(self, f"{name}_payload")
            entering[name] = payload
            if self.registered:
                m.d.comb += [port.valid.eq(valid), port.payload.eq(payload)]
                enter.append(valid & port.ready)
                continue
            producer = _Producer(len(payload))
            m.submodules[f"{name}_producer"] = producer
            wiring.connect(m, producer.output, port)
            m.d.comb += [producer.start.eq(valid), producer.payload.eq(payload)]
            ports[name] = producer.output
            enter.append(producer.loads)
        # With several inputs the first speaks for all: that they agree is what is particular to such a unit.
        return ports, enter[0], entering

    def _way(self, m: Module, name: str, enter: Value) -> Way:
        port = getattr(self._component, name)
        watch = FrameWatch(self._words_in, self._words_out, self._capacity)
        m.submodules[f"{name}_watch"] = watch
        m.d.comb += [
            port.ready.eq(getattr(self, f"{name}_ready")),
            watch.enter.eq(enter),
            watch.leave.eq(port.valid & port.ready),
            watch.pick.eq(self.picks()),
        ]
        return Way(watch, port, Value.cast(port.payload), watch.leave)


def _streams(unit: wiring.Component) -> tuple[dict[str, int], dict[str, int]]:
    """The widths of a unit's input and output streams, by name."""
    sources: dict[str, int] = {}
    sinks: dict[str, int] = {}
    for name, member in unit.signature.members.items():
        if member.is_signature and isinstance(member.signature, stream.Signature):
            width = len(Value.cast(getattr(unit, name).payload))
            (sources if member.flow == In else sinks)[name] = width
    return sources, sinks
