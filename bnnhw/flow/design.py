"""The folder that ``generate`` writes and that ``simulate`` and ``build`` read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnnhw.errors import FileError
from bnnhw.files import file_digest, read_json
from bnnhw.folding import FoldedNetwork
from bnnhw.folding import file as folding_file
from bnnhw.ir import Network, archive

__all__ = ["FORMAT_VERSION", "SIDECAR", "Design", "open_design"]

SIDECAR = "design.json"
"""The file in the folder that describes it."""

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Design:
    """A generated folder.

    Parameters
    ----------
    folder : Path
    network : Network
    folded : FoldedNetwork
    sidecar : dict
        What ``design.json`` says.
    """

    folder: Path
    network: Network
    folded: FoldedNetwork
    sidecar: dict[str, Any]

    @property
    def technology(self) -> str:
        """What its Verilog is made for."""
        return self.sidecar["technology"]

    def core(self) -> tuple[str, str]:
        """Name and text of the accelerator's Verilog; :class:`~bnnhw.errors.FileError` when it is missing."""
        try:
            top, path = self.sidecar["core"]["top"], self.folder / self.sidecar["core"]["verilog"]
        except (KeyError, TypeError):
            raise FileError(f"{self.folder / SIDECAR}: must name the accelerator's Verilog, and does not") from None
        if not path.is_file():
            raise FileError(f"{path}: no such file, though {self.folder / SIDECAR} names it")
        return top, path.read_text()


def open_design(folder: Path | str) -> Design:
    """Reads a folder that ``generate`` wrote.

    Raises
    ------
    FileError
        When it is none, is damaged, from a newer version, or the network in it was changed since.
    """
    folder = Path(folder)
    sidecar_path = folder / SIDECAR
    if not sidecar_path.is_file():
        raise FileError(f"{folder}: must be a folder that `bnnhw generate` wrote, and has no {SIDECAR}")
    sidecar = read_json(sidecar_path)
    version = sidecar.get("format_version")
    if version != FORMAT_VERSION:
        raise FileError(f"{sidecar_path}: format version must be {FORMAT_VERSION}, not {version!r}")
    try:
        network_path = folder / sidecar["model"]["file"]
        expected, folding = sidecar["model"]["sha256"], folder / sidecar["folding"]
    except (KeyError, TypeError):
        raise FileError(f"{sidecar_path}: must name its model and its folding, and does not") from None
    network = archive.load(network_path)
    if file_digest(network_path) != expected:
        raise FileError(f"{network_path}: is not the network that {folder} was generated from; generate it again")
    return Design(folder, network, folding_file.load(folding, network), sidecar)
