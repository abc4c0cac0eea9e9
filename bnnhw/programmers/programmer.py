"""What a programmer is: a program of others, and how it is told what to load where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from bnnhw.tools import Program

__all__ = ["Memory", "Programmer"]

Memory = Literal["sram", "flash"]
"""Where a bitstream goes: into the device, until power goes, or into the flash that it starts from."""


@dataclass(frozen=True, kw_only=True)
class Programmer(ABC):
    """One way to load a board.

    Parameters
    ----------
    options : tuple of str
        What the program needs to know of the board.
    memories : tuple of Memory
        What it can load, the usual one first.
    note : str
        What a user must do before: jumpers, buttons.

    Attributes
    ----------
    program : Program
        What is run.
    """

    program: ClassVar[Program]

    options: tuple[str, ...] = ()
    memories: tuple[Memory, ...] = ("flash",)
    note: str = ""

    @abstractmethod
    def arguments(self, bitstream: Path, memory: Memory) -> tuple[str, ...]:
        """What the program is started with, to load a file into one of :attr:`memories`."""

    def image_arguments(self, image: Path, offset: int) -> tuple[str, ...] | None:
        """What it is started with to write a file into the flash, from a byte on; None where it can't."""
        del image, offset
        return None
