"""What is to be proved of a unit: a contract in a small configuration, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amaranth.lib import wiring

from bnnhw.rtl.contract import Contract

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """A contract to prove.

    Widths and depths are small because a proof covers all data and all interleavings at once; what changes with the
    configuration is which branches the generator takes.

    Parameters
    ----------
    contract : type of Contract
    unit : callable
        What it is a contract of.
    cycles : int or None
        None: for ever. Otherwise the bound, where a proof for ever takes more than minutes.
    quick : bool
        Part of every test run.
    faults : int
        So many faults are planted in the unit, one at a time, to see that the contract notices; and at its ports.
    seed : int
        Of their choice.
    environment : tuple of str
        Modules inside the unit that stand for what surrounds it: no faults there.
    """

    contract: type[Any]
    unit: Callable[[], wiring.Component]
    cycles: int | None = None
    quick: bool = False
    faults: int = 0
    seed: int = 1
    environment: tuple[str, ...] = ()

    def make(self) -> Contract:
        """The contract, around a unit of its own."""
        return self.contract(self.unit())
