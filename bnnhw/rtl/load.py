"""The load bus: words of an image on their way into the memories of an accelerator."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow.loads import WORD_BITS, Loaded

__all__ = ["LoadCounter", "LoadSignature", "write_signature"]


class LoadSignature(wiring.Signature):
    """What fills the memories of an accelerator: an image from its first word on.

    - ``start``: strobe, before the first word. ``write``: strobe, ``data`` is the next word. Words past the last one go
      nowhere. An accelerator has no frame inside from ``start`` until
      :data:`~bnnhw.dataflow.loads.SETTLE_CYCLES` after the last word.
    """

    def __init__(self) -> None:
        super().__init__({"start": Out(1), "write": Out(1), "data": Out(WORD_BITS)})


def write_signature(memory: Loaded) -> wiring.Signature:
    """What fills one memory: word ``word`` of bank ``bank`` becomes ``data``."""
    return wiring.Signature(
        {
            "write": Out(1),
            "bank": Out(range(len(memory.banks))),
            "word": Out(range(memory.depth)),
            "data": Out(WORD_BITS),
        }
    )


class LoadCounter(wiring.Component):
    """Where each word of an image goes: memory after memory, bank after bank, address after address.

    One word per cycle. Latency: two cycles; the second register is each memory's own, so that no wire reaches all of
    them. It never stalls. Storage: a place, and of each memory a word and its place.

    Parameters
    ----------
    memories : sequence of Loaded
        At least one, in the order of the image.

    Members
    -------
    load : In(LoadSignature)
    to_0, to_1, ... : Out(write_signature)
        One for each memory.
    """

    def __init__(self, memories: Sequence[Loaded]) -> None:
        self._memories = tuple(memories)
        ports = {f"to_{number}": Out(write_signature(memory)) for number, memory in enumerate(memories)}
        super().__init__({"load": In(LoadSignature()), **ports})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        memories = self._memories
        memory = Signal(range(len(memories) + 1))
        bank = Signal(range(max(len(memory.banks) for memory in memories)))
        word = Signal(range(max(memory.depth for memory in memories)))
        # Of the memory that is being filled.
        last_bank, last_word = Signal.like(bank), Signal.like(word)
        with m.Switch(memory):
            for number, each in enumerate(memories):
                with m.Case(number):
                    m.d.comb += [last_bank.eq(len(each.banks) - 1), last_word.eq(each.depth - 1)]
        write, data = Signal(), Signal(WORD_BITS, reset_less=True)
        m.d.sync += [write.eq(self.load.write & ~self.load.start), data.eq(self.load.data)]
        with m.If(write):
            ends, over = Signal(), Signal()
            m.d.comb += [ends.eq(word == last_word), over.eq(memory == len(memories))]
            m.d.sync += word.eq(Mux(ends, 0, word + 1))
            with m.If(ends & ~over):
                m.d.sync += bank.eq(Mux(bank == last_bank, 0, bank + 1))
                with m.If(bank == last_bank):
                    m.d.sync += memory.eq(memory + 1)
        with m.If(self.load.start):
            m.d.sync += [memory.eq(0), bank.eq(0), word.eq(0)]
        for number in range(len(memories)):
            port = getattr(self, f"to_{number}")
            sources = {"write": write & (memory == number), "bank": bank, "word": word, "data": data}
            for name, source in sources.items():
                member = getattr(port, name)
                register = Signal.like(member, name=f"{name}_{number}", reset_less=name != "write")
                m.d.sync += register.eq(source)
                m.d.comb += member.eq(register)
        return m
