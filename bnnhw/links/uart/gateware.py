"""The accelerator behind a serial port."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.links.link import FrameAccelerator
from bnnhw.links.packets.core import PacketCore
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.uart.uart import UartRx, UartTx
from bnnhw.links.weights import LoadSetting
from bnnhw.links.weights.flash import flash_members, pass_flash

__all__ = ["UartLink"]


class UartLink(wiring.Component):
    """An accelerator with a serial port on both of its ends; see :class:`~bnnhw.links.packets.core.PacketCore`.

    After a packet that was cut short, the next one is one that is sent after ``timeout`` cycles of silence, or after
    its error reply.

    Input: packets on ``rx``. Output: packets on ``tx``. II per frame: the greatest of
    ``10 * divisor * (frame_bytes + 9)`` (the line in), ``10 * divisor * (11 + score_bytes)`` (the line
    out), ``frame_bytes + 1`` and the accelerator's. Latency: that of the accelerator, and of the lines.
    Stalls: the line in can't wait; a frame that begins while both banks are full is dropped and reported as an
    overrun. At most ``TAGS_IN_FLIGHT`` frames are inside the accelerator at once. Storage: two frames.

    Parameters
    ----------
    accelerator : FrameAccelerator
        Becomes a submodule.
    classes : int
        Told to the host.
    divisor : int
        Clock cycles per bit of the line.
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
    rx, tx : In(1), Out(1)
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
        divisor: int,
        timeout: int,
        identity: int,
        store: StoredFrames | None = None,
        load: LoadSetting | None = None,
    ) -> None:
        self.core = PacketCore(accelerator, classes=classes, identity=identity, store=store, timeout=timeout, load=load)
        self.divisor = divisor
        super().__init__(
            {"rx": In(1, init=1), "tx": Out(1, init=1), "error": Out(1), "activity": Out(1), **flash_members(load)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        pass_flash(m, core, self)
        m.submodules.uart_rx = uart_rx = UartRx(self.divisor)
        m.submodules.uart_tx = uart_tx = UartTx(self.divisor)
        wiring.connect(m, uart_rx.output, core.received)
        wiring.connect(m, core.send, uart_tx.input)
        m.d.comb += [
            uart_rx.rx.eq(self.rx),
            self.tx.eq(uart_tx.tx),
            self.error.eq(core.error),
            self.activity.eq(core.activity),
        ]
        return m
