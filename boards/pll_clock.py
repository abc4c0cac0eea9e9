"""What the clocks of all families share: the board's oscillator as it is, or a PLL for another frequency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from amaranth.hdl import Elaboratable

__all__ = ["PllClock"]


class Pll(Protocol):
    """Settings of a PLL."""

    @property
    def output_mhz(self) -> float: ...


AnyPll = TypeVar("AnyPll", bound=Pll)


class PllClock(Elaboratable, Generic[AnyPll]):
    """Drives the domain ``sync`` of its parent from the board's oscillator, through a PLL for other frequencies.

    Parameters
    ----------
    resource : str
        The oscillator's resource.
    reference_mhz : float
        Its frequency.
    clock_mhz : float
        Frequency of ``sync`` asked for; the attribute ``clock_mhz`` holds the nearest the PLL can make.
    """

    solve: ClassVar[Callable[[float, float], Any]]
    """The family's: settings for a reference and an output in MHz."""

    def __init__(self, resource: str, reference_mhz: float, clock_mhz: float) -> None:
        self.resource = resource
        self.reference_mhz = reference_mhz
        self.pll: AnyPll | None = self._pll(reference_mhz, clock_mhz)
        self.clock_mhz = self.reachable(reference_mhz, clock_mhz)

    @classmethod
    def _pll(cls, reference_mhz: float, clock_mhz: float) -> AnyPll | None:
        return None if clock_mhz == reference_mhz else cls.solve(reference_mhz, clock_mhz)

    @classmethod
    def reachable(cls, reference_mhz: float, clock_mhz: float) -> float:
        """The clock nearest to what is asked for: the reference itself, or what the PLL can make of it."""
        pll = cls._pll(reference_mhz, clock_mhz)
        return reference_mhz if pll is None else pll.output_mhz
