"""The sequence of passes."""

from __future__ import annotations

from collections.abc import Callable

from bnnhw.ir.network import Network
from bnnhw.streamline.fuse import fuse
from bnnhw.streamline.output_affine import output_affine
from bnnhw.streamline.result import StreamlineResult
from bnnhw.streamline.thresholds import thresholds

__all__ = ["PASSES", "streamline"]

PASSES: tuple[Callable[[Network], StreamlineResult], ...] = (fuse, thresholds, output_affine)
"""All passes, in the order in which they run; what each assumes and leaves is in its module's docstring."""


def streamline(network: Network) -> StreamlineResult:
    """Run all passes: the result's network is streamlined.

    Raises
    ------
    NetworkError, CheckError
        As the passes say.
    """
    warnings: list[str] = []
    for run in PASSES:
        result = run(network)
        network = result.network
        warnings += result.warnings
    assert network.streamlined
    return StreamlineResult(network, tuple(warnings))
