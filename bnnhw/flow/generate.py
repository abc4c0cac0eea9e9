"""Verilog to drop into any project, with its folding, its network and a sidecar that describes it."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from bnnhw import devices, links, tools
from bnnhw.boards import Board
from bnnhw.dataflow.engine import ENGINES
from bnnhw.dataflow.image import pack_image
from bnnhw.dataflow.loads import image
from bnnhw.errors import RequestError
from bnnhw.files import digest, file_digest, whole_directory, write_json, write_text, write_whole
from bnnhw.flow.baud import with_baud
from bnnhw.flow.choose import check_memories
from bnnhw.flow.companions import companions
from bnnhw.flow.design import DESIGN, FORMAT_VERSION, NETWORK, SIDECAR, Design, open_design, probe_json
from bnnhw.flow.fold import as_board, fold_json, technology_of
from bnnhw.flow.loads import IMAGE, check_load, load_setting
from bnnhw.flow.pins import with_link
from bnnhw.flow.show import describe
from bnnhw.folding import FoldedNetwork
from bnnhw.folding import file as folding_file
from bnnhw.ir import InputSpec, Network, archive
from bnnhw.links import BoardLink, Link, Setting
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit, port_signals, to_verilog
from bnnhw.sim.cells import used_models
from bnnhw.sim.core import Core

__all__ = ["CORE", "generate"]

CORE = "accelerator"
"""The module of the accelerator with its streams: what is simulated, whatever the link."""

LINT = """\
// What Verilator warns of with -Wall, and is meant: operands extend to the width of their sum, sums are cut to that
// of their register; some bits lead nowhere; the modules of a design share one file, and names.
// verilator lint_save
// verilator lint_off WIDTH
// verilator lint_off UNUSED
// verilator lint_off DECLFILENAME
// verilator lint_off VARHIDDEN

"""
"""Behind the header."""
LINT_LINK = """\
// A choice by signals of which one is high at a time is a case whose patterns overlap.
// verilator lint_off CASEOVERLAP

"""
"""Behind that, of a module with a link."""
LINT_END = "// verilator lint_restore\n"
"""At the end: another file has warnings of its own."""

FOLDING = "folding.json"


def generate(
    folded: FoldedNetwork,
    folder: Path | str,
    *,
    board: Board | str | None = None,
    link: str = links.DEFAULT,
    pins: str | None = None,
    baud: int | None = None,
    model: Path | str | None = None,
    name: str | None = None,
    data_width: int | None = None,
    result_width: int | None = None,
    scores: bool = False,
) -> Design:
    """Writes the Verilog of a folded network, whole or not at all, and what is useful beside it.

    That is an instantiation template, a self-checking testbench with frames and results, and a FuseSoC core file.

    Parameters
    ----------
    folded : FoldedNetwork
    folder : Path or str
        New, empty, or an earlier design, whose files are replaced; those of others in it stay.
    board : Board or str, optional
        Uses the memories of this board's device; portable Verilog without.
    link : str
        How frames enter and results leave: a name in :data:`bnnhw.links.LINKS`.
    pins : str, optional
        Pins of the board's link, as ``"rx=pmod_0:3,tx=B10"``, for builds of the folder; the board's when not given.
    baud : int, optional
        Of the board's link, for builds of the folder too; the board's when not given.
    model : Path or str, optional
        The file of the network: copied, and named in the Verilog's header.
    name : str, optional
        Begins the name of every module, so that several networks can be parts of one project.
    data_width, result_width : int, optional
        Bits per beat at the input and at the output, of a link that leaves the choice.
    scores : bool
        Whether results have the scores of all classes, not the winner's alone.

    Raises
    ------
    RequestError
        When the folder is of others, or a file in it was changed since it was generated; for an unknown link, or one
        that needs a board that has it; for a name that is no identifier, and a width that the link has not.
    ToolError
        When Yosys is missing, which writes the Verilog.
    """
    folder, board = Path(folder), None if board is None else as_board(board)
    chosen = links.get(link)
    if (pins is not None or baud is not None) and board is None:
        raise RequestError(f"{'baud rate' if pins is None else 'pins'} must come with a board, whose they are")
    if chosen.needs_board and board is None:
        raise RequestError(f"link {link} needs a board: {chosen.why_board}")
    if board is not None:
        board = with_baud(with_link(board, link if chosen.needs_board else None, pins), baud)
        chosen = links.board_link(board) if chosen.needs_board else chosen
    chosen = chosen.configured(data_width=data_width, result_width=result_width)
    if scores and not chosen.every_score:
        raise RequestError(f"link {link} carries the class and its score, not the scores of all classes")
    if board is not None:
        check_memories(folded, board)
    if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise RequestError(f"name must be letters, digits and underscores, no digit first, not {name!r}")
    with whole_directory(folder, DESIGN, SIDECAR) as target:
        if model is None:
            archive.save(folded.network, target / NETWORK)
        else:
            shutil.copyfile(model, target / NETWORK)
        _write(
            folded,
            board,
            chosen,
            target,
            Path(model or NETWORK),
            "" if name is None else f"{name}_",
            scores,
            pins,
            baud,
        )
    return open_design(folder)


def _write(
    folded: FoldedNetwork,
    board: Board | None,
    link: Link,
    folder: Path,
    model: Path,
    prefix: str,
    scores: bool,
    pins: str | None,
    baud: int | None,
) -> None:
    versions, sha256 = _versions(), file_digest(folder / NETWORK)
    technology, identity = technology_of(board), digest(folded)
    graph = folded.graph(devices.technology(technology), scores=scores)
    core = Core.of(graph, f"{prefix}{CORE}")
    header = _header(model.name, sha256, folded, versions)

    def emitted(component: wiring.Component, module: str, path: str) -> dict[str, Any]:
        text = emit(component, module, technology, prefix=prefix)
        lint = LINT if module == core.module else LINT + LINT_LINK
        write_text(folder / path, header + lint + to_verilog(text.rtlil) + LINT_END)
        return {"top": module, "ports": _ports(component), "repeated": list(text.repeated), "verilog": path}

    # Whole in itself, as the link's file is: beside it, not with it, or modules would be there twice.
    (folder / "core").mkdir() if not link.bare else None
    core_path = f"{core.module}.v" if link.bare else f"core/{core.module}.v"
    top = core_entry = emitted(Accelerator(graph), core.module, core_path)
    clock_mhz = None if board is None or not link.needs_board else board.reachable_mhz(board.clock_mhz)
    load = load_setting(folded, len(core.load) // 2, board)
    check_load(load, board, link)
    load = None if load is None else replace(load, clock_mhz=clock_mhz)
    setting = Setting(folded.network.output.labels, int(identity[:8], 16), clock_mhz, load=load)
    if graph.loads:
        write_whole(folder / IMAGE, pack_image(image(graph.loads), setting.identity))
    if not link.bare:
        # Its streams come from its signature, where a type checker can't see them.
        accelerator: Any = Accelerator(graph)
        top = emitted(link.gateware(accelerator, setting), f"{prefix}{link.module}", f"{prefix}{link.module}.v")
    interface = link.interface(graph, setting)
    folding_file.save(folded.foldings, folded.network, folder / FOLDING)
    write_json(folder / "network.json", describe(folded.network))
    if board is not None:
        write_json(folder / "fold.json", fold_json(folded, board, clock_mhz))
    cells = used_models(technology, (folder / top["verilog"]).read_text(encoding="utf-8"))
    empty = any(folding.memory == "spram" for folding in folded.foldings)
    beside = companions(folded.network, interface, top["top"], top["verilog"], top["ports"], cells, empty=empty)
    for name, text in beside.items():
        write_text(folder / name, text)
    sidecar: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "model": {"file": NETWORK, "name": model.stem, "sha256": sha256},
        "folding": FOLDING,
        "board": None if board is None else board.name,
        "link": link.name,
        "pins": pins,
        "baud": baud,
        "protocol_version": link.protocol_version if isinstance(link, BoardLink) else None,
        "settings": link.settings if isinstance(link, BoardLink) else {},
        "technology": technology,
        "clock_mhz": clock_mhz,
        **top,
        "verilog": [top["verilog"]],
        "core": core_entry,
        "interface": _interface(interface.describe(clock_mhz), folded.network),
        "frame": asdict(core.frame),
        "probes": [probe_json(probe) for probe in core.probes],
        "image": {"file": IMAGE, "words": len(core.load) // 2} if graph.loads else None,
        "files": sorted([SIDECAR, *(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())]),
        "sha256": {name: file_digest(folder / name) for name in (FOLDING, core_path, top["verilog"])},
        "identity": identity,
        "versions": versions,
        "cycles_per_frame": core.cycles_per_frame,
        "latency_cycles": core.latency_cycles,
        **_speed(core, board, link, clock_mhz),
    }
    write_json(folder / SIDECAR, sidecar)


def _speed(core: Core, board: Board | None, link: Link, clock_mhz: float | None) -> dict[str, float | None]:
    """Frames per second of the core and of the link, at the board's clock; None where there is no board.

    Bare streams get the board's link when they are built.
    """
    if board is None:
        return {"fps": None, "link_fps": None}
    clock_mhz = board.reachable_mhz(board.clock_mhz) if clock_mhz is None else clock_mhz
    around = link if isinstance(link, BoardLink) else links.board_link(board)
    return {"fps": clock_mhz * 1e6 / core.cycles_per_frame, "link_fps": around.frames_per_s(core.frame, clock_mhz)}


def _interface(description: dict[str, Any], network: Network) -> dict[str, Any]:
    """What a link says of its pins, what the elements of a frame are, and how the class follows from the scores."""
    spec = network.input
    code = {"bipolar": "1 stands for +1, 0 for -1", "uint": "the value", "int": "the value in two's complement"}
    element = {
        "count": spec.elements,
        "bits": spec.dtype.bits,
        "type": str(spec.dtype),
        "code": code[spec.dtype.kind],
        "shape": list(spec.shape),
        # The slowest first: element 0 is channel 0 at row 0, column 0, element 1 the next channel there.
        "order": ["feature"] if len(spec.shape) == 1 else ["height", "width", "channel"],
        "layout": spec.layout if len(spec.shape) > 1 else None,
        "thresholds": _thresholds(spec),
        "thresholds_per": spec.per,
        "falling": list(spec.falling),
    }
    description["input"]["element"] = element
    one = network.output.classes == 1
    description["output"]["class"] = (
        "1 where the score is not negative, else 0" if one else "that of the highest score, the lowest on a tie"
    )
    return description


def _thresholds(spec: InputSpec) -> list[float | str] | list[list[float | str]] | None:
    """A row of all elements, or rows."""
    rows = [_finite(row) for row in spec.rows]
    return (rows[0] if len(rows) == 1 else rows) or None


def _finite(values: Iterable[float]) -> list[float | str]:
    """Numbers as JSON has them, which has no infinity."""
    return [float(value) if math.isfinite(value) else str(value) for value in values]


def _versions() -> dict[str, str]:
    return {
        "bnnhw": version("bnnhw"),
        "amaranth": version("amaranth"),
        "yosys": tools.require("yosys").version or "unknown",
    }


def _header(model: str, sha256: str, folded: FoldedNetwork, versions: dict[str, str]) -> str:
    """A comment that says what produced the file; the same input gives the same text."""
    lines = [
        "Generated; once changed, it is not generated again: give another folder, or move it away.",
        f"Network: {model}, SHA-256 {sha256}",
        *(
            f"Layer {layer.name}: {layer.synapses} -> {layer.neurons}, "
            f"{ENGINES.named(folding.engine).describe(folding)}"
            for layer, folding in folded.pairs
        ),
        f"By {', '.join(f'{name} {version}' for name, version in versions.items())}",
    ]
    return "".join(f"// {line}\n" for line in lines) + "\n"


def _ports(component: wiring.Component) -> dict[str, dict[str, object]]:
    words = {"i": "in", "o": "out"}
    signals = {name: (words[direction], len(signal)) for name, (signal, direction) in port_signals(component).items()}
    # A component without a clock of its own is given both.
    ports = signals if "aclk" in signals else {"clk": ("in", 1), "rst": ("in", 1)} | signals
    return {name: {"direction": direction, "width": width} for name, (direction, width) in ports.items()}
