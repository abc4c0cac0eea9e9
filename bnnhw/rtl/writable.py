"""Memories for weights and thresholds that are written while the device runs."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow.loads import Bank, Loaded
from bnnhw.devices import Family, Technology, family, ram_attributes
from bnnhw.rtl.emit import EmitPlatform
from bnnhw.rtl.load import write_signature
from bnnhw.rtl.registers import delayed
from bnnhw.rtl.rom import Rom

__all__ = ["WritableMemory"]


class WritableMemory(wiring.Component):
    """A memory some of whose columns, or all, are written over the load bus.

    II = 1. Latency: column ``c`` of the word whose address is given in cycle ``t`` is offered in
    ``t + 1 + registered + stages[c]``, as that of a :class:`~bnnhw.rtl.rom.Rom` in block RAM. A word that is written in
    cycle ``t`` is read from ``t + 1`` on; while one is written, what is read is undefined. It has neither handshake nor
    reset. Storage: ``depth * columns`` bits, a register for the address of each distinct stage, and one for each column
    and cycle by which it is due later than the first of its bank.

    Columns in no bank, and at power-up those that are not in SPRAM, have the bits of ``contents``. SPRAM has none then.

    Parameters
    ----------
    contents : Loaded
    stages : sequence of int
        Extra cycles of each column.
    technology : Technology
    registered : bool
        One cycle more, behind the data.

    Members
    -------
    address : In(range(depth))
    data : Out(columns)
    load : In(write_signature)
    """

    def __init__(self, contents: Loaded, stages: tuple[int, ...], technology: Technology, *, registered: bool) -> None:
        self._contents = contents
        self._stages = stages
        self._technology = technology
        self._registered = registered
        super().__init__(
            {
                "address": In(range(contents.depth)),
                "data": Out(contents.columns),
                "load": In(write_signature(contents)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        contents, stages = self._contents, self._stages
        columns: list[Value] = [Signal()] * len(stages)
        if rest := contents.rest:
            fixed = Rom(
                contents.bits[:, rest],
                "block",
                registered=self._registered,
                stages=tuple(stages[column] for column in rest),
            )
            m.submodules.rest = fixed
            m.d.comb += fixed.address.eq(self.address)
            for place, column in enumerate(rest):
                columns[column] = fixed.data[place]
        addresses: list[Value] = [self.address]
        for stage in range(1, max((bank.stage for bank in contents.banks), default=0) + 1):
            addresses.append(delayed(m, addresses[-1], 1, f"address_{stage}", reset_less=True))
        for number, bank in enumerate(contents.banks):
            write = Signal(name=f"write_{number}")
            m.d.comb += write.eq(self.load.write & (self.load.bank == number))
            data = Signal(len(bank.columns), name=f"data_{number}")
            m.d.comb += data.eq(self._bank(m, number, bank, addresses[bank.stage], write, platform))
            for place, column in enumerate(bank.columns):
                late = stages[column] - bank.stage
                columns[column] = delayed(m, data[place], late, f"late_{number}_{place}", reset_less=True)
        m.d.comb += self.data.eq(Cat(*columns))
        return m

    def _bank(self, m: Module, number: int, bank: Bank, address: Value, write: Value, platform: object) -> Value:
        """One bank's word."""
        width = len(bank.columns)
        if bank.style == "registers" and self._contents.depth == 1:
            word = Signal(width, name=f"word_{number}", init=self._initial(bank)[0], reset_less=True)
            with m.If(write):
                m.d.sync += word.eq(self.load.data)
            return word
        device = family(platform.technology if isinstance(platform, EmitPlatform) else "generic")
        if bank.style == "spram":
            data = self._spram(m, number, address, write, device)[:width]
        elif bank.style == "block" and device.writable_block_ram is not None and self._contents.depth <= self._deepest:
            data = self._block_ram(m, number, bank, address, write, device)[:width]
        else:
            data = self._ram(m, number, bank, address, write)
        return delayed(m, data, int(self._registered), f"register_{number}", reset_less=True)

    @property
    def _deepest(self) -> int:
        return self._technology.block_ram.depth

    def _block_ram(self, m: Module, number: int, bank: Bank, address: Value, write: Value, device: Family) -> Value:
        """An instance: where a register without a first value is not to be had, inference would pay for one."""
        block, width = self._technology.block_ram, len(bank.columns)
        contents = np.zeros((block.depth, block.width), np.uint8)
        contents[: self._contents.depth, :width] = self._contents.bits[:, bank.columns]
        data = Signal(block.width, name=f"read_{number}")
        assert device.writable_block_ram is not None
        m.submodules[f"bank_{number}"] = device.writable_block_ram(
            contents, address, data, self.load.word, self.load.data, write
        )
        return data

    def _ram(self, m: Module, number: int, bank: Bank, address: Value, write: Value) -> Value:
        """A memory with an address of its own for either way."""
        width = len(bank.columns)
        ram = memory.Memory(
            shape=unsigned(width),
            depth=self._contents.depth,
            init=self._initial(bank),
            attrs=ram_attributes(bank.style, self._technology),
        )
        m.submodules[f"bank_{number}"] = ram
        writer, reader = ram.write_port(), ram.read_port(domain="comb")
        # Nothing is read while something is written: synthesis need not see to what that would be.
        data = Signal(width, name=f"read_{number}", reset_less=True)
        with m.If(~write):
            m.d.sync += data.eq(reader.data)
        m.d.comb += [
            reader.addr.eq(address),
            writer.addr.eq(self.load.word),
            writer.data.eq(self.load.data),
            writer.en.eq(write),
        ]
        return data

    def _spram(self, m: Module, number: int, address: Value, write: Value, device: Family) -> Value:
        """A memory with one address, as many of the device's side by side as its depth needs."""
        spram = self._technology.spram
        assert spram is not None, "only a family that has SPRAM has such banks"
        place = Signal(range(self._contents.depth), name=f"place_{number}")
        m.d.comb += place.eq(Mux(self.load.write, self.load.word, address))
        if device.spram_instance is None:
            bank = memory.Memory(shape=unsigned(spram.width), depth=self._contents.depth, init=[])
            m.submodules[f"bank_{number}"] = bank
            writer, reader = bank.write_port(), bank.read_port(domain="comb")
            data = Signal(spram.width, name=f"read_{number}", reset_less=True)
            with m.If(~write):
                m.d.sync += data.eq(reader.data)
            m.d.comb += [
                reader.addr.eq(place),
                writer.addr.eq(place),
                writer.data.eq(self.load.data),
                writer.en.eq(write),
            ]
            return data
        bits = (spram.depth - 1).bit_length()
        words: list[Value] = []
        above, chosen = place[bits:], Signal(max(len(place) - bits, 0), name=f"chosen_{number}", reset_less=True)
        m.d.sync += chosen.eq(above)
        for part in range(-(-self._contents.depth // spram.depth)):
            data = Signal(spram.width, name=f"spram_{number}_{part}")
            here = write & (above == part) if len(above) else write
            m.submodules[f"bank_{number}_{part}"] = device.spram_instance(place[:bits], self.load.data, here, data)
            words.append(data)
        found = words[0]
        for part, word in enumerate(words[1:], 1):
            found = Mux(chosen == part, word, found)
        return found

    def _initial(self, bank: Bank) -> list[int]:
        """The words of a bank at power-up."""
        return self._contents.bank_words(bank).tolist()
