"""Whether first layers of 8-bit inputs belong in an ECP5's multipliers: the sums of one neuron, made three ways.

    python benchmarks/measure_multipliers.py

Of 27 inputs of 8 bits (a 3 x 3 window of colours) and 27 weights of one bit, the sum of the inputs whose weight is 1,
as a pipeline: as bnnhw makes it, a popcount for each bit of the inputs and their weighted sum; as a tree of adders, two
inputs and their weights in the first; and as the same tree behind multipliers, of which one, of 18 x 18 bits, gives
x0 w0 + x1 w1 in the middle of (x0 + 1024 x1) (w1 + 1024 w0). Each is simulated against the sum, then synthesized.
Writes benchmarks/results/multipliers.json.
"""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOperatorIssue=false
# Ports come from a component's signature when it runs, as in the packages that hold hardware.
from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator, SimulatorContext
from synthesized import synthesized

from bnnhw.devices.ecp5 import ECP5
from bnnhw.rtl.popcount import Popcount

RESULT = Path(__file__).parent / "results" / "multipliers.json"
INPUTS, BITS, APART = 27, 8, 10
SUM = 13
"""Bits of the sum: of 27 inputs of up to 255."""

PART = "LFE5U-85F"


class Sum(wiring.Component):
    """Sums the inputs whose weight is 1; words follow each other cycle by cycle.

    Members
    -------
    x : In(27 * 8)
    w : In(27)
    total : Out(13)
    """

    def __init__(self, first: Callable[[Module, Sequence[Value], Sequence[Value]], list[Value]]) -> None:
        self._first = first
        super().__init__({"x": In(INPUTS * BITS), "w": In(INPUTS), "total": Out(SUM)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        terms = self._first(m, [self.x.word_select(i, BITS) for i in range(INPUTS)], list(self.w))
        while len(terms) > 1:
            sums = [registered(m, a + b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
            terms = sums + [registered(m, terms[-1])] * (len(terms) % 2)
        m.d.comb += self.total.eq(terms[0])
        return m


def registered(m: Module, value: Value) -> Signal:
    """A value, a cycle later."""
    register = Signal(len(value), reset_less=True)
    m.d.sync += register.eq(value)
    return register


def masked(x: Value, w: Value) -> Value:
    """An input, where its weight is 1."""
    return x & w.replicate(BITS)


def planes(m: Module, x: Sequence[Value], w: Sequence[Value]) -> list[Value]:
    """A popcount for each bit, times what the bit is worth. A popcount counts lanes alike: of 1 and a weight."""
    found: list[Value] = []
    for bit in range(BITS):
        m.submodules += (count := Popcount(INPUTS, ECP5.technology))
        # x w is (x + w - (x xor w)) / 2: the sums of x and of w alone are the same for all neurons, or known.
        m.d.comb += [count.x.eq(Cat(each[bit] for each in x)), count.w.eq(Cat(w))]
        found.append(Cat(Const(0, bit), count.count) if bit else count.count)
    return found


def adders(m: Module, x: Sequence[Value], w: Sequence[Value]) -> list[Value]:
    """Two inputs and their weights to an adder."""
    pairs = [registered(m, masked(x[i], w[i]) + masked(x[i + 1], w[i + 1])) for i in range(0, INPUTS - 1, 2)]
    return [*pairs, registered(m, masked(x[-1], w[-1]))]


def multipliers(m: Module, x: Sequence[Value], w: Sequence[Value]) -> list[Value]:
    """Two inputs and their weights to a multiplier."""

    def pair(i: int) -> Value:
        left = Cat(x[i], Const(0, APART - BITS), x[i + 1])
        right = Cat(w[i + 1], Const(0, APART - 1), w[i])
        return registered(m, left * right)[APART : APART + BITS + 1]

    return [*(pair(i) for i in range(0, INPUTS - 1, 2)), registered(m, masked(x[-1], w[-1]))]


WAYS = {"a popcount for each bit": planes, "adders": adders, "multipliers and adders": multipliers}


def equal(way: str) -> bool:
    """Whether 200 random words give the sums; of popcounts, the sums of 255 less the bits in which inputs differ."""
    random = np.random.default_rng(0)
    xs, ws = random.integers(0, 1 << BITS, (200, INPUTS)), random.integers(0, 2, (200, INPUTS))
    expected = (xs * ws if way != "a popcount for each bit" else np.where(ws == 1, xs, 255 - xs)).sum(axis=1)
    dut, found = Sum(WAYS[way]), list[int]()

    async def bench(ctx: SimulatorContext) -> None:
        for x, w in zip(xs, ws, strict=True):
            ctx.set(dut.x, sum(int(each) << (BITS * i) for i, each in enumerate(x)))
            ctx.set(dut.w, sum(int(each) << i for i, each in enumerate(w)))
            # Until it is through.
            await ctx.tick().repeat(16)
            found.append(ctx.get(dut.total))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found == expected.tolist()


def main() -> None:
    part = ECP5.part(PART)
    rows: dict[str, Any] = {}
    for name, way in WAYS.items():
        assert equal(name), name
        with tempfile.TemporaryDirectory(prefix="bnnhw-") as folder:
            rows[name] = synthesized(Sum(way), ECP5, Path(folder), part).cells.as_dict()
        print(name, rows[name], flush=True)
    RESULT.write_text(json.dumps({"inputs": INPUTS, "bits": BITS, "part": PART, "ways": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
