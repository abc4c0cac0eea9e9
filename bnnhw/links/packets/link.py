"""What every link of packets is, whatever carries them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bnnhw.links.link import BoardLink

if TYPE_CHECKING:
    from bnnhw.dataflow import Resources
    from bnnhw.devices import Technology

__all__ = ["PacketLink"]


class PacketLink(BoardLink):
    """A link of :mod:`bnnhw.links.packets.packet`: a frame in a packet, its class and score in another."""

    every_score = False

    def reserve(self, frame_bits: int, technology: Technology) -> Resources:
        from bnnhw.devices import blocks_needed
        from bnnhw.links.packets.packet import buffer_bytes

        # A small buffer too: synthesis takes a block RAM where it could do without.
        return replace(self.resources, bram=blocks_needed(buffer_bytes(-(-frame_bits // 8)), 8, technology))

    def check_frame(self, frame_bits: int) -> None:
        from bnnhw.links.packets.packet import check_frame_size

        check_frame_size(frame_bits)
