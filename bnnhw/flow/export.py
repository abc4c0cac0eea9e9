"""A network for other tools."""

from __future__ import annotations

from pathlib import Path

from bnnhw.ir import Network
from bnnhw.qonnx import write_qonnx

__all__ = ["export"]


def export(network: Network, path: Path | str) -> None:
    """Writes streamlined QONNX (MultiThreshold form), whole or not at all; folders on the way are made.

    Raises
    ------
    UnsupportedError
        When the network holds numbers that float32 does not.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_qonnx(network, path)
