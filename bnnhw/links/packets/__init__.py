"""What links of packets share: the packets, the gateware between bytes and an accelerator, and the host.

A link that carries bytes to a board and back is its pins around :class:`~bnnhw.links.packets.core.PacketCore`, and a
port under :class:`~bnnhw.links.packets.device.Device`. No link itself.
"""
