"""The width converter: words per frame, capacity, exactly when each word leaves, and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import TYPE_CHECKING

from bnnhw.dataflow.flow import Link, Run, together
from bnnhw.dataflow.format import StreamFormat
from bnnhw.dataflow.inventory import FEW_RESETS, Inventory, counter
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import wires

if TYPE_CHECKING:
    from bnnhw.units.width.rtl import WidthConverter

__all__ = ["WidthTiming", "WidthUnit"]


@dataclass(frozen=True)
class WidthTiming:
    """Cycles of a converter of ``input_width``-bit words to ``output_width``-bit words, ``frame_bits`` bits per frame.

    The input never waits and the output is never stalled in the formulas below.

    - Latency of a frame: :meth:`schedule` of words arriving one per cycle. Where one width divides the other a word
      leaves one cycle after its last bit came.
    - Storage in bits: 0 (equal widths); ``2 * output_width - input_width`` (up); ``input_width`` (down);
      ``input_width + output_width - gcd`` (general).
    """

    input_width: int
    output_width: int
    frame_bits: int

    def __post_init__(self) -> None:
        for name in ("input_width", "output_width", "frame_bits"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")

    @property
    def kind(self) -> str:
        """``"wire"``, ``"up"``, ``"down"``, or ``"general"``."""
        if self.input_width == self.output_width:
            return "wire"
        if self.output_width % self.input_width == 0:
            return "up"
        if self.input_width % self.output_width == 0:
            return "down"
        return "general"

    @property
    def words_in(self) -> int:
        return -(-self.frame_bits // self.input_width)

    @property
    def words_out(self) -> int:
        return -(-self.frame_bits // self.output_width)

    @property
    def capacity(self) -> int:
        """Bits the buffer of a general converter holds: the least that lets both sides move in every cycle."""
        return self.input_width + self.output_width - gcd(self.input_width, self.output_width)

    @property
    def interval(self) -> int:
        """II: cycles per frame in steady state."""
        if self.kind != "general":
            return max(self.words_in, self.words_out)
        # One frame after another until the distance repeats: the state between frames is empty, so at once.
        arrivals = [0] * self.words_in
        return self.schedule(arrivals)[-1]

    @property
    def latency(self) -> int:
        """Cycles from the first word accepted to the last word offered, never waiting."""
        return self.schedule(list(range(self.words_in)))[-1]

    def schedule(self, arrivals: list[int]) -> list[int]:
        """When each output word of one frame is offered, given when each input word is.

        Parameters
        ----------
        arrivals : list of int
            Cycles in which the input words are offered to an empty converter.

        Returns
        -------
        list of int
            Cycles in which the output words are offered; the sink takes them at once.
        """
        if len(arrivals) != self.words_in:
            raise ValueError(f"arrivals must have {self.words_in} values, not {len(arrivals)}")
        if self.kind == "wire":
            return list(arrivals)
        offered: list[int] = []
        accepted: list[int] = []
        for j, arrival in enumerate(arrivals):
            cycle = max(arrival, accepted[-1] + 1 if accepted else arrival)
            needed = self._gone_before(j)
            if needed:
                cycle = max(cycle, offered[needed - 1])
            accepted.append(cycle)
            while len(offered) < self._complete_after(j):
                offered.append(max(cycle + 1, offered[-1] + 1 if offered else cycle + 1))
        return offered

    def _gone_before(self, word: int) -> int:
        """Words out of a frame that must have been taken before input word ``word`` of it fits.

        The last of them may be taken in the same cycle.
        """
        before = word * self.input_width
        if self.kind == "down":
            return -(-before // self.output_width)
        if self.kind == "general":
            return max(0, -(-(before + self.input_width - self.capacity) // self.output_width))
        return self._complete_after(word - 1) if self._completed(word) else 0

    def _completed(self, word: int) -> int:
        """Words out that input word ``word`` of a frame completes."""
        return self._complete_after(word) - self._complete_after(word - 1)

    def _complete_after(self, word: int) -> int:
        """Words out of a frame that are complete once input word ``word`` of it is in."""
        bits = (word + 1) * self.input_width
        return self.words_out if bits >= self.frame_bits else bits // self.output_width

    def flow(self, source: Link, sink: Link, frames: int) -> Run:
        """The cycles in which words move, any stalls included."""
        if self.kind == "wire":
            return wires(source, [sink], frames * self.words_in)
        return together(self._accept(source, sink, frames), self._offer(source, sink, frames))

    def _accept(self, source: Link, sink: Link, frames: int) -> Run:
        # Only a widening converter takes the first words of a frame while the last word of the previous one waits.
        waits = [
            (self._gone_before(word), self.kind != "up" or self._completed(word) > 0) for word in range(self.words_in)
        ]
        given, taken, left = source.given, source.taken, sink.taken
        for start in range(0, frames * self.words_out, self.words_out):
            for gone, must_wait in waits:
                last = start + gone - 1 if must_wait else -1
                while last >= len(left) or len(given) <= len(taken):
                    yield
                source.accept(left[last] if last >= 0 else 0)

    def _offer(self, source: Link, sink: Link, frames: int) -> Run:
        completed_by = [word for word in range(self.words_in) for _ in range(self._completed(word))]
        taken = source.taken
        for frame in range(frames):
            for last in completed_by:
                while len(taken) <= frame * self.words_in + last:
                    yield
                sink.offer(taken[frame * self.words_in + last] + 1)


@dataclass(frozen=True)
class WidthUnit(Unit):
    """Repacks the bits of each frame, lowest first, into words of another width.

    Parameters
    ----------
    input_width, output_width : int
        Bits per word.
    frame_bits : int
        Bits of what is repacked as a whole.
    repeats : int
        How many of these there are per frame of the network.
    """

    kind = "width"

    input_width: int
    output_width: int
    frame_bits: int
    repeats: int = 1  # type: ignore[assignment]

    def __post_init__(self) -> None:
        _ = self.timing  # Refuses widths that are not positive.

    @cached_property
    def timing(self) -> WidthTiming:  # pyright: ignore[reportIncompatibleMethodOverride]
        return WidthTiming(self.input_width, self.output_width, self.frame_bits)

    @property
    def inputs(self) -> tuple[StreamFormat]:
        return (StreamFormat(self.input_width, 1, self.frame_bits, self.repeats * self.frame_bits),)

    @property
    def outputs(self) -> tuple[StreamFormat]:
        return (StreamFormat(self.output_width, 1, self.frame_bits, self.repeats * self.frame_bits),)

    def inventory(self) -> Inventory:
        t = self.timing
        if t.kind == "wire":
            return Inventory()
        spare = t.words_out * t.output_width - t.frame_bits
        # Registers that are set where a frame ends: by the set input of so many, or a look-up table each.
        spare = spare if spare < FEW_RESETS else 0
        if t.kind == "up":
            ratio = t.output_width // t.input_width
            last = t.words_in % ratio != 0
            return Inventory(
                {
                    "width.up": 1,
                    "width.up.several": int(ratio > 2),
                    "width.up.ratio": ratio,
                    "width.up.slot": (ratio - 1) * t.input_width,
                    "width.up.kept": t.output_width - spare - last * t.input_width,
                    "width.up.last": int(last),
                    "width.up.chosen": spare + last * t.input_width,
                    "register": (ratio - 1) * t.input_width + t.output_width,
                }
            ) + _counted(ratio, t.words_in)
        if t.kind == "down":
            ratio = t.input_width // t.output_width
            return Inventory(
                {
                    "width.down": 1,
                    "width.down.bit": t.input_width,
                    "width.filled": t.words_out * t.output_width - t.frame_bits,
                }
            ) + _counted(ratio, t.words_out)
        unit = gcd(t.input_width, t.output_width)
        taken, capacity = t.input_width // unit, t.capacity // unit
        places = capacity - taken + 1
        # Places in which a word that comes reaches each bit, counted over the bits.
        reach = unit * taken * places
        return (
            Inventory(
                {
                    "width.general": 1,
                    "width.general.bit": t.capacity,
                    "width.general.reach": reach,
                    "width.general.level": capacity,
                    "width.general.place": places,
                    "width.filled": t.words_out * t.output_width - t.frame_bits,
                }
            )
            + counter("width.index", t.words_in)
            + counter("width.index", t.words_out)
        )

    def component(self) -> WidthConverter:
        from bnnhw.units.width.rtl import WidthConverter

        return WidthConverter(self)


def _counted(ratio: int, words: int) -> Inventory:
    """The counters of places and of a frame's words, each with a flag for its last: one where a frame has as many."""
    found = counter("width.count", ratio) + Inventory({"register": 1})
    return found if words == ratio else found + counter("width.count", words) + Inventory({"register": 1})
