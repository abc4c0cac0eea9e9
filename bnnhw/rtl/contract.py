"""A unit, an environment that may do anything, and what must hold: the shape of everything that is proved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Contract", "FrameWatch", "Rules", "stays", "waits"]


class Rules:
    """Collects what a contract says while it is elaborated.

    Parameters
    ----------
    m : Module
    properties, covers : tuple of str
        Every name that must be said exactly once.
    failed, covered : Signal
        One bit per name.
    """

    def __init__(
        self, m: Module, properties: tuple[str, ...], covers: tuple[str, ...], failed: Signal, covered: Signal
    ) -> None:
        self._m = m
        self._properties = {name: failed[i] for i, name in enumerate(properties)}
        self._covers = {name: covered[i] for i, name in enumerate(covers)}

    def check(self, name: str, holds: Value) -> None:
        """In every cycle of every run, ``holds``."""
        # No `~`: of an expression wider than a bit it would be true whatever its value.
        self._m.d.comb += self._properties.pop(name).eq(holds == 0)

    def cover(self, name: str, happens: Value) -> None:
        """In some cycle of some run, ``happens``: without it a property could hold because nothing ever moves."""
        self._m.d.comb += self._covers.pop(name).eq(happens != 0)

    def finish(self) -> None:
        """Every name was said."""
        if self._properties or self._covers:
            raise ValueError(f"a contract must state {', '.join([*self._properties, *self._covers])}")


class Contract(wiring.Component, ABC):
    """A unit and its checker. There are no assumptions: every input is free in every cycle, the reset too.

    Whatever must be chosen (the frame to follow, the bit to look at) is an input as well, so one proof stands for all
    choices.

    Parameters
    ----------
    inputs : dict of str to int
        Free inputs and their widths.
    observed : int
        Bits of :attr:`observed`.

    Attributes
    ----------
    properties, covers : tuple of str
        Names of what must hold always, and of what must be possible.

    Members
    -------
    failed : Out(len(properties))
        A bit is high in a cycle in which its property does not hold.
    covered : Out(len(covers))
    observed : Out(observed)
        What a neighbour of the unit sees of it: two units that never differ here are the same to everybody.
    """

    properties: ClassVar[tuple[str, ...]]
    covers: ClassVar[tuple[str, ...]]

    def __init__(self, inputs: Mapping[str, int], observed: int = 0) -> None:
        ports = {name: In(width) for name, width in inputs.items()}
        super().__init__(
            {
                **ports,
                "failed": Out(len(self.properties)),
                "covered": Out(len(self.covers)),
                "observed": Out(observed),
            }
        )

    @abstractmethod
    def state(self, m: Module, platform: object, rules: Rules) -> None:
        """Instantiate the unit, connect it to the free inputs, and say the rules."""

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        rules = Rules(m, self.properties, self.covers, self.failed, self.covered)
        self.state(m, platform, rules)
        rules.finish()
        return m


class FrameWatch(wiring.Component):
    """Counts the frames inside a unit, and follows one of them.

    A frame is followed from the word that is its first, entering while :attr:`pick` is high, until its last word has
    left. The number of frames ahead of it is kept: each frame that leaves is one less, and the words that leave when
    there is none ahead must be its own. As any frame may be picked, a frame that is lost lets its successor out in its
    place, one that is doubled or invented its predecessor, and with free words these differ.

    Parameters
    ----------
    words_in, words_out : int
        Words per frame on either side.
    capacity : int
        Most frames the unit may hold, in whole or in part.

    Members
    -------
    enter, leave : In(1)
        A word is accepted; a word is taken. The unit must have a latency of at least one cycle.
    pick : In(1)
    in_index, out_index : Out
        Which word of its frame enters, leaves.
    inside : Out(range(2 * capacity + 2))
        Frames begun at the input and not ended at the output.
    complete : Out(1)
        All words of the frame that is leaving have entered.
    within : Out(1)
        Nothing leaves that did not enter, and no more than ``capacity`` frames are inside.
    capturing : Out(1)
        The word that enters in this cycle belongs to the frame followed.
    checking : Out(1)
        The word that is offered in this cycle, if any, belongs to the frame followed.
    """

    def __init__(self, words_in: int, words_out: int, capacity: int) -> None:
        self._words_in, self._words_out, self._capacity = words_in, words_out, capacity
        super().__init__(
            {
                "enter": In(1),
                "leave": In(1),
                "pick": In(1),
                "in_index": Out(range(words_in)),
                "out_index": Out(range(words_out)),
                # Twice the capacity: an overflow shows, and is not a wrap.
                "inside": Out(range(2 * capacity + 2)),
                "complete": Out(1),
                "within": Out(1),
                "capturing": Out(1),
                "checking": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        following, entering, ahead = Signal(), Signal(), Signal.like(self.inside)
        begins, picked, last_in, ends = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            begins.eq(self.enter & (self.in_index == 0)),
            picked.eq(begins & self.pick & ~following),
            last_in.eq(self.enter & (self.in_index == self._words_in - 1)),
            ends.eq(self.leave & (self.out_index == self._words_out - 1)),
            self.complete.eq((self.inside > 1) | ((self.inside == 1) & (self.in_index == 0))),
            self.within.eq((self.inside <= self._capacity) & ~(self.leave & (self.inside == 0))),
            self.capturing.eq(self.enter & (picked | entering)),
            self.checking.eq(following & (ahead == 0)),
        ]
        m.d.sync += self.inside.eq(self.inside + begins - ends)
        with m.If(self.enter):
            m.d.sync += self.in_index.eq(self.in_index + 1)
        with m.If(last_in):
            m.d.sync += [self.in_index.eq(0), entering.eq(0)]
        with m.If(self.leave):
            m.d.sync += self.out_index.eq(self.out_index + 1)
        with m.If(ends):
            m.d.sync += self.out_index.eq(0)
        with m.If(picked):
            m.d.sync += [following.eq(1), ahead.eq(self.inside - ends), entering.eq(~last_in)]
        with m.Elif(following & ends):
            m.d.sync += [ahead.eq(ahead - 1), following.eq(ahead != 0)]
        return m


def stays(m: Module, valid: Value, ready: Value, payload: Value) -> Value:
    """Whether a word that was offered and not taken is still offered, unchanged. A reset may withdraw it."""
    waiting, held = Signal(name="stays_waiting"), Signal(len(payload), name="stays_held")
    m.d.sync += [waiting.eq(valid & ~ready), held.eq(payload)]
    return ~waiting | (valid & (payload == held))


def waits(m: Module, waiting: Value, cycles: int) -> Value:
    """Whether ``waiting`` has been high for at most ``cycles`` cycles on end, this one included."""
    waited = Signal(range(cycles + 1), name="waited")
    with m.If(~waiting):
        m.d.sync += waited.eq(0)
    with m.Elif(waited != cycles):
        m.d.sync += waited.eq(waited + 1)
    return ~(waiting & (waited == cycles))
