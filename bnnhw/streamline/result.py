"""What a pass, and the whole sequence of passes, gives back."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.ir.network import Network

__all__ = ["StreamlineResult"]


@dataclass(frozen=True)
class StreamlineResult:
    """A network after a pass.

    Parameters
    ----------
    network : Network
    warnings : tuple of str
        One line each, naming layer and neuron: where float64 rounding, not the parameters, decides.
    """

    network: Network
    warnings: tuple[str, ...] = ()
