"""The clock of a board design: the oscillator as it is, or the family's PLL for another frequency."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Elaboratable, Module

from bnnhw.devices.family import Family
from bnnhw.errors import RequestError

__all__ = ["BoardClock"]


class BoardClock(Elaboratable):
    """Drives the domain ``sync`` of its parent from the board's oscillator, and resets it until the clock is there.

    Parameters
    ----------
    family : Family
    resource : str
        The oscillator's resource, or the name of one inside the device.
    oscillator_mhz : float
        Its frequency.
    clock_mhz : float
        Frequency of ``sync`` asked for; the attribute ``clock_mhz`` holds the nearest the PLL can make.
    """

    def __init__(self, family: Family, resource: str, oscillator_mhz: float, clock_mhz: float) -> None:
        self.family = family
        self.resource = resource
        self.oscillator_mhz = oscillator_mhz
        self.pll = family.pll(oscillator_mhz, clock_mhz)
        self.clock_mhz = family.reachable_mhz(oscillator_mhz, clock_mhz)

    def elaborate(self, platform: Any) -> Module:
        if self.family.clock is None:
            raise RequestError(f"no board can be built for the family {self.family.name}")
        m = Module()
        internal = self.family.oscillators.get(self.resource)
        if internal is None:
            source, fastest = platform.request(self.resource, dir="-"), self.clock_mhz
        else:
            source = internal.gateware(m, self.oscillator_mhz)
            fastest = self.clock_mhz * (1 + internal.tolerance)
        self.family.clock(m, platform, source, self.pll, fastest)
        return m
