"""What the tests of units share: a running simulation, a watchdog, counts of storage.

One testbench steps drivers and monitors together, cycle by cycle: the signals of a cycle are set after the edge that
begins it and sampled at the edge that ends it, as registers see them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from amaranth.hdl import ClockDomain, Module, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator
from numpy.typing import NDArray

from bnnhw.ir import BitMatrix, DataType, Dense, Thresholds, WeightPlane
from bnnhw.rtl.emit import rtlil
from tests.hardware.streams import Driver, Drivers, Monitor, Monitors

Scenario: TypeAlias = Callable[["Run"], Awaitable[None]]


class Run:
    """A running simulation of a unit."""

    def __init__(self, ctx: Any, dut: Any, reset: Any, seed: int) -> None:
        self._ctx = ctx
        self._dut = dut
        self._reset = reset
        self._rng = random.Random(seed)

    async def stream(self, driver: Driver, monitor: Monitor, cycles: int | None = None, quiet: int = 12) -> None:
        """:meth:`streams` of a unit with the streams ``input`` and ``output``."""
        await self.streams({"input": driver}, {"output": monitor}, cycles, quiet)

    async def streams(self, drivers: Drivers, monitors: Monitors, cycles: int | None = None, quiet: int = 12) -> None:
        """Until all words are accepted and all awaited ones taken, and ``quiet`` cycles more, or for some cycles.

        Cycles count from 0 anew.
        """
        ctx = self._ctx
        sources = [(driver, getattr(self._dut, name)) for name, driver in drivers.items()]
        sinks = [(monitor, getattr(self._dut, name)) for name, monitor in monitors.items()]
        sampled = [port.ready for _, port in sources]
        sampled += [signal for _, port in sinks for signal in (port.valid, Value.cast(port.payload))]
        cycle, rest = 0, quiet
        while rest if cycles is None else cycle < cycles:
            offering: list[bool] = []
            for driver, port in sources:
                word = driver.offer(cycle, self._rng)
                # What is not valid is noise.
                ctx.set(port.payload, self._rng.getrandbits(len(port.payload)) if word is None else word)
                ctx.set(port.valid, word is not None)
                offering.append(word is not None)
            ready = [monitor.ready(cycle, self._rng) for monitor in monitors.values()]
            for (_, port), value in zip(sinks, ready, strict=True):
                ctx.set(port.ready, value)
            _, _, *values = await ctx.tick().sample(*sampled)
            for (driver, _), offers, accepts in zip(sources, offering, values, strict=False):
                if offers and accepts:
                    driver.accept(cycle)
            for number, monitor in enumerate(monitors.values()):
                valid, payload = values[len(sources) + 2 * number :][:2]
                monitor.sample(cycle, ready[number], valid, payload)
            cycle += 1
            done = all(len(driver.accepted) == len(driver.words) for driver in drivers.values())
            if done and all(len(monitor.words) == monitor.count for monitor in monitors.values()):
                rest -= 1
        for _, port in sources:
            ctx.set(port.valid, 0)
        for _, port in sinks:
            ctx.set(port.ready, 0)

    async def reset(self) -> None:
        """One cycle of reset."""
        self._ctx.set(self._reset, 1)
        await self._ctx.tick()
        self._ctx.set(self._reset, 0)


def simulate(dut: wiring.Component, scenario: Scenario, *, seed: int = 0, cycles: int = 20_000) -> None:
    """Runs a scenario; a watchdog in the background ends what takes more than so many cycles."""

    async def testbench(ctx: Any) -> None:
        await scenario(Run(ctx, dut, domain.rst, seed))

    run(dut, testbench, cycles=cycles, domain=(domain := ClockDomain("sync")))


def run(
    dut: wiring.Component,
    testbench: Callable[[Any], Awaitable[None]],
    *,
    cycles: int = 20_000,
    domain: ClockDomain | None = None,
) -> None:
    """Runs a testbench of any unit, under the same watchdog."""
    m = Module()
    # A domain of our own: its reset is a signal to drive, and units without registers get a clock too.
    m.domains.sync = ClockDomain("sync") if domain is None else domain
    m.submodules.dut = dut

    async def watchdog(ctx: Any) -> None:
        for _ in range(cycles):
            await ctx.tick()
        raise TimeoutError(f"no end after {cycles} cycles")

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(watchdog, background=True)
    simulator.run()


def differences(values: Sequence[int]) -> list[int]:
    return [b - a for a, b in zip(values, values[1:], strict=False)]


def split(word: int, lanes: int, bits: int) -> list[int]:
    """The unsigned lanes of a word, lane 0 lowest."""
    return [word >> (lane * bits) & ((1 << bits) - 1) for lane in range(lanes)]


def join(lanes: Sequence[int], bits: int) -> int:
    """The inverse of :func:`split`."""
    word = 0
    for lane, value in enumerate(lanes):
        word |= (int(value) & ((1 << bits) - 1)) << (lane * bits)
    return word


def frame_words(codes: NDArray[np.integer], simd: int, bits: int, rng: random.Random) -> list[int]:
    """The input words of one frame, noise in the lanes past its end."""
    words = -(-len(codes) // simd)
    lanes = [int(code) for code in codes] + [rng.getrandbits(bits) for _ in range(words * simd - len(codes))]
    return [join(lanes[i * simd : (i + 1) * simd], bits) for i in range(words)]


def plane_weights(dtype: DataType) -> list[int]:
    """What each bit of a code stands for, up to an offset; written down apart from the code under test."""
    weights = [2**bit for bit in range(dtype.bits)]
    if dtype.kind == "int":
        weights[-1] *= -1
    return weights


def accumulators(layer: Dense, codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Accumulators (frames, neurons) by products of signs: matches = (K + x . w) / 2."""
    total = np.zeros((len(codes), layer.neurons), np.int64)
    for plane, weight in enumerate(plane_weights(layer.input)):
        x = 2 * (np.asarray(codes, np.int64) >> plane & 1) - 1
        for matrix in layer.weights:
            w = 2 * matrix.bits.bits().astype(np.int64) - 1
            total += weight * matrix.coefficient * (layer.synapses + x @ w.T) // 2
    return total


def activations(layer: Dense, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Output codes of accumulators, or these where there is no activation."""
    if not isinstance(layer.activation, Thresholds):
        return values
    level = (values[:, :, None] >= layer.activation.values[None]).sum(axis=2)
    dtype = layer.activation.dtype
    return level if dtype.kind != "int" else (level - 2 ** (dtype.bits - 1)) % 2**dtype.bits


def random_layer(
    rng: np.random.Generator,
    neurons: int,
    synapses: int,
    dtype: str = "bipolar",
    output: str | None = "bipolar",
    coefficients: Sequence[int] = (1,),
    name: str = "layer",
) -> Dense:
    """A layer with random weights and thresholds near the middle of its accumulators, constants among them."""
    weights = tuple(WeightPlane(c, BitMatrix.from_bits(rng.integers(0, 2, (neurons, synapses)))) for c in coefficients)
    layer = Dense(name, DataType.parse(dtype), weights, None)
    if output is None:
        return layer
    low, high = layer.accumulator_range
    levels = DataType.parse(output).levels - 1
    spread = max((high - low) ** 0.5, 2)
    values = np.rint(rng.normal((low + high) / 2, spread, (neurons, levels))).astype(np.int64)
    values = np.sort(np.clip(values, low, high + 1), axis=1)
    return Dense(name, layer.input, weights, Thresholds(values, DataType.parse(output)))


def modules(text: str) -> dict[str, str]:
    """The modules of an RTLIL text by name."""
    found = re.findall(r"(?ms)^module \\(\S+)\n(.*?)^end$", text)
    assert len({name for name, _ in found}) == len(found), "a module is defined twice"
    return dict(found)


def register_bits(component: wiring.Component, technology: str = "generic") -> int:
    """Bits of all registers of a component, those of memories aside."""
    texts = modules(rtlil(component, "top", technology))

    def visit(module: str) -> int:
        total = 0
        for kind, body in re.findall(r"(?ms)^  cell (\S+) \S+\n(.*?)^  end$", texts[module]):
            if kind == "$dff":
                width = re.search(r"parameter \\WIDTH (\d+)", body)
                assert width
                total += int(width[1])
            elif kind.startswith("\\"):
                total += visit(kind[1:])
        return total

    return visit("top")


def memories(component: wiring.Component, technology: str = "generic") -> dict[str, tuple[int, int]]:
    """Depth and width of each memory of a component, by ``module.memory``."""
    return {
        f"{module}.{name}": (int(depth), int(width))
        for module, text in modules(rtlil(component, "top", technology)).items()
        for width, depth, name in re.findall(r"(?m)^  memory width (\d+) size (\d+) \\(\S+)$", text)
    }
