"""What units have in common that work element by element, each channel with constants of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw.dataflow.word_timing import ElementTiming
from bnnhw.ir import DataType
from bnnhw.rtl.elements import element_value
from bnnhw.rtl.fifo import CreditedOutput
from bnnhw.rtl.rom import Rom

__all__ = ["Elementwise"]


class Elementwise(wiring.Component, ABC):
    """A pipeline with constants of each channel's own: counters, constants and the queue; the arithmetic runs free.

    Parameters
    ----------
    lanes : int
        Elements per word.
    input, output : DataType
    timing : ElementTiming
    """

    def __init__(self, lanes: int, input: DataType, output: DataType, timing: ElementTiming) -> None:  # noqa: A002
        self._lanes = lanes
        self._input = input
        self._timing = timing
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(lanes * input.bits))),
                "output": Out(stream.Signature(unsigned(lanes * output.bits))),
            }
        )

    @abstractmethod
    def constants(self) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
        """Bits (channels, width), and in which cycle of the arithmetic each column is used."""

    @abstractmethod
    def result(self, m: Module, platform: object, lane: int, value: Value, constants: Value) -> Value:
        """A lane's result, ``compute`` cycles after its value."""

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p, dtype = self._timing, self._input
        m.submodules.queue = queue = CreditedOutput(len(self.output.payload), p.credits)
        wiring.connect(m, queue.output, wiring.flipped(self.output))
        accept = Signal()
        m.d.comb += [
            self.input.ready.eq(queue.grant),
            accept.eq(self.input.valid & queue.grant),
            queue.begin.eq(accept),
        ]
        word: Value = self.input.payload
        for cycle in range(p.read):
            register = Signal(len(word), name=f"word_{cycle}", reset_less=True)
            m.d.sync += register.eq(word)
            word = register
        push: Value = accept
        for cycle in range(p.read + p.compute):
            valid = Signal(name=f"valid_{cycle}")
            m.d.sync += valid.eq(push)
            push = valid

        bits, stages = self.constants()
        folds = -(-len(bits) // self._lanes)
        table = np.zeros((folds * self._lanes, bits.shape[1]), np.uint8)
        table[: len(bits)] = bits
        fold = Signal(range(folds))
        with m.If(accept):
            m.d.sync += fold.eq(Mux(fold == folds - 1, 0, fold + 1))
        results: list[Value] = []
        for lane in range(self._lanes):
            # One memory per lane, each with its own copy of the address: fan-out, not storage, is scarce.
            constants: Value = Const(0, 0)
            if stages:
                rom = Rom(table[lane :: self._lanes], "lut", registered=True, stages=stages)
                m.submodules[f"constants_{lane}"] = rom
                m.d.comb += rom.address.eq(fold)
                constants = rom.data
            value = element_value(word[lane * dtype.bits : (lane + 1) * dtype.bits], dtype)
            results.append(self.result(m, platform, lane, value, constants))
        m.d.comb += [queue.push.eq(push), queue.payload.eq(Cat(*results))]
        return m
