"""``bnnhw generate``: Verilog to drop into any project."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.options import folding_option
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError
from bnnhw.links import DEFAULT, LINKS, board_link

if TYPE_CHECKING:
    from amaranth.lib import wiring

    from bnnhw.boards import Board
    from bnnhw.folding import FoldedNetwork
    from bnnhw.links import Link

__all__ = ["generate", "generate_design"]

CORE = "accelerator"
"""The module of the accelerator with its streams: what is simulated, whatever the link."""


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    from bnnhw import tools

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
    from bnnhw.hardware.emit import port_signals

    words = {"i": "in", "o": "out"}
    signals = {name: (words[direction], len(signal)) for name, (signal, direction) in port_signals(component).items()}
    ports = {"clk": ("in", 1), "rst": ("in", 1)} | signals
    return {name: {"direction": direction, "width": width} for name, (direction, width) in ports.items()}


def generate_design(
    session: Session, network: Path, folded: FoldedNetwork, board: Board | None, link: Link, output: Path
) -> dict[str, Any]:
    """Writes the folder whole or not at all; its sidecar, which has the keys of the verb's JSON."""
    from bnnhw.cli.design import FORMAT_VERSION, SIDECAR
    from bnnhw.cli.show import describe
    from bnnhw.files import digest, file_digest, whole_directory, write_json
    from bnnhw.folding import file as folding_file
    from bnnhw.folding.cycles import predict
    from bnnhw.hardware.accelerator import Accelerator
    from bnnhw.hardware.emit import verilog
    from bnnhw.links import Setting

    technology = "generic" if board is None else board.family.name
    with session.stage("generate"), whole_directory(output, SIDECAR) as folder:
        versions, sha256 = _versions(), file_digest(network)
        core = Accelerator(folded, technology)
        header = _header(network.name, sha256, folded, versions)
        top, ports, core_path = CORE, _ports(core), f"{CORE}.v"
        if link.module != CORE:
            # Its streams come from its signature, where a type checker can't see them.
            accelerator: Any = Accelerator(folded, technology)
            clock_mhz = None if board is None else board.reachable_mhz(board.clock_mhz)
            setting = Setting(folded.network.output.classes, int(digest(folded)[:8], 16), clock_mhz)
            gateware = link.gateware(accelerator, setting)
            top, ports = link.module, _ports(gateware)
            (folder / f"{top}.v").write_text(header + verilog(gateware, top, technology))
            # Whole in itself, as the link's file is: beside it, not with it, or modules would be there twice.
            core_path = f"core/{CORE}.v"
            (folder / "core").mkdir()
        (folder / core_path).write_text(header + verilog(core, CORE, technology))
        shutil.copyfile(network, folder / "network.bnn")
        folding_file.save(folded.foldings, folded.network, folder / "folding.json")
        write_json(folder / "network.json", describe(folded.network))
        prediction = predict(folded, technology)
        sidecar: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "model": {"file": "network.bnn", "name": network.stem, "sha256": sha256},
            "folding": "folding.json",
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
                "words": core.input_words,
                "index_bits": core.index_width,
                "score_bits": core.score_width,
            },
            "versions": versions,
            "cycles_per_frame": prediction.cycles_per_frame,
            "latency_cycles": prediction.latency_cycles,
        }
        write_json(folder / SIDECAR, sidecar)
    return sidecar


@verb(
    example="bnnhw generate digits.bnn -o design\n"
    "bnnhw generate digits.bnn --board icebreaker --folding folding.json -o design"
)
@click.argument("network", metavar="N.bnn", type=click.Path(path_type=Path))
@click.option("--board", metavar="B", help="Uses the memories of this board's device.  [default: portable Verilog]")
@folding_option
@click.option(
    "--link",
    type=click.Choice(list(LINKS)),
    default=DEFAULT,
    show_default=True,
    help="How frames enter and results leave: bare streams, AXI4-Stream, or a serial port at the board's clock.",
)
@click.option(
    "-o", "output", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder to write."
)
def generate(session: Session, network: Path, board: str | None, folding: Path | None, link: str, output: Path) -> None:
    """Writes Verilog for any project.

    With it come the folding, the network itself, and a JSON sidecar that describes ports and frames.
    Streams have payload, valid and ready; a frame is `frame.words` words, element e in lane e mod SIMD.
    """
    from bnnhw.boards import get
    from bnnhw.cli.design import SIDECAR, folded_for
    from bnnhw.files import check_directory
    from bnnhw.ir import archive

    if output.suffix == ".v":
        raise RequestError(f"-o must be a folder, not {str(output)!r}: the Verilog comes with its folding and network")
    check_directory(output, SIDECAR)
    chosen = None if board is None else get(board)
    chosen_link = LINKS[link]
    if chosen_link.needs_board:
        if chosen is None:
            raise RequestError(f"--link {link} must come with --board: {chosen_link.why_board}")
        board_link(chosen, link)
    folded = folded_for(archive.load(network), folding, chosen)
    sidecar = generate_design(session, network, folded, chosen, chosen_link, output)
    data = {
        "verilog": [str(output / name) for name in sidecar["verilog"]],
        "top": sidecar["top"],
        "cycles_per_frame": sidecar["cycles_per_frame"],
        "latency_cycles": sidecar["latency_cycles"],
        "directory": str(output),
    }
    session.result(
        data,
        lambda console: console.print(
            f"{output}: {data['cycles_per_frame']} cycles a frame, latency {data['latency_cycles']} cycles",
            markup=False,
        ),
    )
