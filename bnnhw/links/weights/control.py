"""When the memories of an accelerator are filled, from where, and whether it may take frames."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow.image import image_bytes
from bnnhw.dataflow.loads import SETTLE_CYCLES
from bnnhw.links.packets.packet import ErrorCode, LoadState
from bnnhw.links.weights import LoadSetting
from bnnhw.links.weights.flash import FlashReader, FlashSignature
from bnnhw.links.weights.receiver import ImageReceiver
from bnnhw.rtl.load import LoadSignature

__all__ = ["WeightControl"]

_IN_FLIGHT = 16
"""More frames than a service ever has."""


class WeightControl(wiring.Component):
    """Fills memories from a flash at start, and from packets between frames.

    Frames are refused from the moment a load is asked for. It begins when the answers to those that were accepted
    before are on their way, and frames are taken again when an image was whole and the design's, and every memory
    answers with it: no frame sees two networks. After an image that was not, frames are refused until one is.

    Parameters
    ----------
    setting : LoadSetting
    identity : int
        Of the design.
    crc_bits : int
        Bits of the CRC per cycle: as few as keep up with the packets.

    Members
    -------
    accepted, answered : In(1)
        Strobes: a frame was accepted, an answer is on its way.
    begin : In(1)
        Strobe: packets with an image follow.
    write, data : In(1), In(8)
        A byte of such a packet, in order.
    chunk, dropped : In(1)
        Strobes: such a packet was good; some packet was not.
    refuse : Out(8)
        Why frames are refused, an :class:`~bnnhw.links.packets.packet.ErrorCode`; 0 where they are not.
    busy : Out(1)
        Why ``begin`` would be: a flash is being read.
    told, state : Out(1), Out(8)
        Strobe: the host is to be told a :class:`~bnnhw.links.packets.packet.LoadState`.
    load : Out(LoadSignature)
    flash : Out(FlashSignature)
        Where one is read.
    """

    def __init__(self, setting: LoadSetting, identity: int, crc_bits: int) -> None:
        self._setting = setting
        self._identity = identity
        self._crc_bits = crc_bits
        super().__init__(
            {
                **{name: In(1) for name in ("accepted", "answered", "begin", "write", "chunk", "dropped")},
                "data": In(8),
                "refuse": Out(8),
                "busy": Out(1),
                "told": Out(1),
                "state": Out(8),
                "load": Out(LoadSignature()),
                **({} if setting.offset is None else {"flash": Out(FlashSignature())}),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        setting = self._setting
        m.submodules.receiver = receiver = ImageReceiver(self._identity, setting.words, self._crc_bits)
        wiring.connect(m, receiver.load, wiring.flipped(self.load))
        first = "FLASH" if setting.offset is not None else "GOOD" if setting.starts else "BAD"
        settle = Signal(range(SETTLE_CYCLES + 1))
        flash_valid, flash_data = Signal(), Signal(8)
        if setting.offset is not None:
            assert setting.clock_mhz is not None, "the clock of a board decides that of its flash"
            m.submodules.flash = reader = FlashReader(setting.offset, image_bytes(setting.words), setting.clock_mhz)
            wiring.connect(m, reader.flash, wiring.flipped(self.flash))
            m.d.comb += [flash_valid.eq(reader.valid), flash_data.eq(reader.data)]
        in_flight = Signal(range(_IN_FLIGHT))
        m.d.sync += in_flight.eq(in_flight + self.accepted - self.answered)
        with m.FSM(init=first):
            with m.State("GOOD"):
                self._begins(m)
            with m.State("BAD"):
                m.d.comb += self.refuse.eq(ErrorCode.NO_WEIGHTS)
                self._begins(m)
            if setting.offset is not None:
                # The receiver is at its start since the reset.
                with m.State("FLASH"):
                    m.d.comb += [
                        self.refuse.eq(ErrorCode.LOADING),
                        self.busy.eq(1),
                        receiver.valid.eq(flash_valid),
                        receiver.data.eq(flash_data),
                    ]
                    with m.If(receiver.done):
                        m.next = "BAD"
                        with m.If(receiver.good):
                            m.next = "SETTLE"
            if setting.packets:
                with m.State("DRAIN"):
                    m.d.comb += self.refuse.eq(ErrorCode.LOADING)
                    with m.If(in_flight == 0):
                        m.d.comb += [receiver.start.eq(1), self.told.eq(1), self.state.eq(LoadState.READY)]
                        m.next = "PACKETS"
                with m.State("PACKETS"):
                    m.d.comb += [
                        self.refuse.eq(ErrorCode.LOADING),
                        receiver.valid.eq(self.write),
                        receiver.data.eq(self.data),
                        self.state.eq(LoadState.MORE),
                        self.told.eq(self.chunk),
                    ]
                    with m.If(self.chunk & receiver.done):
                        m.d.comb += self.state.eq(LoadState.BAD)
                        m.next = "BAD"
                        with m.If(receiver.good):
                            m.d.comb += self.state.eq(LoadState.GOOD)
                            m.next = "SETTLE"
                    with m.If(self.dropped):
                        m.next = "BAD"
                    with m.If(self.begin):
                        m.next = "DRAIN"
            with m.State("SETTLE"):
                m.d.comb += [self.refuse.eq(ErrorCode.LOADING), self.busy.eq(1)]
                m.d.sync += settle.eq(settle + 1)
                with m.If(settle == SETTLE_CYCLES):
                    m.d.sync += settle.eq(0)
                    m.next = "GOOD"
        return m

    def _begins(self, m: Module) -> None:
        if self._setting.packets:
            with m.If(self.begin):
                m.next = "DRAIN"
