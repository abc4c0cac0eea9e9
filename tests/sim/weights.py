"""A board whose weights are in SPRAM and writable block RAM, and two networks of its shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bnnhw import boards
from bnnhw.build import synth
from bnnhw.build.design import TOP, write_design
from bnnhw.dataflow.image import pack_image
from bnnhw.dataflow.loads import image
from bnnhw.devices import technology
from bnnhw.files import write_json
from bnnhw.flow.fold import fold_json
from bnnhw.flow.loads import check_load, load_setting
from bnnhw.flow.pins import pins_of
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import archive
from bnnhw.links import board_link
from tests.build.networks import random_network, source

__all__ = ["BOARD", "FOLDINGS", "IDENTITY", "ONE", "OTHER", "SIZES", "build", "packed"]

BOARD = boards.get("icebreaker")
SIZES = [24, 16, 12, 7]
FOLDINGS = (
    LayerFolding(4, 5, "spram", writable=True),
    LayerFolding(2, 8, "block", writable=True, thresholds="block"),
    LayerFolding(3, 6, "block", writable=True),
)
ONE, OTHER = (FoldedNetwork(random_network(SIZES, seed), FOLDINGS) for seed in (1, 2))
IDENTITY = int(source(ONE).identity[:8], 16)


def packed(folded: FoldedNetwork, identity: int = IDENTITY) -> bytes:
    """The image that makes the board compute a network."""
    return pack_image(image(folded.graph(technology("ice40")).loads), identity)


def build(folder: Path) -> Path:
    """What `build --writable` leaves that a host and the virtual board need."""
    link, given, data = board_link(BOARD), source(ONE), packed(ONE)
    load = load_setting(ONE, len(image(ONE.graph(technology("ice40")).loads)), BOARD)
    assert load is not None and (load.offset, load.starts, load.packets) == (BOARD.image_offset, False, True)
    check_load(load, BOARD, link)
    folder.mkdir()
    design = write_design(replace(given, load=load), BOARD, folder, link=link, clock_mhz=BOARD.clock_mhz)
    (folder / f"{TOP}.ys").write_text(synth.script([path.name for path in design.sources], TOP, BOARD.family))
    archive.save(ONE.network, folder / "network.bnn")
    (folder / "weights.img").write_bytes(data)
    write_json(folder / "fold.json", fold_json(ONE, BOARD))
    report = {"board": BOARD.name, "link": link.name, **link.settings, "identity": given.identity}
    report |= {"pins": pins_of(BOARD), "protocol_version": link.protocol_version, "fps": 1e6, "technology": "ice40"}
    report |= {"link_fps": link.frames_per_s(given.frame, BOARD.clock_mhz), "writable": True}
    report |= {"image": {"file": "weights.img", "bytes": len(data), "offset": load.offset}}
    write_json(folder / "report.json", report)
    return folder
