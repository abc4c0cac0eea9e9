"""The accelerator behind a parallel port."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.link import FrameAccelerator
from bnnhw.links.packets.core import PacketCore
from bnnhw.links.parallel.bus import ParallelBus
from bnnhw.links.parallel.timing import Timing
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.weights import LoadSetting
from bnnhw.links.weights.flash import flash_members, pass_flash

__all__ = ["ParallelLink"]

CRC_BITS = 4
"""A byte in 2 cycles, 3 for the last of a packet: from the end of a strobe to the next are no fewer."""


class ParallelLink(wiring.Component):
    """An accelerator with a parallel port on both of its ends; see :class:`~bnnhw.links.packets.core.PacketCore`.

    Input: packets from the far end's FIFO. Output: packets to it. II per frame: the greater of
    ``timing.both(frame_bytes + 9, 11 + score_bytes)`` and the accelerator's. Latency: that of the
    accelerator, and of the packets. Stalls: bytes wait at the far end, either way; a frame that begins while both banks
    are full is dropped and reported as an overrun. At most ``TAGS_IN_FLIGHT`` frames are inside the accelerator at
    once. Storage: two frames, and what :class:`~bnnhw.links.parallel.bus.ParallelBus` has.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    classes : int
        Told to the host.
    timing : Timing
    timeout : int
        Longest silence inside a packet, in clock cycles.
    identity : int
        32 bits by which the host knows the design.
    store : StoredFrames, optional
        The frames, where none come over the link.
    load : LoadSetting, optional
        What fills the accelerator's memories, where some are filled at run time.

    Members
    -------
    rxf_n, txe_n : In(1)
    rd_n, wr_n, siwu_n : Out(1)
    d_i, d_o : In(8), Out(8)
    driven : Out(1)
        Whether ``d_o`` is to be on the lines.
    error : Out(1)
        The last packet was dropped.
    activity : Out(1)
        Toggles with every result.
    flash : Out(FlashSignature)
        Where weights are read from a flash.
    """

    def __init__(
        self,
        accelerator: FrameAccelerator,
        *,
        classes: int,
        timing: Timing,
        timeout: int,
        identity: int,
        store: StoredFrames | None = None,
        load: LoadSetting | None = None,
    ) -> None:
        self.core = PacketCore(
            accelerator,
            classes=classes,
            identity=identity,
            store=store,
            timeout=timeout,
            crc_bits=CRC_BITS,
            load=load,
        )
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
                "error": Out(1),
                "activity": Out(1),
                **flash_members(load),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        pass_flash(m, core, self)
        m.submodules.bus = bus = ParallelBus(self.timing)
        wiring.connect(m, core.send, bus.send)
        m.d.comb += [
            bus.rxf_n.eq(self.rxf_n),
            bus.txe_n.eq(self.txe_n),
            bus.d_i.eq(self.d_i),
            self.rd_n.eq(bus.rd_n),
            self.wr_n.eq(bus.wr_n),
            self.siwu_n.eq(bus.siwu_n),
            self.d_o.eq(bus.d_o),
            self.driven.eq(bus.driven),
            core.received.valid.eq(bus.received.valid),
            core.received.payload.data.eq(bus.received.payload),
            bus.received.ready.eq(core.received.ready),
            self.error.eq(core.error),
            self.activity.eq(core.activity),
        ]
        return m
