# amaranth: UnusedElaboratable=no
"""Window units of many geometries against the taps of the window, and every word's cycles against the flow model."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.ir import Window
from bnnhw.rtl.emit import rtlil
from bnnhw.units.window.model import WindowUnit
from bnnhw.units.window.rtl import WindowGenerator
from rtl_tests.flow import compare, links_of
from rtl_tests.lanes import join
from rtl_tests.storage import memories, register_bits
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate


@dataclass(frozen=True)
class Case:
    """A geometry, C channels in so many lanes of so many bits."""

    map: tuple[int, int, int]
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    lanes: int = 1
    order: str = "vector"
    bits: int = 2
    technology: str = "generic"
    spare: int = 0

    def __str__(self) -> str:
        sizes = (self.map, self.kernel, self.stride, self.dilation, self.padding)
        geometry = "-".join("x".join(map(str, size)) for size in sizes)
        return f"{geometry}-{self.lanes}x{self.bits}-{self.order}-{self.technology}-{self.spare}"

    @property
    def window(self) -> Window:
        return Window(*self.map, self.kernel, self.stride, self.dilation, self.padding)

    def unit(self) -> WindowUnit:
        code = 1 if self.bits == 1 else 2
        return WindowGenerator(
            WindowUnit(self.window, self.bits, self.lanes, code, self.order, technology(self.technology), self.spare)
        )


CASES = [
    # kernel x stride x dilation x padding x order, on a map that is no square and no multiple of anything.
    *(
        Case((channels, 6, 7), (kernel, kernel), (stride, stride), (dilation, dilation), (pad,) * 4, lanes, order)
        for (kernel, stride, dilation, pad), (channels, lanes, order) in product(
            [
                (1, 1, 1, 0),
                (1, 2, 1, 0),
                (2, 1, 1, 0),
                (2, 2, 1, 0),
                (2, 3, 1, 1),
                (3, 1, 1, 0),
                (3, 1, 1, 1),
                (3, 2, 1, 0),
                (3, 2, 1, 1),
                (3, 1, 2, 2),
                (2, 2, 3, 1),
            ],
            [(1, 1, "vector"), (4, 2, "vector"), (2, 2, "channels"), (3, 2, "channels")],
        )
    ),
    # Neither kernel, stride, dilation nor padding alike in both directions.
    Case((2, 5, 8), (3, 2), (1, 2), (1, 3), (1, 0, 0, 2), 1),
    Case((2, 8, 5), (2, 3), (2, 1), (3, 1), (0, 2, 1, 0), 1, "channels"),
    Case((3, 6, 4), (4, 1), (1, 2), (1, 1), (2, 0, 1, 0), 3),
    Case((3, 4, 6), (1, 4), (2, 1), (1, 1), (0, 1, 0, 2), 2, "channels"),
    # One-dimensional: a row is a frame. Kernels of a wearable's network.
    Case((1, 1, 24), (1, 5)),
    Case((4, 1, 24), (1, 5), (1, 2), (1, 1), (0, 2, 0, 2), 2),
    Case((4, 1, 20), (1, 3), (1, 1), (1, 4), (0, 4, 0, 4), 4),
    Case((6, 1, 17), (1, 4), (1, 3), (1, 2), (0, 1, 0, 0), 2, "channels"),
    Case((3, 1, 16), (1, 2), (1, 2), lanes=2, order="channels"),
    Case((2, 18, 1), (5, 1), (2, 1), (1, 1), (2, 0, 2, 0), 2),
    # One row with padding above and below.
    Case((2, 1, 6), (3, 3), padding=(1, 1, 1, 1), lanes=1),
    # Rows and columns that no window covers, at the end and between.
    Case((2, 8, 8), (2, 2), (3, 3), lanes=1),
    Case((2, 8, 9), (1, 1), (3, 4), lanes=2),
    Case((1, 7, 7), (3, 3), (4, 4), lanes=1, order="channels"),
    # A window as large as the map, or as its padding makes it; one word per frame.
    Case((3, 4, 5), (4, 5), lanes=1),
    Case((3, 4, 5), (4, 5), lanes=2, order="channels"),
    Case((2, 3, 3), (5, 5), (1, 1), (1, 1), (1, 1, 1, 1), 2),
    Case((1, 1, 1), (1, 1)),
    Case((4, 1, 1), (1, 1), lanes=2, order="channels"),
    # More padding than window: windows that lie in it wholly, and frames of nothing else.
    Case((2, 3, 4), (1, 1), (1, 1), (1, 1), (1, 1, 1, 1), 1),
    Case((2, 3, 3), (2, 2), (1, 1), (1, 1), (3, 0, 0, 4), 1, "channels"),
    Case((1, 2, 3), (2, 2), (2, 1), (1, 1), (0, 4, 3, 3), 1),
    Case((1, 1, 1), (1, 1), (3, 3), (1, 1), (1, 1, 2, 2), 1),
    # Where the buffer lives: registers, LUT RAM, block RAM.
    Case((4, 5, 6), lanes=4, bits=1, technology="ice40"),
    Case((4, 5, 6), lanes=2, bits=8, technology="ecp5"),
    Case((8, 5, 7), (2, 2), (2, 2), lanes=1, order="channels", technology="ecp5"),
    # The stream in front runs ahead: a row, a signal's span, more than a frame.
    Case((2, 5, 6), padding=(1, 1, 1, 1), lanes=1, spare=12),
    Case((4, 1, 20), (1, 3), (1, 1), (1, 4), (0, 4, 0, 4), 4, spare=9),
    Case((2, 4, 3), (2, 2), lanes=1, order="channels", spare=30),
]


class Traffic:
    """Random frames: their words, and the words that must come of them; None in the lanes that are undefined."""

    def __init__(self, unit: WindowGenerator, seed: int) -> None:
        self.unit, self.rng = unit, np.random.default_rng(seed)

    def frames(self, count: int) -> tuple[list[int], list[int]]:
        p, bits = self.unit.model.timing, self.unit.model.bits
        w = p.window
        lanes = p.position_words * p.lanes
        codes = self.rng.integers(0, 1 << bits, (count, w.height * w.width, lanes))
        # Behind the last position stands the padding, where a tap of -1 finds it.
        fill = np.full((count, 1, lanes), self.unit.model.padding_code)
        taps = np.concatenate([codes, fill], axis=1)[:, w.taps()]
        # (frames, positions, area, words, lanes)
        taps = taps.reshape(count, w.positions, w.area, p.position_words, p.lanes)
        if p.order == "channels":
            taps = taps.swapaxes(2, 3)
        sent = [join(word, bits) for word in codes.reshape(-1, p.lanes)]
        return sent, [join(word, bits) for word in taps.reshape(-1, p.lanes)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_window(case: Case) -> None:
    unit = case.unit()
    p = unit.model.timing
    frames = 4
    assert p.words_in == case.map[1] * case.map[2] * -(-case.map[0] // case.lanes)
    assert p.words_out == case.window.positions * case.window.area * -(-case.map[0] // case.lanes)
    traffic = Traffic(unit, seed=1)
    rng = random.Random(str(case))
    words = frames * max(p.words_in, p.words_out)

    async def scenario(bench: Run) -> None:
        # Full speed.
        sent, due = traffic.frames(frames)
        driver, monitor = Driver(sent), Monitor(len(due))
        ends = {"input": driver}, {"output": monitor}
        await bench.streams(*ends)
        assert monitor.words == due
        compare(links_of(p.flow, *ends, frames), *ends)
        last = monitor.offered[p.words_out - 1 :: p.words_out]
        assert last[0] - driver.accepted[0] == p.latency
        assert set(differences(last)[1:]) == {max(p.words_in, p.words_out)}
        # Gaps and stalls, single and in bursts; a reset between them, in the middle of everything.
        for gap, stall, burst in ((0.4, 0.4, 1), (0.2, 0.5, 9)):
            await bench.stream(Driver(sent, 0.2), Monitor(len(due), 0.2), cycles=rng.randrange(1, 2 * p.interval + 9))
            await bench.reset()
            gaps = [rng.random() < gap and rng.randrange(2 * burst) for _ in range(2 * p.words_in)]
            arrivals = [sum(gaps[: i + 1]) + i for i in range(len(gaps))]
            readiness = [rng.random() >= stall for _ in range(words // burst) for _ in range(burst)]
            sent, due = traffic.frames(2)
            monitor = Monitor(len(due), readiness=readiness)
            ends = {"input": Driver(sent, arrivals=arrivals)}, {"output": monitor}
            await bench.streams(*ends)
            assert monitor.words == due
            compare(links_of(p.flow, *ends, 2), *ends)
            await bench.reset()

    simulate(unit, scenario, seed=3)


@pytest.mark.parametrize("order, lanes", [("vector", 4), ("channels", 8)])
@pytest.mark.parametrize("pad", [0, 1])
def test_storage(order: str, lanes: int, pad: int) -> None:
    """One memory, of a power of two where that is free; 5 words on their way out, whatever is beside them."""
    bits = []
    for width in (2, 9):
        unit = Case((8, 6, 7), padding=(pad,) * 4, lanes=lanes, order=order, bits=width, technology="ecp5").unit()
        words = unit.model.timing.memory_words(lanes * width, technology("ecp5"))
        assert words >= unit.model.timing.buffer_words
        assert memories(unit) == {"top.buffer": (words, lanes * width)}
        bits.append(register_bits(unit, "ecp5"))
    assert bits[1] - bits[0] == 5 * lanes * (9 - 2)


def test_one_memory_a_place() -> None:
    """Registers, LUT RAM or block RAM, as the buffer's size and the family ask."""
    for words, family, style in ((4, "ecp5", "registers"), (20, "ecp5", "distributed"), (20, "ice40", "block")):
        unit = Case((4, 1, 60), (1, words), lanes=4, bits=4, technology=family).unit()
        text = rtlil(unit, "top", family)
        assert re.findall(r'attribute \\ram_style "(\w+)"', text) == [style]


def test_names_tell_units_apart() -> None:
    """One module for equal units, and no two for different ones."""
    window = Window(4, 5, 6, (2, 3), (1, 2), (2, 1), (1, 0, 0, 1))
    units = [
        WindowGenerator(WindowUnit(window, 2, 2, 1, "vector", technology("generic"))),
        WindowGenerator(WindowUnit(window, 2, 2, 2, "vector", technology("generic"))),
        WindowGenerator(WindowUnit(window, 2, 2, 1, "channels", technology("generic"))),
        WindowGenerator(WindowUnit(window, 2, 4, 1, "vector", technology("generic"))),
        WindowGenerator(WindowUnit(window, 3, 2, 1, "vector", technology("generic"))),
        WindowGenerator(WindowUnit(window, 2, 2, 1, "vector", technology("ice40"))),
        *(
            WindowGenerator(WindowUnit(replace(window, **change), 2, 2, 1, "vector", technology("generic")))
            for change in (
                {"channels": 8},
                {"height": 6},
                {"width": 5},
                {"kernel": (3, 2)},
                {"stride": (2, 1)},
                {"dilation": (1, 2)},
                {"padding": (0, 1, 1, 0)},
            )
        ),
    ]
    names = [unit.module_name for unit in units]
    assert len(set(names)) == len(names)
    assert (
        WindowGenerator(WindowUnit(replace(window), 2, 2, 1, "vector", technology("generic"))).module_name == names[0]
    )
    assert all(re.fullmatch(r"[a-z]\w*", name) for name in names)


def test_errors() -> None:
    window = Window(4, 5, 6, (3, 3))
    with pytest.raises(ValueError, match=r"^bits must be positive, not 0$"):
        WindowGenerator(WindowUnit(window, 0, 2, 0, "vector", technology("generic")))
    with pytest.raises(ValueError, match=r"^padding_code must be in 0\.\.3, not 4$"):
        WindowGenerator(WindowUnit(window, 2, 2, 4, "vector", technology("generic")))
