"""The FPGA's end of a parallel port of 8 lines."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from bnnhw.links.parallel.timing import ASK_CYCLES, SYNCHRONIZER, Timing

__all__ = ["ParallelBus"]


class ParallelBus(wiring.Component):
    """Takes bytes from a FIFO at the far end and gives it bytes, as FTDI's in their asynchronous mode (FT245) want it.

    A byte to the board: the far end lowers ``rxf_n``; ``rd_n`` goes low, for ``timing.strobe`` cycles, within which the
    far end has put the byte on the lines; with its rise the byte is taken, and the far end leaves the lines and raises
    ``rxf_n``. A byte from it: the far end has ``txe_n`` low where it has room; the byte is on the lines from a cycle
    before the fall of ``wr_n`` to a cycle after its rise; the far end raises ``txe_n`` until it has room again. Both
    take turns where both wait. The flags are looked at again ``timing.quiet`` cycles after a strobe.

    Only the flags are asynchronous, each a bit through two registers. The data lines are read when they have been still
    for the strobe: they need none.

    Input word: one byte to send. Output word: one byte received. II: ``timing.read`` cycles in, ``timing.write`` cycles
    out, ``timing.pair`` for one each way. Latency: ``rd_n`` falls 2 to 3 cycles after ``rxf_n``, and a byte is offered
    with its rise; ``wr_n`` falls two cycles after a byte is offered to be sent, where ``txe_n`` is low. Stalls: holds a
    byte until it is taken, and reads none meanwhile; ``send`` waits for the far end. Storage: a byte each way.

    Parameters
    ----------
    timing : Timing

    Members
    -------
    rxf_n, txe_n : In(1)
        Asynchronous to the clock.
    rd_n, wr_n : Out(1)
        Straight from registers.
    siwu_n : Out(1)
        Low for ``timing.strobe`` cycles when nothing more was to be sent for a while: send on what you have.
    d_i, d_o : In(8), Out(8)
    driven : Out(1)
        Whether ``d_o`` is to be on the lines.
    received : Out(stream of unsigned(8))
    send : In(stream of unsigned(8))
    """

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        super().__init__(
            {
                "rxf_n": In(1, init=1),
                "txe_n": In(1, init=1),
                "rd_n": Out(1, init=1),
                "wr_n": Out(1, init=1),
                "siwu_n": Out(1, init=1),
                "d_i": In(8),
                "d_o": Out(8),
                "driven": Out(1),
                "received": Out(stream.Signature(8)),
                "send": In(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        strobe, quiet = self.timing.strobe, self.timing.quiet
        # What is seen of the flags: as if nothing waited, until they have come through.
        empty, full = Signal(init=1), Signal(init=1)
        m.submodules.empty_crossing = FFSynchronizer(self.rxf_n, empty, init=1, stages=SYNCHRONIZER)
        m.submodules.full_crossing = FFSynchronizer(self.txe_n, full, init=1, stages=SYNCHRONIZER)
        timer = Signal(range(max(strobe, quiet + SYNCHRONIZER)))
        # After a byte in, one out goes first, and the other way round.
        turn = Signal()
        asks = Signal(range(ASK_CYCLES + strobe + 1))
        asking = Signal()
        read, write = Signal(), Signal()

        m.d.comb += [
            asking.eq((asks != 0) & (asks <= strobe)),
            read.eq(~empty & ~self.received.valid),
            write.eq(~full & self.send.valid & ~asking),
        ]
        m.d.sync += self.siwu_n.eq(~asking)
        with m.If((asks != 0) & (asking | ~self.send.valid)):
            m.d.sync += asks.eq(asks - 1)
        with m.If(self.received.ready):
            m.d.sync += self.received.valid.eq(0)
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += self.driven.eq(0)
                with m.If((timer == 0) & read & ~(write & turn)):
                    m.d.sync += [self.rd_n.eq(0), timer.eq(strobe - 1)]
                    m.next = "READ"
                with m.Elif((timer == 0) & write):
                    m.d.comb += self.send.ready.eq(1)
                    m.d.sync += [self.d_o.eq(self.send.payload), self.driven.eq(1)]
                    m.next = "SETUP"
            with m.State("READ"), m.If(timer == 0):
                m.d.sync += [
                    self.rd_n.eq(1),
                    self.received.payload.eq(self.d_i),
                    self.received.valid.eq(1),
                    turn.eq(1),
                    timer.eq(quiet + SYNCHRONIZER - 1),
                ]
                m.next = "IDLE"
            with m.State("SETUP"):
                m.d.sync += [self.wr_n.eq(0), timer.eq(strobe - 1), asks.eq(ASK_CYCLES + strobe)]
                m.next = "WRITE"
            with m.State("WRITE"), m.If(timer == 0):
                m.d.sync += [self.wr_n.eq(1), turn.eq(0), timer.eq(quiet + SYNCHRONIZER - 1)]
                m.next = "IDLE"
        return m
