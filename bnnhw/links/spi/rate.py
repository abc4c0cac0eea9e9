"""What an SPI link may ask of its clocks, and its idle byte: for the hardware and for the host."""

from __future__ import annotations

__all__ = ["CYCLES_PER_BYTE", "GAP_CYCLES", "IDLE", "max_sck_hz"]

IDLE = 0x3C
"""What the board says where it has nothing to say.

A line that is stuck is told from it, and a sync byte is no rotation of it: no idle line looks like a packet, however
many bits its master is off.
"""

CYCLES_PER_BYTE = 4
"""Cycles of the system clock that a byte from the master may take: up to 3 to cross, and one behind a packet."""

GAP_CYCLES = 2
"""Cycles of the system clock that ``cs_n`` must be high between two transactions, or its end may not be seen."""


def max_sck_hz(clock_mhz: float) -> int:
    """The fastest SCK, in Hz: 8 bits in :data:`CYCLES_PER_BYTE` cycles, twice the system clock."""
    return int(8 * clock_mhz * 1e6 / CYCLES_PER_BYTE)
