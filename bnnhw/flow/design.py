"""The folder that ``generate`` writes and that ``simulate`` and ``build`` read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bnnhw.dataflow import Coding, Probe, StreamFormat
from bnnhw.dataflow.frame import Frame
from bnnhw.dataflow.image import unpack_image
from bnnhw.errors import FileError, NetworkError
from bnnhw.files import file_digest, read_json
from bnnhw.folding import FoldedNetwork
from bnnhw.folding import file as folding_file
from bnnhw.ir import DataType, Network, archive
from bnnhw.sim.core import Core

__all__ = ["DESIGN", "FORMAT_VERSION", "NETWORK", "SIDECAR", "Design", "Module", "open_design", "probe_json"]

DESIGN = "design"
"""What its folder is, in the list of its files."""

NETWORK = "network.bnn"
"""The network in its folder."""

SIDECAR = "design.json"
"""The file in the folder that describes it."""

FORMAT_VERSION = 2
"""Version 1 had no digests, no probes and no repeated modules."""

_KEYS: dict[str, type | tuple[type, ...]] = {
    "board": (str, type(None)),
    "technology": str,
    "link": str,
    "clock_mhz": (float, int, type(None)),
    "top": str,
    "verilog": list,
    "ports": dict,
    "repeated": list,
    "frame": dict,
    "probes": list,
    "sha256": dict,
    "identity": str,
    "cycles_per_frame": int,
    "latency_cycles": int,
}
"""What a sidecar must say, on top of the names of its files."""


@dataclass(frozen=True)
class Module:
    """A Verilog file of a design, whole in itself.

    Parameters
    ----------
    top : str
        Its top module.
    path : Path
    repeated : tuple of str
        Modules that synthesis does well to keep apart until it has mapped them.
    edited : bool
        Whether the file is another than the one that was generated.
    """

    top: str
    path: Path
    repeated: tuple[str, ...]
    edited: bool

    @property
    def text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise FileError(f"{self.path}: can't be read: {reason}") from None


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
    core : Module
        The accelerator with its streams: what is simulated, whatever the link.
    seen : Core
        What a bench sees of it.
    image : bytes
        What fills its memories at run time (:mod:`bnnhw.dataflow.image`); none where it has no such memories.
    whole : Module
        The accelerator with its link; the same where there is none.
    """

    folder: Path
    network: Network
    folded: FoldedNetwork
    sidecar: dict[str, Any]
    core: Module
    seen: Core
    whole: Module
    image: bytes = b""

    @property
    def board(self) -> str | None:
        """Name of the board it was generated for."""
        return self.sidecar["board"]

    @property
    def technology(self) -> str:
        """What its datapaths and memories are made for."""
        return self.sidecar["technology"]

    @property
    def link(self) -> str:
        return self.sidecar["link"]

    @property
    def protocol_version(self) -> int | None:
        """Of a board's link; of earlier versions, which do not say, None."""
        return self.sidecar.get("protocol_version")

    @property
    def pins(self) -> str | None:
        """The pins it was generated for, where these are not the board's own."""
        return self.sidecar.get("pins")

    @property
    def baud(self) -> int | None:
        """The baud rate it was generated for, where this is not the board's own."""
        return self.sidecar.get("baud")

    @property
    def settings(self) -> dict[str, int]:
        """What its link was set to."""
        return self.sidecar.get("settings", {})

    @property
    def clock_mhz(self) -> float | None:
        """The clock that its link was made for; None where it depends on none."""
        return self.sidecar["clock_mhz"]

    @property
    def cycles_per_frame(self) -> int:
        """Cycles per frame of the accelerator, as predicted."""
        return self.sidecar["cycles_per_frame"]

    @property
    def latency_cycles(self) -> int:
        """Latency of the accelerator in cycles, as predicted."""
        return self.sidecar["latency_cycles"]


def open_design(folder: Path | str) -> Design:
    """Reads a folder that ``generate`` wrote; its Verilog may have been edited since.

    Raises
    ------
    FileError
        When it is none, is damaged, from another version, or the network or the folding in it was changed since.
    """
    folder = Path(folder)
    path = folder / SIDECAR
    if not path.is_file():
        raise FileError(f"{folder}: must be a folder that `bnnhw generate` wrote, and has no {SIDECAR}")
    sidecar = read_json(path)
    version = sidecar.get("format_version")
    if version != FORMAT_VERSION:
        again = "; generate it again" if version in range(FORMAT_VERSION) else ""
        raise FileError(f"{path}: format version must be {FORMAT_VERSION}, not {version!r}{again}")
    try:
        network_path = folder / sidecar["model"]["file"]
        expected, folding = sidecar["model"]["sha256"], folder / sidecar["folding"]
    except (KeyError, TypeError):
        raise FileError(f"{path}: must name its model and its folding, and does not") from None
    try:
        core = sidecar["core"]["top"], sidecar["core"]["verilog"], tuple(sidecar["core"]["repeated"])
    except (KeyError, TypeError):
        raise FileError(f"{path}: must name the accelerator's Verilog, and does not") from None
    for key, kinds in _KEYS.items():
        if not isinstance(sidecar.get(key), kinds):
            raise FileError(f"{path}: must say {key!r}, and does not")
    cycles = sidecar["cycles_per_frame"], sidecar["latency_cycles"]
    try:
        frame, probes = Frame(**sidecar["frame"]), tuple(_probe(entry) for entry in sidecar["probes"])
    except (KeyError, TypeError, ValueError, NetworkError) as error:
        raise FileError(f"{path}: must describe the accelerator's streams, and does not: {error}") from None
    image, words = _image(folder, sidecar)
    seen = Core(core[0], sidecar["technology"], frame, probes, *cycles, words)
    network = archive.load(network_path)
    if file_digest(network_path) != expected:
        raise FileError(f"{network_path}: is not the network that {folder} was generated from; generate it again")
    folded = folding_file.load(folding, network)
    if file_digest(folding) != sidecar["sha256"].get(sidecar["folding"]):
        raise FileError(f"{folding}: is not the folding that {folder} was generated with; generate it again")
    whole = sidecar["top"], sidecar["verilog"][0], tuple(sidecar["repeated"])
    modules = _module(folder, sidecar, *core), _module(folder, sidecar, *whole)
    return Design(folder, network, folded, sidecar, modules[0], seen, modules[1], image)


def _image(folder: Path, sidecar: dict[str, Any]) -> tuple[bytes, bytes]:
    """The image that fills a design's memories, and its words; nothing where there are no such memories."""
    said = sidecar.get("image")
    if said is None:
        return b"", b""
    try:
        path, words, identity = folder / said["file"], int(said["words"]), int(sidecar["identity"][:8], 16)
    except (KeyError, TypeError, ValueError):
        raise FileError(f"{folder / SIDECAR}: must name the image of its memories, and does not") from None
    try:
        data = path.read_bytes()
        return data, unpack_image(data, identity, words).astype("<u2").tobytes()
    except (OSError, FileError) as error:
        reason = (error.strerror or error) if isinstance(error, OSError) else error
        raise FileError(f"{path}: {reason}; generate it again") from None


def probe_json(probe: Probe) -> dict[str, Any]:
    """A probe as a sidecar has it."""
    form = probe.format
    return {
        "layer": probe.layer,
        "unit": probe.node,
        "port": probe.port,
        "shape": list(probe.shape),
        "type": str(probe.dtype),
        "lanes": form.lanes,
        "group": form.group,
        **({} if probe.coding is None else {"coding": asdict(probe.coding)}),
        **({"missing": list(probe.missing)} if probe.missing else {}),
    }


def _probe(entry: dict[str, Any]) -> Probe:
    channels, height, width = map(int, entry["shape"])
    dtype = DataType.parse(entry["type"])
    form = StreamFormat(int(entry["lanes"]), dtype.bits, int(entry["group"]), channels * height * width)
    shape = (channels, height, width)
    coding = Coding(**entry["coding"]) if "coding" in entry else None
    missing = tuple(map(int, entry.get("missing", ())))
    return Probe(str(entry["layer"]), str(entry["unit"]), str(entry["port"]), shape, dtype, form, coding, missing)


def _module(folder: Path, sidecar: dict[str, Any], top: str, verilog: str, repeated: tuple[str, ...]) -> Module:
    path = folder / verilog
    if not path.is_file():
        raise FileError(f"{path}: no such file, though {folder / SIDECAR} names it")
    return Module(top, path, repeated, file_digest(path) != sidecar["sha256"].get(verilog))
