"""The folder that ``build`` writes, as a host sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from bnnhw import boards, links
from bnnhw.boards import Board
from bnnhw.build.design import TOP
from bnnhw.build.result import REPORT
from bnnhw.dataflow.engine import LayerFolding
from bnnhw.dataflow.image import image_bytes, unpack_image
from bnnhw.errors import FileError, FoldingError, RequestError
from bnnhw.files import read_json
from bnnhw.flow.design import NETWORK
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Network, archive
from bnnhw.links import BoardLink
from bnnhw.links.pins import board_platform, link_pins
from bnnhw.rtl.emit import to_verilog
from bnnhw.sim.cells import netlist_verilog

__all__ = ["Built", "Level", "open_built"]

Level: TypeAlias = Literal["rtl", "netlist", "bitstream"]
"""What of a build a virtual board runs."""

_SAYS: dict[str, type | tuple[type, ...]] = {
    "board": str,
    "link": str,
    "identity": str,
    "fps": float,
    "link_fps": float,
}


_COUNTING: dict[str, type | tuple[type, ...]] = {
    "store": dict,
    "clock_mhz": (float, int),
    "cycles_per_frame": int,
    "latency_cycles": int,
}
"""What one of a board with frames on its chip says too."""


@dataclass(frozen=True)
class Built:
    """A built folder.

    Parameters
    ----------
    folder : Path
    report : dict
        What ``report.json`` says.
    network : Network
    board : Board
    link : BoardLink
        Both as it was built for.
    """

    folder: Path
    report: dict[str, Any]
    network: Network
    board: Board
    link: BoardLink

    @property
    def identity(self) -> int:
        """By which a board says that it holds this design."""
        return int(self.report["identity"][:8], 16)

    @property
    def store(self) -> dict[str, Any] | None:
        """What the report says of frames on the chip; None where they come over the link."""
        return self.report.get("store")

    @property
    def frame_bytes(self) -> int:
        spec = self.network.input
        return -(-spec.elements * spec.dtype.bits // 8)

    @property
    def image_words(self) -> int:
        """Words of the image that fills its memories; 0 where none does."""
        said = self.report.get("image")
        return 0 if said is None else (int(said["bytes"]) - image_bytes(0)) // 2

    def folded(self) -> FoldedNetwork:
        """The network as it was folded; :class:`~bnnhw.errors.FileError` where the folder does not say how."""
        path = self._file("fold.json")
        try:
            layers = {entry["name"]: entry for entry in read_json(path)["layers"]}
            keys = [field.name for field in fields(LayerFolding)]
            foldings = tuple(
                LayerFolding(**{key: layers[matrix.name][key] for key in keys}) for matrix in self.network.matrices
            )
            return FoldedNetwork(self.network, foldings)
        except (KeyError, TypeError, FoldingError) as error:
            raise FileError(f"{path}: must say how the layers are folded, and does not: {error}") from None

    def image(self) -> bytes:
        """That image; :class:`~bnnhw.errors.FileError` where the file is not it."""
        path = self._file(self.report["image"]["file"])
        data = path.read_bytes()
        try:
            unpack_image(data, self.identity, self.image_words)
        except FileError as error:
            raise FileError(f"{path}: {error}; build it again") from None
        return data

    def flash(self) -> dict[int, bytes] | None:
        """What the flash of its board holds behind the bitstream, by place; None where nothing is read from there."""
        said = self.report.get("image")
        return None if said is None or said["offset"] is None else {int(said["offset"]): self.image()}

    def check_protocol(self) -> None:
        """:class:`~bnnhw.errors.FileError` for a build that speaks another version of its link's protocol."""
        version, spoken = self.report.get("protocol_version"), self.link.protocol_version
        if version == spoken:
            return
        built = "an earlier version, which it does not name," if version is None else f"version {version}"
        raise FileError(
            f"{self.folder / REPORT}: was built for {built} of what a host says over link {self.link.name}, and this "
            f"bnnhw speaks version {spoken}; build it again, and program the board with it"
        )

    def sources(self, level: Level) -> dict[str, str]:
        """Verilog of the board's top, by file name.

        Parameters
        ----------
        level : str
            ``"rtl"``: what was synthesized; ``"netlist"``: what synthesis made of it; ``"bitstream"``: what the
            bitstream configures, for families that unpack one.

        Raises
        ------
        ToolError
            When a program is missing that it takes.
        """
        if level == "netlist":
            return {f"{TOP}.v": netlist_verilog(self._file(f"{TOP}.json"), TOP)}
        if level == "bitstream":
            unpacker, tools = self.board.family.unpacker, self.board.family.build_tools()
            if unpacker is None:
                raise RequestError(f"no bitstream of the family {self.board.family.name} can be unpacked again")
            bitstream, pins = self._file(f"{TOP}.{tools.bitstream}"), self._file(f"{TOP}.{tools.constraints}")
            return {f"{TOP}.v": unpacker.verilog(bitstream, pins, self.board.part, self.board.place_route_options)}
        texts = {name: self._file(name).read_text(encoding="utf-8") for name in self._given()}
        rtlil = "\n".join(text for name, text in texts.items() if name.endswith(".il"))
        verilog = {name: text for name, text in texts.items() if name.endswith(".v")}
        return {**verilog, f"{TOP}_rtl.v": to_verilog(rtlil)}

    def _given(self) -> list[str]:
        """What was synthesized: the files that the script reads."""
        script = self._file(f"{TOP}.ys").read_text(encoding="utf-8")
        return re.findall(r"^read_(?:rtlil|verilog) (?:.* )?(\S+)$", script, re.M)

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise FileError(f"{path}: no such file; build it again")
        return path


def open_built(folder: Path | str, board: Board | str | None = None) -> Built:
    """Reads a folder that ``build`` wrote, or the demo's.

    Parameters
    ----------
    folder : Path or str
    board : Board or str, optional
        One that is not known by its name: a user's own file.

    Raises
    ------
    FileError
        When it is none, or not whole.
    RequestError
        When its board is not known, or is another than the one given.
    """
    folder = Path(folder)
    if not (folder / REPORT).is_file() and (folder / "build" / REPORT).is_file():
        folder = folder / "build"
    path = folder / REPORT
    if not path.is_file():
        raise FileError(f"{folder}: must be a folder that `bnnhw build` wrote, and has no {REPORT}")
    report = read_json(path)
    for key, kinds in _SAYS.items():
        if not isinstance(report.get(key), kinds):
            raise FileError(f"{path}: must say {key!r}, and does not")
    if report.get("store") is not None:
        for key, kinds in _COUNTING.items():
            if not isinstance(report.get(key), kinds):
                raise FileError(f"{path}: must say {key!r}, and does not")
    name = report["board"]
    try:
        chosen = boards.get(name if board is None else board) if not isinstance(board, Board) else board
    except RequestError:
        if board is not None:
            raise
        raise RequestError(f"{folder}: was built for board {name}, which is not known: --board FILE.py") from None
    if chosen.name != name:
        raise RequestError(f"{folder}: was built for board {name}, not for {chosen.name}")
    # A link that was asked for need not be among those that the board has of its own.
    chosen = replace(chosen, links=tuple(dict.fromkeys((*chosen.links, report["link"]))))
    link = _link(report, chosen, path)
    return Built(folder, report, _network(folder), _placed(chosen, link, report.get("pins")), link)


def _network(folder: Path) -> Network:
    # Builds of earlier versions have the network where they generated the design.
    for path in (folder / NETWORK, folder / "design" / NETWORK):
        if path.is_file():
            return archive.load(path)
    raise FileError(f"{folder / NETWORK}: no such file; build it again")


def _placed(board: Board, link: BoardLink, pins: Any) -> Board:
    """The board with its link at the pins that it was built for, which are not its own where others were asked for."""
    if not isinstance(pins, dict):
        return board
    try:
        own = link_pins(board_platform(board, link), link)
    except RequestError:
        own = None
    return board if pins == own else replace(board, pins={**board.pins, link.name: pins})


def _link(report: dict[str, Any], board: Board, path: Path) -> BoardLink:
    """The link with the settings that the report has of it."""
    link = links.board_link(board, report["link"])
    settings = {name: report.get(name) for name in link.settings}
    for name, value in settings.items():
        if not isinstance(value, int):
            raise FileError(f"{path}: must say {name!r}, and does not")
    return link.configured(**settings)
