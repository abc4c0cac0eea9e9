"""Where the weights of an accelerator come from at run time: a flash, or packets. No link itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnnhw.dataflow import Resources

__all__ = ["LoadSetting", "flash_loader"]


@dataclass(frozen=True)
class LoadSetting:
    """What fills the memories of an accelerator that are filled at run time.

    Parameters
    ----------
    words : int
        Of its image (:mod:`bnnhw.dataflow.image`).
    offset : int, optional
        Of the image in the flash that it is read from at start; without one nothing is read.
    starts : bool
        Whether the bitstream fills the memories too, so that frames are taken before there is an image.
    packets : bool
        Whether packets bring images.
    clock_mhz : float, optional
        Of a board: what reads a flash must know it.
    """

    words: int
    offset: int | None = None
    starts: bool = True
    packets: bool = False
    clock_mhz: float | None = None


def flash_loader() -> Resources:
    """What it takes to fill memories from a flash, as synthesized."""
    from bnnhw.dataflow import Resources

    return Resources(lut4=259, ff=172, bram=0)
