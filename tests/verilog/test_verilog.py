"""Generated Verilog in other people's tools: Icarus, Verilator, plain synthesis; two networks in one project."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bnnhw import links
from bnnhw.dataflow.frame import Frame
from bnnhw.devices import technology
from bnnhw.errors import RequestError
from bnnhw.flow.design import Design
from bnnhw.flow.generate import generate
from bnnhw.folding import FoldedNetwork
from bnnhw.links import Setting
from tests.verilog.networks import NETWORKS
from tests.verilog.run import STANDARDS, SYNTHESES, icarus, icarus_bench, synthesize, verilator

Made = Callable[..., Design]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Generates a network once for each set of options."""
    designs: dict[str, Design] = {}

    def make(network: str, **options: object) -> Design:
        key = repr((network, sorted(options.items())))
        if key not in designs:
            folder = tmp_path_factory.mktemp("design") / "made"
            designs[key] = generate(NETWORKS[network](), folder, **options)  # type: ignore[arg-type]
        return designs[key]

    return make


def check_bench(design: Design, standard: str) -> None:
    """Runs a design's testbench: it passes, and measures the cycles that the sidecar tells."""
    said = icarus_bench(design, standard).splitlines()
    interface = design.sidecar["interface"]
    cycles = f"{interface['cycles_per_frame']} cycles per frame, latency {interface['latency_cycles']}"
    assert said[-2:] == [f"full speed: {cycles}", f"PASS: {design.whole.top}_tb, 2 x 12 frames"]


AXIS = {"link": "axis", "name": "eye", "data_width": 8, "result_width": 8}
SAMPLE = [
    ("signal", {}),
    ("multi-bit", AXIS),
    ("multi-bit", {"link": "axis", "data_width": 64, "result_width": 64, "scores": True}),
]


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("network, options", SAMPLE)
def test_testbench(network: str, options: dict[str, object], standard: str, made: Made) -> None:
    """At every standard: in SystemVerilog an initial value is no event, and what waits for one never starts."""
    check_bench(made(network, **options), standard)


@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-12f", "tang-nano-9k"])
def test_testbench_with_the_cells_of_a_device(board: str, made: Made) -> None:
    design = made("dense", board=board)
    assert (design.folder / "accelerator_cells.v").is_file()
    check_bench(design, "2005")


@pytest.mark.parametrize("link", [name for name, link in links.LINKS.items() if link.needs_board])
def test_testbench_of_a_link_of_packets(link: str, made: Made) -> None:
    design = made("dense", board="icebreaker", link=link, name="eye")
    assert icarus_bench(design, "2005") == f"PASS: eye_{link}_link_tb, 3 frames\n"
    # Verilator has nothing to say of it, so that its own command in the testbench's header goes through.
    sources = (f"{design.whole.top}_tb.v", f"{design.whole.top}.v", f"{design.whole.top}_cells.v")
    top = ("--lint-only", "--timing", "--top-module", f"{design.whole.top}_tb")
    assert verilator([*top, *sources], design.folder) == ""


def test_no_testbench_of_memories_that_come_up_empty(tmp_path: Path) -> None:
    """Weights in SPRAM are read from a flash, which no testbench has: none is written, and nothing names one."""
    folded = NETWORKS["dense"]()
    foldings = tuple(replace(folding, pe=4, simd=4, memory="spram") for folding in folded.foldings)
    design = generate(FoldedNetwork(folded.network, foldings), tmp_path / "made", board="icebreaker")
    names = {path.name for path in design.folder.iterdir()}
    assert {"weights.img", "accelerator.core", "accelerator_instance.vh", "accelerator_cells.v"} <= names
    assert not any("_tb" in name for name in names)
    assert "_tb" not in (design.folder / "accelerator.core").read_text()


@pytest.mark.parametrize("broken", ["results", "frames"])
def test_testbench_fails(broken: str, made: Made, tmp_path: Path) -> None:
    """A result that is wrong ends the simulation with an error."""
    design = made("signal")
    for path in design.folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    table = tmp_path / f"accelerator_tb_{broken}.hex"
    table.write_text("".join(f"{int(line, 16) ^ 15:x}\n" for line in table.read_text().splitlines()))
    with pytest.raises(AssertionError, match=r"FAIL: accelerator_tb, [1-9]"):
        icarus(["accelerator.v", "accelerator_tb.v"], "accelerator_tb", tmp_path, "2005")


@pytest.mark.parametrize("network, options", SAMPLE[:2])
def test_lint(network: str, options: dict[str, object], made: Made) -> None:
    """Verilator has nothing to say of the design, and nothing of its testbench."""
    design = made(network, **options)
    top = design.whole.top
    assert verilator(["--lint-only", "--top-module", top, f"{top}.v"], design.folder) == ""
    # What its header does not say is meant, no warning that can be asked for has to say either.
    assert verilator(["--lint-only", "-Wall", "--top-module", top, f"{top}.v"], design.folder) == ""
    assert verilator(["--lint-only", "--timing", "--top-module", f"{top}_tb", f"{top}_tb.v", f"{top}.v"],
                     design.folder) == ""  # fmt: skip


def test_two_networks_in_one_project(made: Made, tmp_path: Path) -> None:
    """No module of one has a name that the other has, with a common folding and layers of the same names."""
    designs = [made("dense", name="left"), made("dense", name="right", link="axis")]
    names = [re.findall(r"(?m)^module \\?([^\s(]+)", design.whole.text) for design in designs]
    assert all(name.startswith("left_") for name in names[0]) and all(name.startswith("right_") for name in names[1])
    ports = ",\n".join(
        f"{port['direction']}put [{port['width'] - 1}:0] {design.whole.top}_{name}"
        for design in designs
        for name, port in design.sidecar["ports"].items()
    )
    instances = "".join(
        f"{design.whole.top} u{number} ("
        + ", ".join(f".{name}({design.whole.top}_{name})" for name in design.sidecar["ports"])
        + ");\n"
        for number, design in enumerate(designs)
    )
    (tmp_path / "both.v").write_text(f"module both (\n{ports}\n);\n{instances}endmodule\n")
    sources = [tmp_path / "both.v", *(design.whole.path for design in designs)]
    assert verilator(["--lint-only", "--top-module", "both", *map(str, sources)], tmp_path) == ""
    icarus([*map(str, sources)], "both", tmp_path, "2005")
    synthesize("hierarchy -check", sources, "both", tmp_path)


@pytest.mark.parametrize("name", ["", "2nd", "a b", "eye-2", "é"])
def test_name_that_is_none(name: str, tmp_path: Path) -> None:
    message = f"name must be letters, digits and underscores, no digit first, not {name!r}"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        generate(NETWORKS["dense"](), tmp_path / "design", name=name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("link, first", [("axis", ["aclk", "aresetn"]), ("stream", ["clk", "rst"])])
def test_text_is_for_people(link: str, first: list[str], made: Made) -> None:
    """Ports in the header in order; no name that a tool made up for itself, no process that waits for an event."""
    design = made("signal", link=link)
    text = design.whole.text
    for head in re.findall(r"(?ms)^module [^;]*\(\n(.*?)\n\);", text):
        names = [line.split()[-1].rstrip(",") for line in head.splitlines()]
        assert names[: 2 * ("  input clk" in head)] == ["clk", "rst"][: 2 * ("  input clk" in head)]
    assert len(re.findall(r"(?m)^module ", text)) == len(re.findall(r"(?m)^module [^;]*\(\n  input ", text))
    top = re.search(rf"(?ms)^module {design.whole.top}\(\n(.*?)\n\);", text)
    assert top
    declared = {line.split()[-1]: line.split()[0] for line in top[1].replace(",", "").splitlines()}
    sides = [way for name, way in declared.items() if not name.endswith("ready") and name not in first]
    assert list(declared)[:2] == first and sides == sorted(sides)
    assert {name: f"{port['direction']}put" for name, port in design.sidecar["ports"].items()} == declared
    assert "$auto$" not in text and "$proc" not in text and "always @*" not in text and "[-1:0]" not in text


def test_nothing_is_a_vendors(made: Made) -> None:
    """Without a board no cell is instantiated, and no memory is asked for that some device has not."""
    for network in ("dense", "conv"):
        text = made(network).whole.text
        defined = set(re.findall(r"(?m)^module (\S+?)\s?\(", text))
        used = set(re.findall(r"(?m)^  (?!reg|wire|input|output|assign|always|initial)(\\?\w[\w.]*) +\w+ \($", text))
        assert used <= defined and len(used) > 5
        assert set(re.findall(r'\(\* (?:ram|rom)_style = "(\w+)" \*\)', text)) <= {"block", "logic", "registers"}


@pytest.mark.parametrize("name", links.LINKS)
def test_frames_of_an_interface_are_those_of_the_gateware(name: str) -> None:
    graph = NETWORKS["residual"]().graph(technology("ice40"))
    frame = Frame.of(graph)
    interface = links.get(name).interface(graph, Setting(5, 0, 30.0))
    assert interface.frame.bits == frame.bits
    if name == "stream":
        assert (interface.frame.width, interface.frame.count) == (frame.word_bits, frame.words)
        assert interface.result.bits == graph.result.width


@pytest.mark.slow
@pytest.mark.parametrize("link", [name for name in links.LINKS if name != links.DEFAULT])
def test_testbench_in_verilator(link: str, made: Made) -> None:
    """As the testbench's header says, but for what GCC before 13 must be told of coroutines."""
    design = made("dense", link=link, **({"board": "icebreaker"} if links.get(link).needs_board else {}))
    top = f"{design.whole.top}_tb"
    options = ["--binary", "--timing", "-CFLAGS", "-fcoroutines", "--top-module", top]
    cells = [path.name for path in design.folder.glob("*_cells.v")]
    assert verilator([*options, f"{top}.v", design.whole.path.name, *cells], design.folder) == ""
    done = subprocess.run([design.folder / "obj_dir" / f"V{top}"], cwd=design.folder, capture_output=True, text=True)
    assert done.returncode == 0 and f"PASS: {top}, " in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_everywhere(network: str, made: Made, tmp_path: Path) -> None:
    """Six networks: Icarus at three standards, Verilator's lint, their testbenches, synthesis for seven vendors."""
    for options in ({}, {"link": "axis", "result_width": 8}):
        design = made(network, **options)
        for standard in STANDARDS:
            check_bench(design, standard)
        check = ["--lint-only", "-Wall", "--top-module", design.whole.top, design.whole.path.name]
        assert verilator(check, design.folder) == ""
    for command in SYNTHESES:
        synthesize(command, [made(network).whole.path], "accelerator", tmp_path)
