"""The design and the frames that the page is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bnnhw.datasets import KNOWN, available
from bnnhw.errors import BnnhwError
from bnnhw.flow.choose import fold
from bnnhw.flow.design import SIDECAR, Design, open_design
from bnnhw.flow.frames import Frames, Wanted, find_frames
from bnnhw.flow.network import open_network
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Network

__all__ = ["find_design", "frames_to_choose"]


def find_design(path: Path) -> Design | FoldedNetwork:
    """The design of a folder that ``generate``, ``build`` or ``demo`` wrote, or of a .bnn file, folded.

    Raises
    ------
    FileError
        When there is none.
    """
    if not path.is_dir():
        return fold(open_network(path))
    for folder in (path, path / "design", path / "build" / "design"):
        if (folder / SIDECAR).is_file():
            return open_design(folder)
    return open_design(path)


def frames_to_choose(network: Network, wanted: Wanted) -> tuple[Frames | None, str | None]:
    """The frames to choose from, and why there are none.

    Those of the data set that is wanted, or else of the one that the network was trained on, where that is here.

    Raises
    ------
    BnnhwError
        When the data set that is wanted can't be read, or does not suit.
    """
    if wanted.dataset is not None or wanted.random is not None:
        return find_frames(network, wanted), None
    name = network.provenance.get("dataset", "")
    if not name:
        return None, "no data set: --dataset names one to choose frames from"
    if name in KNOWN and not available(name, wanted.data).available:
        return None, f"data set {name}, which the network was trained on, is not here: --data says where it is"
    try:
        return find_frames(network, replace(wanted, dataset=name)), None
    except BnnhwError as error:
        return None, f"no frames of data set {name} to choose from: {error}"
