"""A network for other tools."""

from __future__ import annotations

from pathlib import Path

from bnnhw.files import new_folders
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
    with new_folders(path.parent):
        write_qonnx(network, path)
