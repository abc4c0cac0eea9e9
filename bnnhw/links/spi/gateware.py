"""The accelerator behind an SPI slave."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.link import FrameAccelerator
from bnnhw.links.packets.core import PacketCore
from bnnhw.links.spi.slave import SpiSlave
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.weights import LoadSetting
from bnnhw.links.weights.flash import flash_members, pass_flash

__all__ = ["SpiLink"]


class SpiLink(wiring.Component):
    """An accelerator with an SPI slave on both of its ends; see :class:`~bnnhw.links.packets.core.PacketCore`.

    Packets follow one another, as many in a transaction as the master likes; between them, and while it polls, it
    sends any byte that is no sync byte. A packet that is not whole at the end of its transaction is dropped and
    reported. A reply goes on in the next transaction, behind its first byte, which is none of it.

    Input: packets on ``mosi``. Output: packets on ``miso``. II per frame: the greatest of
    ``8 * (frame_bytes + 9)`` and ``8 * (11 + score_bytes)`` cycles of ``sck``, and of ``frame_bytes + 1`` cycles and
    the accelerator's. Latency: that of the accelerator, and of the packets. Stalls: the line in can't wait; a frame
    that begins while both banks are full is dropped and reported as an overrun. At most ``TAGS_IN_FLIGHT`` frames are
    inside the accelerator at once. Storage: two frames, and what :class:`~bnnhw.links.spi.slave.SpiSlave` has.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    classes : int
        Told to the host.
    identity : int
        32 bits by which the host knows the design.
    store : StoredFrames, optional
        The frames, where none come over the link.
    load : LoadSetting, optional
        What fills the accelerator's memories, where some are filled at run time.

    Members
    -------
    sck, cs_n, mosi : In(1)
    miso : Out(1)
    selected : Out(1)
        Whether ``miso`` may be driven.
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
        identity: int,
        store: StoredFrames | None = None,
        load: LoadSetting | None = None,
    ) -> None:
        # A byte per cycle: none may wait for the CRC, see CYCLES_PER_BYTE.
        self.core = PacketCore(accelerator, classes=classes, identity=identity, store=store, crc_bits=8, load=load)
        super().__init__(
            {
                "sck": In(1),
                "cs_n": In(1, init=1),
                "mosi": In(1),
                "miso": Out(1),
                "selected": Out(1),
                "error": Out(1),
                "activity": Out(1),
                **flash_members(load),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        pass_flash(m, core, self)
        m.submodules.slave = slave = SpiSlave()
        wiring.connect(m, core.send, slave.send)
        m.d.comb += [
            slave.sck.eq(self.sck),
            slave.cs_n.eq(self.cs_n),
            slave.mosi.eq(self.mosi),
            self.miso.eq(slave.miso),
            self.selected.eq(slave.selected),
            core.received.valid.eq(slave.received.valid),
            core.received.payload.data.eq(slave.received.payload),
            slave.received.ready.eq(core.received.ready),
            core.end.eq(slave.end),
            self.error.eq(core.error),
            self.activity.eq(core.activity),
        ]
        return m
