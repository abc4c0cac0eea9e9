"""``bnnhw generate``: Verilog to drop into any project."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.options import folding_option
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from amaranth.lib import wiring

    from bnnhw.boards import Board
    from bnnhw.folding import FoldedNetwork

__all__ = ["generate", "generate_design"]

CORE = "accelerator"
"""The module of the accelerator with its streams: what is simulated, whatever the link."""
AXI_MODULE = "accelerator_axis"
"""The module of the accelerator between two AXI4-Streams."""
UART_PORTS = {"clk": "in", "rst": "in", "rx": "in", "tx": "out", "error": "out", "activity": "out"}


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


def _uart_verilog(folded: FoldedNetwork, board: Board) -> str:
    """The accelerator behind a serial port, with the rate, the time-out and the identity that ``build`` gives it."""
    import math

    from bnnhw.boards.top import LINK_MODULE
    from bnnhw.build.design import BAUD, LINK_TIMEOUT_S
    from bnnhw.files import digest
    from bnnhw.hardware.accelerator import Accelerator
    from bnnhw.hardware.emit import verilog
    from bnnhw.hardware.link.link import UartLink
    from bnnhw.hardware.link.uart import baud_divisor

    clock_mhz = board.reachable_mhz(board.clock_mhz)
    # Its streams come from its signature, where a type checker can't see them.
    accelerator: Any = Accelerator(folded, board.family.name)
    link = UartLink(
        accelerator,
        classes=folded.network.output.classes,
        divisor=baud_divisor(clock_mhz, BAUD),
        timeout=math.ceil(LINK_TIMEOUT_S * clock_mhz * 1e6),
        identity=int(digest(folded)[:8], 16),
    )
    return verilog(link, LINK_MODULE, board.family.name)


def _axi_verilog(folded: FoldedNetwork, technology: str) -> tuple[str, dict[str, dict[str, object]]]:
    """The accelerator between two AXI4-Streams, and its ports."""
    from bnnhw.hardware.accelerator import Accelerator
    from bnnhw.hardware.emit import verilog
    from bnnhw.hardware.link.axi_stream import AxiStream

    # Its streams come from its signature, where a type checker can't see them.
    accelerator: Any = Accelerator(folded, technology)
    link = AxiStream(accelerator)
    return verilog(link, AXI_MODULE, technology), _ports(link)


def _ports(component: wiring.Component) -> dict[str, dict[str, object]]:
    from bnnhw.hardware.emit import port_signals

    words = {"i": "in", "o": "out"}
    signals = {name: (words[direction], len(signal)) for name, (signal, direction) in port_signals(component).items()}
    ports = {"clk": ("in", 1), "rst": ("in", 1)} | signals
    return {name: {"direction": direction, "width": width} for name, (direction, width) in ports.items()}


def generate_design(
    session: Session, network: Path, folded: FoldedNetwork, board: Board | None, link: str, output: Path
) -> dict[str, Any]:
    """Writes the folder whole or not at all; its sidecar, which has the keys of the verb's JSON."""
    from bnnhw.boards.top import LINK_MODULE
    from bnnhw.cli.design import FORMAT_VERSION, SIDECAR
    from bnnhw.cli.show import describe
    from bnnhw.files import file_digest, whole_directory, write_json
    from bnnhw.folding import file as folding_file
    from bnnhw.folding.cycles import predict
    from bnnhw.hardware.accelerator import Accelerator
    from bnnhw.hardware.emit import verilog

    technology = "generic" if board is None else board.family.name
    with session.stage("generate"), whole_directory(output, SIDECAR) as folder:
        versions, sha256 = _versions(), file_digest(network)
        core = Accelerator(folded, technology)
        header = _header(network.name, sha256, folded, versions)
        top, ports = CORE, _ports(core)
        core_path = f"{CORE}.v"
        if link != "stream":
            if link == "uart":
                assert board is not None, "the clock of a board decides the divisor of its serial port"
                top, ports = LINK_MODULE, {name: {"direction": d, "width": 1} for name, d in UART_PORTS.items()}
                text = _uart_verilog(folded, board)
            else:
                top, (text, ports) = AXI_MODULE, _axi_verilog(folded, technology)
            (folder / f"{top}.v").write_text(header + text)
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
            "link": link,
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
    type=click.Choice(["stream", "axis", "uart"]),
    default="stream",
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
    from bnnhw.build.design import check_link
    from bnnhw.cli.design import SIDECAR, folded_for
    from bnnhw.files import check_directory
    from bnnhw.ir import file

    if output.suffix == ".v":
        raise RequestError(f"-o must be a folder, not {str(output)!r}: the Verilog comes with its folding and network")
    check_directory(output, SIDECAR)
    chosen = None if board is None else get(board)
    if link == "uart":
        if chosen is None:
            raise RequestError("--link uart must come with --board: its clock decides the divisor of the serial port")
        check_link(chosen, link)
    folded = folded_for(file.load(network), folding, chosen)
    sidecar = generate_design(session, network, folded, chosen, link, output)
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
