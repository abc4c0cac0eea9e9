"""What the protocol of units gives those that say nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bnnhw.dataflow.flow import Link, Run, Timeline, sink, source
from bnnhw.dataflow.format import ResultFormat, StreamFormat
from bnnhw.dataflow.inventory import Inventory
from bnnhw.dataflow.unit import Unit
from bnnhw.dataflow.word_timing import ElementTiming, WireTiming, WordTiming, wires

if TYPE_CHECKING:
    from amaranth.lib import wiring


class _Plain(Unit):
    kind: ClassVar[str] = "plain"

    @property
    def inputs(self) -> tuple[StreamFormat, ...]:
        return (StreamFormat(1, 1, 5, 5),)

    @property
    def outputs(self) -> tuple[StreamFormat | ResultFormat, ...]:
        return self.inputs

    @property
    def timing(self) -> WireTiming:
        return WireTiming(5)

    def inventory(self) -> Inventory:
        return Inventory()

    def component(self) -> wiring.Component:
        raise NotImplementedError


class _Thrice(_Plain):
    @property
    def repeats(self) -> int:
        return 3


def moved(unit: Unit, words: int, frames: int) -> tuple[Link, Link]:
    one, other = Link(), Link()
    runs = [
        (source(one, words), (one,)),
        (unit.flow(one, other, frames=frames), (one, other)),
        (sink(other, words), (other,)),
    ]
    Timeline(runs).finish()
    return one, other


def test_a_unit_works_once_per_frame_unless_it_says_otherwise() -> None:
    assert _Plain().repeats == 1
    assert _Plain().interval == 5
    assert len(moved(_Plain(), 10, 2)[1].taken) == 10
    assert _Thrice().interval == 15
    assert len(moved(_Thrice(), 30, 2)[1].taken) == 30
    assert _Plain.input_ports == ("input",)
    assert _Plain.output_ports == ("output",)


def test_word_timing() -> None:
    timing = WordTiming(7)
    assert (timing.interval, timing.depth, timing.latency) == (7, 0, 6)
    element = ElementTiming(7, read=1, compute=2)
    assert (element.interval, element.depth, element.credits, element.latency) == (7, 4, 5, 10)


def test_wires_accept_when_the_last_end_takes() -> None:
    one, ends = Link(), (Link(), Link())
    runs = [
        (source(one, 3), (one,)),
        (wires(one, ends, 3), (one, *ends)),
        (sink(ends[0], 3), (ends[0],)),
        (_slow(ends[1], (4, 5, 11)), (ends[1],)),
    ]
    Timeline(runs).finish()
    assert one.taken == ends[1].taken == [4, 5, 11]
    assert ends[0].offered == ends[1].offered == one.offered == [0, 5, 6]
    assert ends[0].taken == [0, 5, 6]


def _slow(link: Link, cycles: tuple[int, ...]) -> Run:
    for cycle in cycles:
        yield from link.take(cycle)


def test_pipeline_of_words() -> None:
    """A word per cycle; a result L cycles behind each word; L + 1 words in hand and no more."""
    timing = ElementTiming(4, read=1, compute=1)
    one, other = Link(), Link()
    runs = [
        (source(one, 8), (one,)),
        (timing.flow(one, other, frames=2), (one, other)),
        (_slow(other, (0, 0, 20, 0, 0, 0, 0, 0)), (other,)),
    ]
    Timeline(runs).finish()
    assert one.taken == [0, 1, 2, 3, 4, 5, 21, 22]
    assert other.offered == [3, 4, 5, 21, 22, 23, 24, 25]
    assert other.taken == [3, 4, 20, 21, 22, 23, 24, 25]
