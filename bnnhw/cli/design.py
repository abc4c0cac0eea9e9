"""The folder that ``generate`` writes and that ``simulate`` and ``build`` read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.errors import CheckError, FileError, FoldingError, RequestError
from bnnhw.files import file_digest, read_json

if TYPE_CHECKING:
    from bnnhw.boards import Board
    from bnnhw.folding import FoldedNetwork
    from bnnhw.ir import Network

__all__ = ["FORMAT_VERSION", "SIDECAR", "Design", "folded_for", "open_design", "refuse_folding_twice"]

SIDECAR = "design.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Design:
    """A network to work on, with what was generated of it.

    Parameters
    ----------
    network : Network
    path : Path
        Its .bnn file.
    folded : FoldedNetwork or None
        None for a bare .bnn.
    directory : Path or None
        Where the Verilog is; None for a bare .bnn.
    sidecar : dict
        The design's JSON; empty for a bare .bnn.
    """

    network: Network
    path: Path
    folded: FoldedNetwork | None
    directory: Path | None
    sidecar: dict[str, Any]

    def core(self) -> tuple[str, str]:
        """Name and text of the accelerator's Verilog; :class:`~bnnhw.errors.FileError` when it is missing."""
        assert self.directory is not None
        try:
            top, path = self.sidecar["core"]["top"], self.directory / self.sidecar["core"]["verilog"]
        except (KeyError, TypeError):
            raise FileError(f"{self.directory / SIDECAR}: must name the accelerator's Verilog, and does not") from None
        if not path.is_file():
            raise FileError(f"{path}: no such file, though {self.directory / SIDECAR} names it")
        return top, path.read_text()


def open_design(path: Path) -> Design:
    """A generated folder, or a bare .bnn file.

    Raises
    ------
    FileError
        When it is neither, is damaged, from a newer version, or the network in it was changed since.
    """
    from bnnhw.folding import file as folding_file
    from bnnhw.ir import archive

    if not path.is_dir():
        return Design(archive.load(path), path, None, None, {})
    sidecar_path = path / SIDECAR
    if not sidecar_path.is_file():
        raise FileError(f"{path}: must be a folder that `bnnhw generate` wrote, and has no {SIDECAR}")
    sidecar = read_json(sidecar_path)
    version = sidecar.get("format_version")
    if version != FORMAT_VERSION:
        raise FileError(f"{sidecar_path}: format version must be {FORMAT_VERSION}, not {version!r}")
    try:
        network_path = path / sidecar["model"]["file"]
        expected, folding = sidecar["model"]["sha256"], path / sidecar["folding"]
    except (KeyError, TypeError):
        raise FileError(f"{sidecar_path}: must name its model and its folding, and does not") from None
    network = archive.load(network_path)
    if file_digest(network_path) != expected:
        raise FileError(f"{network_path}: is not the network that {path} was generated from; generate it again")
    return Design(network, network_path, folding_file.load(folding, network), path, sidecar)


def folded_for(network: Network, folding: Path | None, board: Board | None) -> FoldedNetwork:
    """The folding of a file; without one the fastest that builds in minutes for the board, or the first it fits."""
    from bnnhw.boards import BOARDS
    from bnnhw.folding import file as folding_file

    if folding is not None:
        return folding_file.load(folding, network)
    from bnnhw.folding import solve
    from bnnhw.links import board_link

    candidates = list(BOARDS.values()) if board is None else [board]
    for candidate in candidates[:-1]:
        try:
            return solve.modest(network, candidate, reserve=board_link(candidate).resources)
        except (CheckError, FoldingError):
            continue
    return solve.modest(network, candidates[-1], reserve=board_link(candidates[-1]).resources)


def refuse_folding_twice(design: Design, folding: Path | None) -> None:
    """A generated folder has its folding; another one beside it would be ignored."""
    if design.directory is not None and folding is not None:
        raise RequestError(f"--folding must not be given with {design.directory}, which was generated with its own")
