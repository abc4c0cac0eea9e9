"""Where the weights of an accelerator come from at run time: a flash, or packets. No link itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnnhw.dataflow import Resources

__all__ = ["flash_loader"]


def flash_loader() -> Resources:
    """About what it takes to fill memories from a flash."""
    from bnnhw.dataflow import Resources

    return Resources(lut4=190, ff=150, bram=0)
