"""What `build --link LINK` leaves that a host and the virtual board need, without synthesis, place and route."""

from __future__ import annotations

from pathlib import Path

from bnnhw import boards
from bnnhw.build import synth
from bnnhw.build.design import TOP, write_design
from bnnhw.files import write_json
from bnnhw.flow.pins import pins_of, with_link
from bnnhw.ir import archive
from bnnhw.links import board_link
from tests.build.networks import source
from tests.sim.virtual import FOLDED, NETWORK

__all__ = ["build"]


def build(folder: Path, name: str, link_name: str, pins: str | None = None) -> Path:
    """A folder for a board, behind a link at pins of one's choice."""
    board = with_link(boards.get(name), link_name, pins)
    link = board_link(board)
    given = source(FOLDED)
    folder.mkdir()
    design = write_design(given, board, folder, link=link, clock_mhz=board.clock_mhz)
    (folder / f"{TOP}.ys").write_text(synth.script([path.name for path in design.sources], TOP, board.family))
    archive.save(NETWORK, folder / "network.bnn")
    report = {"board": name, "link": link_name, **link.settings, "identity": given.identity, "pins": pins_of(board)}
    report |= {"protocol_version": link.protocol_version, "fps": 1e6}
    write_json(folder / "report.json", report | {"link_fps": link.frames_per_s(given.frame, board.clock_mhz)})
    return folder
