"""A board's top at its pins: what the bench makes of a design, and how its port keeps time."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bnnhw import boards, reference
from bnnhw.build import synth
from bnnhw.build.design import TOP, write_design
from bnnhw.devices import Family
from bnnhw.errors import BnnhwError, CheckError, RequestError
from bnnhw.flow.baud import with_baud
from bnnhw.folding import FoldedNetwork
from bnnhw.links import board_link
from bnnhw.links.packets.device import Device
from bnnhw.links.packets.protocol import pack_codes
from bnnhw.rtl.emit import to_verilog
from bnnhw.sim.board import SimulatedPort, compile_board
from bnnhw.sim.cells import netlist_verilog
from tests.build.networks import source
from tests.needs import needs
from tests.sim.virtual import FOLDED, NETWORK

ICEBREAKER = boards.get("icebreaker")
FAMILIES = {"ice40": "icebreaker", "ecp5": "ulx3s-12f", "gowin": "tang-nano-9k"}
"""A board of each family that can be simulated."""

BOARDS = [pytest.param(name, 1_000_000, marks=[] if name == "ice40" else [pytest.mark.slow]) for name in FAMILIES]

pytestmark = pytest.mark.xdist_group("virtual board")


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the verbs keep their compiled models in the tests."""
    return tmp_path_factory.getbasetemp() / "cache" / "bnnhw" / "models"


def rtl(folder: Path, board: boards.Board, folded: FoldedNetwork = FOLDED) -> dict[str, str]:
    """The Verilog of a design that is written for a board, its link and its pins."""
    link = board_link(board)
    given = source(folded, board.family.name)
    design = write_design(given, board, folder, link=link, clock_mhz=board.reachable_mhz(board.clock_mhz))
    texts = {path.name: path.read_text() for path in design.sources}
    rtlil = "\n".join(text for name, text in texts.items() if name.endswith(".il"))
    return {name: text for name, text in texts.items() if name.endswith(".v")} | {"top_rtl.v": to_verilog(rtlil)}


def netlist(folder: Path, board: boards.Board) -> dict[str, str]:
    """The same after synthesis."""
    given = source(FOLDED, board.family.name)
    clock_mhz = board.reachable_mhz(board.clock_mhz)
    design = write_design(given, board, folder, link=board_link(board), clock_mhz=clock_mhz)
    made = synth.synthesize(design.sources, TOP, board.family, folder, keep=given.repeated, part=board.part)
    return {"top.v": netlist_verilog(made.netlist, TOP)}


def open_port(sources: dict[str, str], board: boards.Board, cache: Path) -> SimulatedPort:
    needs("verilator", "c++")
    return SimulatedPort(compile_board(sources, board, board_link(board), cache=cache))


def check_frames(port: SimulatedPort, frames: int = 20) -> Device:
    """Random frames through the link: every class and score is the reference's."""
    device = Device(port, clock=port.clock, settle_s=0.001)
    codes = np.random.default_rng(5).integers(0, 16, (frames, 64)).astype(np.uint8)
    due = reference.evaluate(NETWORK, codes)
    found = list(device.run(pack_codes(row, 4) for row in codes))
    assert [answer.index for answer in found] == due.classes.tolist()
    assert [answer.score for answer in found] == due.scores.max(axis=1).tolist()
    assert (device.resent, port.faults) == (0, 0)
    return device


@pytest.mark.parametrize("family, baud", [*BOARDS, ("ice40", 3_000_000)])
def test_frames_through_the_pins(family: str, baud: int, tmp_path: Path, cache: Path) -> None:
    board = with_baud(boards.get(FAMILIES[family]), baud)
    port = open_port(rtl(tmp_path, board), board, cache)
    try:
        start = port.clock()
        device = check_frames(port)
        # The board's clock is right for the baud rate: ten bits per byte.
        assert device.info.identity == int(source(FOLDED, family).identity[:8], 16)
        sent = 20 * 10 * (32 + 9) / baud
        assert sent < port.clock() - start < sent + 0.012
        with pytest.raises(CheckError, match=r"program it first$"):
            device.check(1, 32, 10)
        # Time passes while somebody listens, and then alone.
        now = port.clock()
        port.write(b"\x00" * 100)
        assert port.clock() == now
        assert port.read(10, wait_s=1e-4) == b""
        assert port.clock() == pytest.approx(now + 1e-4, abs=1e-12)
    finally:
        port.close()
    port.close()
    with pytest.raises(RequestError, match=r"^the board is closed$"):
        port.read()


def test_a_damaged_frame_is_sent_again(tmp_path: Path, cache: Path) -> None:
    """The second packet of frames loses a byte on the way: the board says so, or nothing."""
    port = open_port(rtl(tmp_path, ICEBREAKER), ICEBREAKER, cache)
    write, packets = port.write, 0

    def lossy(data: bytes, /) -> int:
        nonlocal packets
        packets += 1
        return write(data[:4] + data[5:] if packets == 3 else data)

    port.write = lossy  # type: ignore[method-assign]
    try:
        device = Device(port, clock=port.clock, settle_s=0.001)
        codes = np.random.default_rng(6).integers(0, 16, (9, 64)).astype(np.uint8)
        found = [answer.index for answer in device.run(pack_codes(row, 4) for row in codes)]
        assert found == reference.evaluate(NETWORK, codes).classes.tolist()
        assert device.resent > 0
    finally:
        port.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FAMILIES.values(), "upduino-v3", "supercon19badge", "versa-ecp5"])
def test_the_netlist_through_the_pins(name: str, tmp_path: Path, cache: Path) -> None:
    board = boards.get(name)
    port = open_port(netlist(tmp_path, board), board, cache)
    try:
        check_frames(port)
    finally:
        port.close()


def test_a_simulation_that_ends_says_why(tmp_path: Path, cache: Path) -> None:
    port = open_port(rtl(tmp_path, ICEBREAKER), ICEBREAKER, cache)
    try:
        port._process.kill()  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(BnnhwError, match=r"^the simulation of the board ended: status -9$"):
            port.read()
    finally:
        port.close()


@pytest.mark.slow
@pytest.mark.parametrize("pin", ["CLKFB", "CLKI"])
def test_a_clock_generator_without_its_feedback(pin: str, tmp_path: Path, cache: Path) -> None:
    board = boards.get("ulx3s-12f")
    sources = rtl(tmp_path, board)
    text, changed = re.subn(rf"\.{pin}\([^()]+\)", f".{pin}(1'b0)", sources["top_rtl.v"])
    assert changed == 1
    port = open_port(sources | {"top_rtl.v": text}, board, cache)
    try:
        with pytest.raises(CheckError, match=r"^no board answers: 5 requests without a reply$"):
            Device(port, clock=port.clock, timeout_s=1e-3, quiet_s=1e-3)
    finally:
        port.close()


@pytest.mark.slow
def test_a_clock_generator_without_its_oscillator(tmp_path: Path, cache: Path) -> None:
    """It never runs, so that no board answers."""
    sources = rtl(tmp_path, ICEBREAKER)
    text, changed = re.subn(r"\.PACKAGEPIN\(\w+\)", ".PACKAGEPIN(1'b0)", sources["top_rtl.v"])
    assert changed == 1
    port = open_port(sources | {"top_rtl.v": text}, ICEBREAKER, cache)
    try:
        with pytest.raises(CheckError, match=r"^no board answers: 5 requests without a reply$"):
            Device(port, clock=port.clock, timeout_s=1e-3, quiet_s=1e-3)
    finally:
        port.close()


def test_what_can_not_be_simulated() -> None:
    generic = boards.get("icebreaker").__class__(**{**vars(ICEBREAKER), "family": Family(ICEBREAKER.family.technology)})
    sources = {"top.v": "module top(clk12_0__io, uart_0__rx__io);\nendmodule\n"}
    with pytest.raises(
        RequestError, match=r"^no board of the family ice40 can be simulated: it has no models of its pins"
    ):
        compile_board(sources, generic, board_link(generic))
    with pytest.raises(RequestError, match=r"^icebreaker: the design has no pin uart_0__tx, which link uart needs$"):
        compile_board(sources, ICEBREAKER, board_link(ICEBREAKER))


@pytest.mark.parametrize(
    "name, cell, why",
    [
        ("icebreaker", "SB_LFOSC a ();", "its design has the cell SB_LFOSC, which has no model"),
        ("icebreaker", "FOO #(.X(1)) a (.B(1'b0));", "its design has the cell FOO, which has no model"),
        ("ulx3s-12f", "USRMCLK a ();", "its design has the cell USRMCLK, which has no model"),
        ("tang-nano-9k", "OSC a ();", "its design has the cell OSC, which has no model"),
        (
            "icebreaker",
            'SB_PLL40_PAD #(.FEEDBACK_PATH("DELAY")) a ();',
            "SB_PLL40_PAD: only simple feedback is modelled",
        ),
        ("icebreaker", "SB_IO #(.PIN_TYPE(6'b010100)) a ();", "SB_IO: a registered input is not modelled"),
        ("ulx3s-12f", 'EHXPLLL #(.FEEDBK_PATH("INT_OP")) a ();', "EHXPLLL: only feedback from CLKOP is modelled"),
        ("tang-nano-9k", 'rPLL #(.CLKFB_SEL("external")) a ();', "rPLL: only internal feedback is modelled"),
    ],
)
def test_cells_without_a_model(name: str, cell: str, why: str, cache: Path) -> None:
    """They are named; black boxes of Yosys are no models."""
    needs("verilator", "c++")
    board = boards.get(name)
    link = board_link(board)
    pins = (f"{board.oscillator}_0__io", *(f"uart_0__{signal}__io" for signal in link.pins))
    ports = "".join(f"  input {pin};\n" for pin in pins)
    top = f"module top({', '.join(pins)});\n{ports}  {cell}\nendmodule\n"
    with pytest.raises(RequestError, match=f"^{re.escape(f'{name} can not be simulated: {why}')}$"):
        compile_board({"top.v": top}, board, link, cache=cache)
