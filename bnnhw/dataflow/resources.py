"""What designs and their parts cost, estimated before anything is synthesized.

A unit's model says what it is made of (:mod:`bnnhw.dataflow.inventory`); what a part costs on a family is measured
(:mod:`bnnhw.devices.prices`). ``docs/benchmarks.md`` has the estimate beside what synthesis gave.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["NOTHING", "Resources"]


@dataclass(frozen=True)
class Resources:
    """What a design, or a part of it, needs.

    Parameters
    ----------
    lut4 : int
        LUT4, those that carries and LUT memories sit in included, as synthesis counts them.
    ff : int
        Registers.
    bram : int
        Block RAMs.
    spram : int
        Large single-port memories.
    lone : int
        Logic cells as nextpnr counts them in which no such LUT4 is: with a register or a carry alone, or the end of a
        carry chain.
    """

    lut4: int
    ff: int
    bram: int
    spram: int = 0
    lone: int = 0

    @property
    def cells(self) -> int:
        """Logic cells as nextpnr counts them."""
        return self.lut4 + self.lone

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.lut4 + other.lut4,
            self.ff + other.ff,
            self.bram + other.bram,
            self.spram + other.spram,
            self.lone + other.lone,
        )

    def as_dict(self) -> dict[str, int]:
        """The figures by the words that files and reports have for them."""
        return {"lut4": self.lut4, "ff": self.ff, "cells": self.cells, "bram": self.bram, "spram": self.spram}

    @staticmethod
    def total(parts: Iterable[Resources]) -> Resources:
        return sum(parts, NOTHING)


NOTHING = Resources(0, 0, 0)
"""What nothing costs."""
