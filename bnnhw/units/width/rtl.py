"""From words of one width to words of another, frame by frame."""

from __future__ import annotations

from math import gcd

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.rtl.registers import reaches_end
from bnnhw.units.width.model import WidthUnit

__all__ = ["WidthConverter"]


def _next_ends(index: Signal, ends: Signal, words: int, place: Signal, completes: Signal, ratio: int) -> Value:
    """Whether the next word is its frame's last, and its wide word's: the last of ``ratio``, or the frame's."""
    last = reaches_end(index, ends, words)
    return Cat(last, last | reaches_end(place, completes, ratio))


class WidthConverter(wiring.Component):
    """Repacks the bits of each frame, lowest first, into words of another width.

    - Input: ``words_in = ceil(frame_bits / input_width)`` words per frame; the surplus bits of the last are dropped.
    - Output: ``words_out = ceil(frame_bits / output_width)`` words per frame; the last is filled up with ones.
    - II, latency and storage: :class:`~bnnhw.units.width.model.WidthTiming`. Where one width divides the other, II =
      max(words_in, words_out); otherwise at most 2 cycles per frame more. Equal widths are wires.
    - Stalls: accepts a word while the rest of the previous ones leaves room for it, and the next frame's first once
      the last word of a frame is being taken (widths that do not divide each other only).

    Parameters
    ----------
    model : WidthUnit

    Members
    -------
    input : stream of ``unsigned(input_width)``
    output : stream of ``unsigned(output_width)``
    """

    clocked = True

    def __init__(self, model: WidthUnit) -> None:
        self.model = model
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(model.input_width))),
                "output": Out(stream.Signature(unsigned(model.output_width))),
            }
        )

    @property
    def module_name(self) -> str:
        g = self.model.timing
        return f"bnnhw_width_{g.input_width}_to_{g.output_width}_of_{g.frame_bits}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        kind = self.model.timing.kind
        if kind == "wire":
            self._wire(m)
        elif kind == "up":
            self._up(m)
        elif kind == "down":
            self._down(m)
        else:
            self._general(m)
        return m

    def _filled(self, word: Value, last: Value) -> Value:
        """A frame's last output word with ones past the frame's end."""
        g = self.model.timing
        used = g.frame_bits - (g.words_out - 1) * g.output_width
        if used == g.output_width:
            return word
        return Mux(last, Cat(word[:used], Const(-1, g.output_width - used)), word)

    def _wire(self, m: Module) -> None:
        wiring.connect(m, wiring.flipped(self.input), wiring.flipped(self.output))

    def _up(self, m: Module) -> None:
        """Collect ``ratio`` words; the last of them passes straight into the output register."""
        g = self.model.timing
        ratio = g.output_width // g.input_width
        final = (g.words_in - 1) % ratio  # Place of a frame's last input word in its output word.
        place, index = Signal(range(ratio)), Signal(range(g.words_in))
        slots = [Signal(g.input_width, name=f"slot_{i}", reset_less=True) for i in range(ratio)]
        valid, accept = Signal(), Signal()
        # Whether the word that comes is its frame's last, and its output word's: registers, since ready goes far.
        ends, completes = Signal(init=g.words_in == 1), Signal(init=g.words_in == 1)
        held = Signal(g.output_width, reset_less=True)
        m.d.comb += [
            self.input.ready.eq(~completes | ~valid | self.output.ready),
            accept.eq(self.input.valid & self.input.ready),
            self.output.valid.eq(valid),
            self.output.payload.eq(held),
        ]
        with m.If(self.output.ready):
            m.d.sync += valid.eq(0)
        with m.If(accept):
            m.d.sync += [index.eq(Mux(ends, 0, index + 1)), place.eq(Mux(completes, 0, place + 1))]
            m.d.sync += Cat(ends, completes).eq(_next_ends(index, ends, g.words_in, place, completes, ratio))
            with m.Switch(place):
                for i, slot in enumerate(slots[:-1]):
                    with m.Case(i):
                        m.d.sync += slot.eq(self.input.payload)
            with m.If(completes):
                m.d.sync += valid.eq(1)
                full = Cat(*slots[:-1], self.input.payload)
                if final == ratio - 1:
                    m.d.sync += held.eq(self._filled(full, ends))
                else:
                    partial = Cat(*slots[:final], self.input.payload, Const(0, g.input_width * (ratio - 1 - final)))
                    m.d.sync += held.eq(self._filled(Mux(ends, partial, full), ends))

    def _down(self, m: Module) -> None:
        """Hold one word and give its parts; the next is accepted while the last part is being taken."""
        g = self.model.timing
        ratio = g.input_width // g.output_width
        place, index = Signal(range(ratio)), Signal(range(g.words_out))
        held = Signal(g.input_width, reset_less=True)
        valid = Signal()
        # Whether the part in front is its frame's last, and its word's.
        ends, finishes = Signal(init=g.words_out == 1), Signal(init=g.words_out == 1)
        m.d.comb += [
            self.input.ready.eq(~valid | (finishes & self.output.ready)),
            self.output.valid.eq(valid),
            self.output.payload.eq(self._filled(held[: g.output_width], ends)),
        ]
        with m.If(valid & self.output.ready):
            m.d.sync += [
                held.eq(held[g.output_width :]),
                index.eq(Mux(ends, 0, index + 1)),
                place.eq(Mux(finishes, 0, place + 1)),
                Cat(ends, finishes).eq(_next_ends(index, ends, g.words_out, place, finishes, ratio)),
            ]
            with m.If(finishes):
                m.d.sync += valid.eq(0)
        with m.If(self.input.valid & self.input.ready):
            m.d.sync += [held.eq(self.input.payload), valid.eq(1)]

    def _general(self, m: Module) -> None:
        """A buffer of units of gcd bits: words go in above what is held, and leave at the bottom.

        The level is kept as a thermometer (bit i: more than i units are held), so that every comparison is one bit,
        and the place of a word is one hot: its multiplexer is an OR of the few places that reach a bit.
        """
        g = self.model.timing
        unit = gcd(g.input_width, g.output_width)
        taken, given, capacity = g.input_width // unit, g.output_width // unit, g.capacity // unit
        # Above what is held there are zeros, so that a word is put there by an OR.
        held, level = Signal(g.capacity), Signal(capacity)
        index, emitted = Signal(range(g.words_in)), Signal(range(g.words_out))
        complete = Signal()  # The whole frame is in; what is held ends it.
        ends = Signal(init=g.words_out == 1)  # The word at the bottom is the frame's last.
        accept, take, clear, room = Signal(), Signal(), Signal(), Signal()

        def more_than(units: int) -> Value:
            """Whether more than so many units are held."""
            return Const(1) if units < 0 else level[units] if units < capacity else Const(0)

        m.d.comb += [
            self.output.valid.eq(complete | more_than(given - 1)),
            self.output.payload.eq(self._filled(held[: g.output_width], ends)),
            take.eq(self.output.valid & self.output.ready),
            clear.eq(take & complete & ends),
            room.eq(~more_than(capacity - taken) | (take & ~more_than(capacity - taken + given))),
            self.input.ready.eq(Mux(complete, clear, room)),
            accept.eq(self.input.valid & self.input.ready),
        ]
        # What is left when the word at the bottom has been taken, and where the next one then goes.
        left = [~clear & Mux(take, more_than(i + given), more_than(i)) for i in range(capacity)]
        m.d.sync += level.eq(
            Cat(*(Mux(accept, left[i - taken] if i >= taken else Const(1), left[i]) for i in range(capacity)))
        )
        places: list[Value] = []
        for place in range(capacity - taken + 1):
            here = Signal(name=f"place_{place}")
            below = Const(1) if place == 0 else left[place - 1]
            m.d.comb += here.eq(accept & below & ~left[place])
            places.append(here)
        bits: list[Value] = []
        for bit in range(g.capacity):
            stays = held[bit]
            moves = held[bit + g.output_width] if bit + g.output_width < g.capacity else Const(0)
            reach = [
                here & self.input.payload[bit - place * unit]
                for place, here in enumerate(places)
                if 0 <= bit - place * unit < g.input_width
            ]
            bits.append((~clear & Mux(take, moves, stays)) | Cat(*reach).any())
        m.d.sync += held.eq(Cat(*bits))
        with m.If(take):
            m.d.sync += [
                emitted.eq(Mux(ends, 0, emitted + 1)),
                ends.eq(Const(1) if g.words_out == 1 else ~ends & (emitted == g.words_out - 2)),
            ]
            with m.If(ends):
                m.d.sync += complete.eq(0)
        with m.If(accept):
            final = index == g.words_in - 1
            m.d.sync += [index.eq(Mux(final, 0, index + 1)), complete.eq(final)]
