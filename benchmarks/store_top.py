"""What a core is measured in: frames from a store, a frame per cycle, and a counter of wrong classes."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOperatorIssue=false
# Ports come from a component's signature when it runs, as in the packages that hold hardware.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Instance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw.dataflow import Graph
from bnnhw.links.store.counters import SplitCounter
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.copy import Copy
from bnnhw.rtl.emit import EmitPlatform, shared
from bnnhw.rtl.registers import delayed

__all__ = ["FRAMES", "StoreTop", "read_by"]

STORE_REACH = 64
"""Bits of a frame with a counter of their own."""

LOOKED_UP = 3
"""Cycles from a strobe to the frame offered, from look-up tables."""

FRAMES = {"ice40": 256, "ecp5": 16}
"""Frames in the store: what a block RAM of an iCE40 holds of a bit, and a LUT4 of an ECP5."""


class _Lanes(wiring.Component):
    """Some bits of all frames, one frame after another, from look-up tables into a register.

    With a strobe and a counter of its own beside those of other parts, which reach no farther than its bits.

    Members
    -------
    go : In(1)
        The next frame comes two cycles later.
    valid, data : Out(1), Out(bits)
    """

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        self._bits = bits
        super().__init__({"go": In(1), "valid": Out(1), "data": Out(bits.shape[1])})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        frames, width = self._bits.shape
        number, row = Signal(range(frames)), Signal(width)
        go = Copy(1)
        m.submodules.go = shared(platform, go)
        for bit, column in enumerate(self._bits.T):
            entries = Const(sum(int(value) << frame for frame, value in enumerate(column)), frames)
            if isinstance(platform, EmitPlatform):
                # The cells themselves: of so many functions of the same four bits synthesis makes shared ones, three
                # deep.
                ports = {f"i_{name}": place for name, place in zip("ABCD", number, strict=True)}
                m.submodules += Instance("LUT4", p_INIT=entries, o_Z=row[bit], **ports)
            else:
                m.d.comb += row[bit].eq(entries.bit_select(number, 1))
        register = Signal(width, reset_less=True)
        m.d.sync += [register.eq(row), self.valid.eq(go.q)]
        m.d.comb += [go.d.eq(self.go), self.data.eq(register)]
        with m.If(go.q):
            m.d.sync += number.eq(number + 1)
        return m


class StoreTop(wiring.Component):
    """Frames from a store, one after another without end, and how many classes were wrong.

    Parameters
    ----------
    core : Accelerator
        Takes a frame as one word.
    codes : uint8 array (frames, elements)
        As many as a power of two.
    labels : integer array (frames,)
    read : sequence of int
        Elements that the network reads.

    Members
    -------
    hold : In(1)
        No result is taken; so the handshake is not optimized away.
    errors : Out(16)
    """

    def __init__(self, core: Accelerator, codes: NDArray[Any], labels: NDArray[Any], read: Sequence[int]) -> None:
        self._core, self._codes, self._labels, self._read = core, codes, labels, read
        super().__init__({"hold": In(1), "errors": Out(16)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        core, bits = self._core, self._core.graph.input.bits
        m.submodules.core = core
        planes = (self._codes[:, self._read, None] >> np.arange(bits) & 1).reshape(len(self._codes), -1)
        held = Signal()
        m.d.sync += held.eq(self.hold)
        # A block RAM that is slow would be the slowest path: look-up tables there, and registers behind them.
        if core.graph.technology.block_register:
            read = self._from_tables(m, ~held, planes)
            # What comes in stops as many cycles before as a frame takes from the strobe: so none ever has to wait.
            held = delayed(m, held, LOOKED_UP, "held")
        else:
            read = self._from_blocks(m, planes)
        places = {element: place for place, element in enumerate(self._read)}
        frame = Cat(*read)
        zero: Value = Const(0, bits)
        lanes = [frame.word_select(places[e], bits) if e in places else zero for e in range(core.graph.input.frame)]
        m.d.comb += core.input.payload.eq(Cat(*lanes))
        self._count(m, held)
        return m

    def _from_tables(self, m: Module, go: Value, planes: NDArray[Any]) -> list[Value]:
        """The frame, from look-up tables: one a few cycles after every strobe, whether or not it is taken."""
        read: list[Value] = []
        root = Signal()
        m.d.sync += root.eq(go)
        for start in range(0, planes.shape[1], STORE_REACH):
            part = _Lanes(planes[:, start : start + STORE_REACH].astype(np.uint8))
            m.submodules[f"store_{start}"] = part
            m.d.comb += part.go.eq(root)
            read += list(part.data)
            if not start:
                m.d.comb += self._core.input.valid.eq(part.valid)
        return read

    def _from_blocks(self, m: Module, planes: NDArray[Any]) -> list[Value]:
        """The frame, from block RAM."""
        core = self._core
        rows = [sum(int(bit) << place for place, bit in enumerate(row)) for row in planes]
        m.submodules.store = store = Memory(
            shape=planes.shape[1], depth=len(rows), init=rows, attrs={"ram_style": "block"}
        )
        row, following, loaded = store.read_port(), Signal(range(len(rows))), Signal()
        m.d.comb += [
            row.addr.eq(following),
            row.en.eq(~loaded | core.input.ready),
            core.input.valid.eq(loaded),
        ]
        m.d.sync += [loaded.eq(1), following.eq(following + row.en)]
        return list(row.data)

    def _count(self, m: Module, held: Value) -> None:
        """How many results are not of the label."""
        core, labels = self._core, self._labels
        style = "logic" if core.graph.technology.block_register else "block"
        m.submodules.labels = store = Memory(
            shape=8, depth=len(labels), init=labels.tolist(), attrs={"ram_style": style}
        )
        wanted = store.read_port()
        number, taken, wrong = Signal(range(len(labels))), Signal(), Signal()
        m.d.comb += [core.output.ready.eq(~held), taken.eq(core.output.valid & ~held), wanted.addr.eq(number)]
        with m.If(taken):
            m.d.sync += number.eq(number + 1)
        index, valid = delayed(m, core.output.payload.index, 2, "index"), delayed(m, taken, 2, "taken")
        label = delayed(m, wanted.data, 1, "label")
        m.submodules.errors = errors = SplitCounter(16)
        m.d.sync += wrong.eq(valid & (index != label))
        # Pins pull the counter to the edge, the labels are in the middle.
        m.d.comb += [
            errors.step.eq(delayed(m, wrong, 3, "wrong")),
            self.errors.eq(delayed(m, errors.value, 2, "shown")),
        ]


def read_by(graph: Graph) -> list[int]:
    """The elements of the input that the first unit reads."""
    read = graph.nodes[0].unit.read
    if read is None:
        raise SystemExit(f"the first unit must tell which bits it reads, which {graph.nodes[0].unit.kind} does not")
    return np.flatnonzero(read.reshape(-1, graph.input.bits).any(axis=1)).tolist()
