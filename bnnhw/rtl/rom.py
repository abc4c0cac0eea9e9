"""Read-only memories for weights and thresholds."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from numpy.typing import NDArray

from bnnhw.devices import family
from bnnhw.devices.block_ram import block_ram_bank, deepest_bank
from bnnhw.rtl.emit import EmitPlatform

__all__ = ["Rom"]


def _integers(bits: NDArray[np.uint8]) -> list[int]:
    """Rows of bits, LSB first -> integers."""
    packed = np.packbits(bits, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


class Rom(wiring.Component):
    """A read-only memory, its columns delayed as their readers need them.

    Emitted for a family, ``"block"`` becomes instances of its block RAMs; otherwise it is a memory whose attribute
    asks for them.

    II = 1. Latency: column ``c`` of the word whose address is given in cycle ``t`` is offered in
    ``t + 1 + registered + stages[c]``. It has neither handshake nor reset. Storage: ``depth * width`` bits.

    A column that is due later is read later (its address waits, not its data), so lateness costs one address
    register for each distinct stage and none for each column.

    Parameters
    ----------
    bits : uint8 array (depth, width) of 0 and 1
        The contents.
    kind : str
        ``"lut"``: in logic. ``"block"``: in block RAM.
    registered : bool
        One cycle more: of ``"lut"`` in front of the address (whose fan-out is the slow part), of ``"block"`` behind
        the data (whose clock-to-output is).
    stages : sequence of int, optional
        Extra cycles of each column; none if omitted.

    Members
    -------
    address : In(range(depth))
    data : Out(width)
    """

    def __init__(
        self, bits: NDArray[np.uint8], kind: str, *, registered: bool, stages: tuple[int, ...] | None = None
    ) -> None:
        self._bits = np.asarray(bits, np.uint8)
        if self._bits.ndim != 2:
            raise ValueError(f"bits must have 2 dimensions, not {self._bits.ndim}")
        depth, width = self._bits.shape
        self._kind = kind
        self._registered = registered
        self._stages = stages if stages is not None else (0,) * width
        if len(self._stages) != width:
            raise ValueError(f"stages must have {width} values, not {len(self._stages)}")
        super().__init__({"address": In(range(depth)), "data": Out(width)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        depth, width = self._bits.shape
        if depth == 1:
            # One word is no memory but a constant, early for every stage.
            m.d.comb += self.data.eq(Const(_integers(self._bits)[0], width))
            return m
        address: Value = self.address
        if self._registered and self._kind == "lut":
            early = Signal.like(self.address, name="address_early", reset_less=True)
            m.d.sync += early.eq(address)
            address = early
        columns: list[Value] = [Signal()] * width
        for stage in range(max(self._stages) + 1):
            if stage:
                late = Signal.like(self.address, name=f"address_{stage}", reset_less=True)
                m.d.sync += late.eq(address)
                address = late
            chosen = [c for c in range(width) if self._stages[c] == stage]
            if not chosen:
                continue
            data = Signal(len(chosen), name=f"data_{stage}")
            m.d.comb += data.eq(self._bank(m, f"bank_{stage}", self._bits[:, chosen], address, platform))
            for i, c in enumerate(chosen):
                columns[c] = data[i]
        m.d.comb += self.data.eq(Cat(*columns))
        return m

    def _bank(self, m: Module, name: str, bits: NDArray[np.uint8], address: Value, platform: object) -> Value:
        """One memory, and the registers behind it."""
        depth, width = bits.shape
        behind = self._registered and self._kind == "block"
        device = family(platform.technology if isinstance(platform, EmitPlatform) else "generic")
        if self._kind == "block" and depth <= deepest_bank(device):
            in_block = behind and device.block_ram_register
            data = block_ram_bank(m, name, bits, address, device, output_register=in_block)
            behind = behind and not in_block
        else:
            style = {"lut": "logic", "block": "block"}[self._kind]
            bank = memory.Memory(shape=unsigned(width), depth=depth, init=_integers(bits), attrs={"rom_style": style})
            m.submodules[name] = bank
            port = bank.read_port()
            m.d.comb += port.addr.eq(address)
            data = port.data
        if behind:
            register = Signal(width, name=f"{name}_register", reset_less=True)
            m.d.sync += register.eq(data)
            return register
        return data
