"""The CRC of packets, some bits per cycle."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SerialCrc", "steps_per_byte"]

POLYNOMIAL = 0xEDB88320
"""0x04C11DB7 with the bits in the order of the line, the term x**32 left out."""


def steps_per_byte(bits: int) -> int:
    """Steps that a CRC of so many bits per step takes for a byte; ValueError where they do not divide one."""
    if bits not in (1, 2, 4, 8):
        raise ValueError(f"bits must be 1, 2, 4 or 8, not {bits!r}")
    return 8 // bits


class SerialCrc(wiring.Component):
    """CRC-32 (of Ethernet and zlib) over bits in the order of the line, least significant of a byte first.

    A step takes ``bits`` bits. While ``drain`` is high, a step puts none in but shifts the CRC out: the
    sender takes each byte from ``crc`` and makes the steps of a byte; the receiver watches ``differs`` in
    each step while the CRC comes in.

    Input word: ``bits`` bits. II: 1 cycle per step. Latency: 1 cycle. Stalls: none. Storage: 32 bits.

    Parameters
    ----------
    bits : int
        Bits per step: 1, 2, 4 or 8. More bits take more logic: 17 LUT4 at 1, 26 at 2, 44 at 4, 59 at 8.

    Attributes
    ----------
    steps : int
        Per byte.

    Members
    -------
    start : In(1)
        Begin anew; there is no step in this cycle.
    step : In(1)
        Strobe.
    drain : In(1)
        Shift out.
    data : In(bits)
        What the step takes, the bit first on the line in bit 0.
    crc : Out(8)
        The next byte of the CRC.
    differs : Out(1)
        ``data`` is not what the CRC has next.
    """

    def __init__(self, bits: int = 1) -> None:
        self.steps = steps_per_byte(bits)
        self.bits = bits
        super().__init__(
            {
                "start": In(1),
                "step": In(1),
                "drain": In(1),
                "data": In(bits),
                "crc": Out(8),
                "differs": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        register = Signal(32, init=0xFFFFFFFF)
        state: Value = register
        for number in range(self.bits):
            back = Signal(name=f"back_{number}")
            shifted = Signal(32, name=f"shifted_{number}")
            m.d.comb += back.eq((state[0] ^ self.data[number]) & ~self.drain)
            m.d.comb += shifted.eq((state >> 1) ^ Mux(back, POLYNOMIAL, 0))
            state = shifted
        m.d.comb += [self.crc.eq(~register[:8]), self.differs.eq(self.data != self.crc[: self.bits])]
        with m.If(self.start):
            m.d.sync += register.eq(register.init)
        with m.Elif(self.step):
            m.d.sync += register.eq(state)
        return m
