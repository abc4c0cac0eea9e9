"""An SPI slave: mode 0, bytes most significant bit first, in the master's own clock."""

from __future__ import annotations

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, Mux, ResetSignal, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from bnnhw.links.spi.rate import IDLE

__all__ = ["SpiSlave"]

SEND_BYTES = 4
"""Bytes that wait for the master: what it takes while one crosses between the clocks is less."""


class SpiSlave(wiring.Component):
    """Bytes between an SPI master and the clock of the design.

    Its registers are clocked by ``sck`` itself, and ``cs_n`` resets those that count bits: the two clocks need not know
    each other. A byte from the master crosses in a register of its own, announced by a bit that toggles; bytes to the
    master cross in an asynchronous FIFO.

    The first byte of a transaction says :data:`~bnnhw.links.spi.rate.IDLE`, and so does each for which none waited as
    the byte before it ended. A byte leaves the FIFO with the first bit of it that the master takes, so that the end of
    a transaction loses none, unless it comes within a byte.

    Input word: one byte to send. Output word: one byte received. II: 8 cycles of ``sck``, either way. Latency: a byte
    received is offered 2 to 3 cycles after the edge of ``sck`` that takes its last bit; a byte to send can be taken by
    the master from the byte on that begins 3 cycles of ``sck`` later. Stalls: the master can't wait, a byte that is not
    taken within 4 cycles is overwritten where ``sck`` is faster than it may be; ``send`` waits for the master.
    Storage: a byte under way, one received, and 4 to send, which a reset leaves where they are.

    Members
    -------
    sck, cs_n, mosi : In(1)
        Asynchronous to the clock.
    miso : Out(1)
        Changes with the falling edge of ``sck``; is the first bit while there is no transaction.
    selected : Out(1)
        Whether ``miso`` may be driven.
    received : Out(stream of unsigned(8))
    end : Out(1)
        Strobe: a transaction has ended, and its last byte was taken.
    send : In(stream of unsigned(8))
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "sck": In(1),
                "cs_n": In(1, init=1),
                "mosi": In(1),
                "miso": Out(1),
                "selected": Out(1),
                "received": Out(stream.Signature(8)),
                "end": Out(1),
                "send": In(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The same clock three times: for what outlives a transaction, for what does not, and for what changes with its
        # falling edge.
        m.domains += [
            ClockDomain("sck", reset_less=True, local=True),
            ClockDomain("bits", async_reset=True, local=True),
            ClockDomain("falling", clk_edge="neg", async_reset=True, local=True),
            # A reset that clears one side of a FIFO whose other side has no clock leaves the two at odds.
            ClockDomain("steady", reset_less=True, local=True),
        ]
        m.d.comb += [ClockSignal(domain).eq(self.sck) for domain in ("sck", "bits", "falling")]
        m.d.comb += [ResetSignal(domain).eq(self.cs_n) for domain in ("bits", "falling")]
        m.d.comb += ClockSignal("steady").eq(ClockSignal())
        m.submodules.sending = sending = fifo.AsyncFIFO(width=8, depth=SEND_BYTES, r_domain="sck", w_domain="steady")

        count = Signal(3)
        last = Signal()
        before = Signal(7)
        byte = Signal(8)
        arrived = Signal()
        m.d.comb += last.eq(count == 7)
        m.d.bits += [count.eq(count + 1), before.eq(Cat(self.mosi, before))]
        with m.If(last):
            m.d.sck += [byte.eq(Cat(self.mosi, before)), arrived.eq(~arrived)]

        out = Signal(8, init=IDLE)
        miso = Signal(init=IDLE >> 7)
        # The byte that is shifted out is still the first of the FIFO.
        held = Signal()
        m.d.bits += [out.eq(Cat(0, out)), held.eq(held & last)]
        with m.If(last):
            m.d.bits += [out.eq(Mux(sending.r_rdy, sending.r_data, IDLE)), held.eq(sending.r_rdy)]
        m.d.falling += miso.eq(out[7])
        m.d.comb += [
            sending.r_en.eq(held),
            sending.w_data.eq(self.send.payload),
            sending.w_en.eq(self.send.valid),
            self.send.ready.eq(sending.w_rdy),
            self.miso.eq(miso),
            self.selected.eq(~self.cs_n),
        ]

        come, ended = Signal(), Signal(init=1)
        m.submodules.byte_crossing = FFSynchronizer(arrived, come)
        m.submodules.end_crossing = FFSynchronizer(self.cs_n, ended, init=1)
        # Not reset: it follows a bit that is not.
        taken = Signal(reset_less=True)
        was_ended = Signal(init=1)
        wait = Signal(2)
        m.d.comb += [self.received.valid.eq(come != taken), self.received.payload.eq(byte)]
        with m.If(self.received.valid & self.received.ready):
            m.d.sync += taken.eq(come)
        # The last byte may take a cycle longer across than the end that followed it.
        m.d.sync += was_ended.eq(ended)
        with m.If(ended & ~was_ended):
            m.d.sync += wait.eq(2)
        with m.Elif((wait != 0) & ~self.received.valid):
            m.d.sync += wait.eq(wait - 1)
            m.d.comb += self.end.eq(wait == 1)
        return m
