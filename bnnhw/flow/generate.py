"""Verilog to drop into any project, with its folding, its network and a sidecar that describes it."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from bnnhw import devices, links, tools
from bnnhw.boards import Board
from bnnhw.errors import RequestError
from bnnhw.files import digest, file_digest, whole_directory, write_json
from bnnhw.flow.design import FORMAT_VERSION, SIDECAR, Design, open_design
from bnnhw.flow.fold import as_board, technology_of
from bnnhw.flow.show import describe
from bnnhw.folding import FoldedNetwork, predict
from bnnhw.folding import file as folding_file
from bnnhw.ir import archive
from bnnhw.links import Setting
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import port_signals, verilog

__all__ = ["CORE", "generate"]

CORE = "accelerator"
"""The module of the accelerator with its streams: what is simulated, whatever the link."""

NETWORK, FOLDING = "network.bnn", "folding.json"


def generate(
    folded: FoldedNetwork,
    folder: Path | str,
    *,
    board: Board | str | None = None,
    link: str = links.DEFAULT,
    model: Path | str | None = None,
) -> Design:
    """Writes the Verilog of a folded network, whole or not at all.

    Parameters
    ----------
    folded : FoldedNetwork
    folder : Path or str
        New, empty, or an earlier design, which is replaced.
    board : Board or str, optional
        Uses the memories of this board's device; portable Verilog without.
    link : str
        How frames enter and results leave: a name in :data:`bnnhw.links.LINKS`.
    model : Path or str, optional
        The file of the network: copied, and named in the Verilog's header.

    Raises
    ------
    RequestError
        When the folder holds somebody else's files; for an unknown link, or one that needs a board that has it.
    ToolError
        When Yosys is missing, which writes the Verilog.
    """
    folder, board = Path(folder), None if board is None else as_board(board)
    chosen = links.get(link)
    if chosen.needs_board:
        if board is None:
            raise RequestError(f"link {link} needs a board: {chosen.why_board}")
        links.board_link(board, link)
    with whole_directory(folder, SIDECAR) as target:
        if model is None:
            archive.save(folded.network, target / NETWORK)
        else:
            shutil.copyfile(model, target / NETWORK)
        _write(folded, board, chosen, target, Path(model or NETWORK))
    return open_design(folder)


def _write(folded: FoldedNetwork, board: Board | None, link: links.Link, folder: Path, model: Path) -> None:
    versions, sha256 = _versions(), file_digest(folder / NETWORK)
    technology = technology_of(board)
    graph = folded.graph(devices.technology(technology))
    core = Accelerator(graph)
    header = _header(model.name, sha256, folded, versions)
    top, ports, core_path = CORE, _ports(core), f"{CORE}.v"
    if link.module != CORE:
        # Its streams come from its signature, where a type checker can't see them.
        accelerator: Any = Accelerator(graph)
        clock_mhz = None if board is None else board.reachable_mhz(board.clock_mhz)
        setting = Setting(folded.network.output.classes, int(digest(folded)[:8], 16), clock_mhz)
        gateware = link.gateware(accelerator, setting)
        top, ports = link.module, _ports(gateware)
        (folder / f"{top}.v").write_text(header + verilog(gateware, top, technology))
        # Whole in itself, as the link's file is: beside it, not with it, or modules would be there twice.
        core_path = f"core/{CORE}.v"
        (folder / "core").mkdir()
    (folder / core_path).write_text(header + verilog(core, CORE, technology))
    folding_file.save(folded.foldings, folded.network, folder / FOLDING)
    write_json(folder / "network.json", describe(folded.network))
    prediction = predict(graph)
    sidecar: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "model": {"file": NETWORK, "name": model.stem, "sha256": sha256},
        "folding": FOLDING,
        "board": None if board is None else board.name,
        "link": link.name,
        "technology": technology,
        "top": top,
        "verilog": [f"{top}.v"],
        "ports": ports,
        "core": {"top": CORE, "verilog": core_path},
        "frame": {
            "elements": folded.network.input.elements,
            "element_bits": folded.network.input.dtype.bits,
            "word_bits": core.input_width,
            "words": graph.input.words,
            "index_bits": graph.result.index_bits,
            "score_bits": graph.result.score_bits,
        },
        "versions": versions,
        "cycles_per_frame": prediction.cycles_per_frame,
        "latency_cycles": prediction.latency_cycles,
    }
    write_json(folder / SIDECAR, sidecar)


def _versions() -> dict[str, str]:
    return {
        "bnnhw": version("bnnhw"),
        "amaranth": version("amaranth"),
        "yosys": tools.require("yosys").version or "unknown",
    }


def _header(model: str, sha256: str, folded: FoldedNetwork, versions: dict[str, str]) -> str:
    """A comment that says what produced the file; the same input gives the same text."""
    lines = [
        "Generated; changes are lost when it is generated again.",
        f"Network: {model}, SHA-256 {sha256}",
        *(
            f"Layer {layer.name}: {layer.synapses} -> {layer.neurons}, PE {folding.pe}, SIMD {folding.simd}, "
            f"weights in {folding.memory} memory{', serial planes' if folding.planes == 'serial' else ''}"
            for layer, folding in folded.pairs
        ),
        f"By {', '.join(f'{name} {version}' for name, version in versions.items())}",
    ]
    return "".join(f"// {line}\n" for line in lines) + "\n"


def _ports(component: wiring.Component) -> dict[str, dict[str, object]]:
    words = {"i": "in", "o": "out"}
    signals = {name: (words[direction], len(signal)) for name, (signal, direction) in port_signals(component).items()}
    ports = {"clk": ("in", 1), "rst": ("in", 1)} | signals
    return {name: {"direction": direction, "width": width} for name, (direction, width) in ports.items()}
