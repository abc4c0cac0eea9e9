"""What every link of packets is, whatever carries them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from bnnhw.links.host import Host, Port
from bnnhw.links.link import BoardLink
from bnnhw.links.packets.packet import VERSION

if TYPE_CHECKING:
    from bnnhw.dataflow import Resources
    from bnnhw.dataflow.frame import Frame
    from bnnhw.devices import Technology

__all__ = ["SILENCE_S", "PacketLink", "silence_cycles"]

SILENCE_S = 0.1
"""Longest silence inside a packet: several times the 16 ms after which a USB bridge sends what it holds."""


IN_LUTS = 128
"""Bytes of a buffer up to which synthesis takes LUT RAM for it where there is some."""

LUTS = 13
"""LUT4 of 16 bytes there: two of six, and their share of a choice."""


def silence_cycles(clock_mhz: float) -> int:
    """The same in clock cycles."""
    return math.ceil(SILENCE_S * clock_mhz * 1e6)


class PacketLink(BoardLink):
    """A link of :mod:`bnnhw.links.packets.packet`: a frame in a packet, its class and score in another.

    The host's side is that of a port whose bytes come when they come; a link whose port has to be asked has its own.
    """

    every_score = False
    protocol_version = VERSION
    counts = True
    loads = True

    def reserve(self, frame_bits: int, technology: Technology) -> Resources:
        from bnnhw.dataflow import Resources
        from bnnhw.devices import blocks_needed
        from bnnhw.devices.prices import link_price
        from bnnhw.links.packets.packet import buffer_bytes

        lut4, ff, lone = link_price(technology.prices, self.name)
        size = buffer_bytes(-(-frame_bits // 8))
        if technology.lut_ram and size <= IN_LUTS:
            return Resources(lut4 + size // 16 * LUTS, ff, 0, lone=lone)
        return Resources(lut4, ff, blocks_needed(size, 8, technology), lone=lone)

    def check_frame(self, frame_bits: int) -> None:
        from bnnhw.links.packets.packet import check_frame_size

        check_frame_size(frame_bits)

    def packets_of(self, frame: Frame) -> tuple[int, int]:
        """Bytes of the packet of a frame, and of that of its result."""
        from bnnhw.links.packets.packet import packet_bytes, score_bytes

        return packet_bytes(frame.bits, score_bytes(frame.score_bits, signed=frame.score_signed))

    def host(self, port: Port, clock: Callable[[], float] | None = None) -> Host:
        from bnnhw.links.packets.device import Device

        # No packet is unfinished on a board that was just switched on, and its reset is over after a millisecond.
        return Device(port) if clock is None else Device(port, clock=clock, settle_s=0.001)
