"""Boards: their figures, the clocks they reach, and the pins that their tops have."""

from __future__ import annotations

import re

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth_boards.icebreaker import ICEBreakerPlatform

from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.devices.ecp5 import ECP5
from bnnhw.devices.ice40 import ICE40
from bnnhw.errors import RequestError
from bnnhw.flow.boards import board_notes
from bnnhw.flow.pins import pins_of, with_link, with_pins
from bnnhw.links import board_link
from bnnhw.links.pins import board_platform, parse_pins

USUAL = ["icebreaker", "tang-nano-9k", "ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f"]
"""Those that a network is folded for where no board is named."""

NAMES = list(boards.BOARDS)

LATTICE_PACKAGES = {"MG285": "CSFBGA285", "BG256": "CABGA256", "BG381": "CABGA381", "BG554": "CABGA554"}
"""Amaranth has the ordering code, a board Lattice's name."""


def test_names() -> None:
    """Every iCE40 and ECP5 board of amaranth-boards from 1,200 LUT4, eight others, and each by its name."""
    assert len(NAMES) == 47
    assert [board.name for board in boards.usual()] == USUAL
    assert [boards.get(name).name for name in NAMES] == NAMES
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in NAMES)
    others = "pico-ice colorlight-i5 colorlight-i9 ice-v-wireless alhambra-ii icefun cynthion ulx4m-ls-12f ulx4m-ld-85f"
    assert set(others.split()) < set(NAMES)


def test_unknown_board() -> None:
    message = f"board must be one of {', '.join(NAMES)}, not 'de10'"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        boards.get("de10")


def test_figures() -> None:
    """As in the data sheets: 120 kb of block RAM in the UP5K, 468 kb in the GW1N-9, 3744 kb in the 85F."""
    icebreaker, largest = boards.get("icebreaker"), boards.get("ulx3s-85f")
    assert (icebreaker.lut4, icebreaker.bram_bits, icebreaker.spram_bits) == (5280, 120 * 1024, 1024 * 1024)
    tang = boards.get("tang-nano-9k")
    assert (tang.lut4, tang.ff, tang.bram_bits) == (8640, 6480, 468 * 1024)
    assert (largest.lut4, largest.bram_bits, largest.family.name) == (83_640, 3744 * 1024, "ecp5")


def test_bridges() -> None:
    """As in the data sheets: 12 Mbaud of an FT2232H, 3 Mbaud of an FT231X; what no data sheet says is not known."""
    fast = "icebreaker icestick nandland-go alhambra-ii ice40-hx8k-b-evn ecp5-5g-evn versa-ecp5 versa-ecp5-5g"
    fast += " ecpix5-45f ecpix5-85f"
    known = dict.fromkeys(fast.split(), 12_000_000)
    known |= dict.fromkeys([*USUAL[2:], "icepi-zero"], 3_000_000)
    assert {name: boards.get(name).bridge_baud for name in NAMES} == dict.fromkeys(NAMES) | known


def test_notes() -> None:
    """What pins at a connector and a clock inside the device mean is said of every board that has them."""
    adapter = "no serial port of its own: a USB serial adapter of 3.3 V at the pins rx and tx"
    clock = "its clock is the device's own oscillator, 10 % off at most by the data sheet: the host may have to try"
    said = {name: board_notes(boards.get(name)) for name in NAMES}
    assert said["upduino-v3"] == f"{adapter}; {clock} other baud rates"
    assert said["ice40-hx1k-blink-evn"] == f"{adapter}; programmed by iCEburn (iCEburn -ew top.bin)"
    assert said["tinyfpga-bx"] == adapter
    assert said["icesugar"] == "the probe can be a slower serial port than 1 Mbaud"
    assert said["icebreaker"] == ""
    moved = with_pins(boards.get("icebreaker"), "rx=pmod_0:1,tx=pmod_0:2")
    assert board_notes(moved) == adapter
    # Of the link that was asked for.
    behind = with_link(boards.get("tinyfpga-bx"), "spi", "sck=gpio_0:1,cs_n=gpio_0:2,mosi=gpio_0:3,miso=gpio_0:4")
    assert board_notes(behind) == "an SPI master of 3.3 V at the pins of the link"


@pytest.mark.parametrize("name", NAMES)
def test_default_clock_is_reachable(name: str) -> None:
    board = boards.get(name)
    assert board.reachable_mhz(board.clock_mhz) == board.clock_mhz
    assert board.reachable_mhz(board.oscillator_mhz) == board.oscillator_mhz
    board_link(board).check_clock(board.clock_mhz)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tang-nano-9k"])
def test_a_board_is_its_platform(name: str) -> None:
    """Device, package, speed grade and oscillator are said in both, and must be the same."""
    board = boards.get(name)
    platform = board.platform()
    assert board.device == platform.device
    assert board.package == LATTICE_PACKAGES.get(platform.package, platform.package)
    assert board.part.package(board.package) is not None
    if board.family is ECP5:
        assert board.place_route == ("--speed", platform.speed)
    if not board.inside:
        assert platform.lookup(board.oscillator, 0).clock.frequency == board.oscillator_mhz * 1e6


@pytest.mark.parametrize("name", NAMES)
def test_its_top_has_clock_pins_and_lamps(name: str) -> None:
    """The top is elaborated, with all its constraints: no pin is missing, and none is used twice."""
    board = boards.get(name)
    link = board_link(board)
    platform = board_platform(board, link)
    top = link.top(board, board.clock(board.clock_mhz), "uart_link")
    plan = platform.prepare(top, "top", emit_src=False)
    text = plan.files[f"top.{board.family.build_tools().constraints}"]
    text = text.decode() if isinstance(text, bytes) else text
    # A pin and a port on one line, in whichever order and quotes.
    lines = [set(re.findall(r"[\w.]+", line)) for line in text.splitlines()]
    for signal, pin in pins_of(board).items():
        assert any({f"uart_0__{signal}__io", pin} <= line for line in lines), (signal, pin)
    if not board.inside:
        assert any(any(word.startswith(f"{board.oscillator}_0__") for word in line) for line in lines)
    rtlil = plan.files["top.il"]
    rtlil = rtlil.decode() if isinstance(rtlil, bytes) else rtlil
    # Each lamp's output reaches a pin.
    wired = re.findall(r"connect \\(error|activity) ", rtlil)
    assert len(wired) == len(board.leds)


class _Clock(Elaboratable):
    """A clock generator for tops that are only looked at."""

    def __init__(self, board: Board, mhz: float) -> None:
        self.inner = board.clock(mhz)

    def elaborate(self, platform: object) -> Module:
        from amaranth.hdl import ClockDomain

        m = Module()
        m.domains += ClockDomain("sync")
        m.submodules.clock = self.inner
        return m


def _clock_rtlil(board: Board, mhz: float) -> tuple[str, str]:
    """RTLIL and constraints of a clock generator alone."""
    plan = board.platform().prepare(_Clock(board, mhz), "top", emit_src=False)
    constraints = plan.files[f"top.{board.family.build_tools().constraints}"]
    texts = (plan.files["top.il"], constraints)
    return tuple(text.decode() if isinstance(text, bytes) else text for text in texts)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("name", "mhz", "cells"),
    [
        # The oscillator is at the PLL's own pad.
        ("icebreaker", 30.0, {"SB_PLL40_PAD"}),
        ("icefun", 48.0, {"SB_PLL40_PAD"}),
        # It is at another pin.
        ("icestick", 24.0, {"SB_PLL40_CORE"}),
        ("fomu-pvt", 24.0, {"SB_PLL40_CORE"}),
        ("tinyfpga-bx", 32.0, {"SB_PLL40_CORE"}),
        # It is inside the device.
        ("upduino-v3", 24.0, {"SB_HFOSC"}),
        ("upduino-v3", 36.0, {"SB_HFOSC", "SB_PLL40_CORE"}),
        ("icestick", 12.0, set[str]()),
    ],
)
def test_clock_generators(name: str, mhz: float, cells: set[str]) -> None:
    rtlil, _ = _clock_rtlil(boards.get(name), mhz)
    assert set(re.findall(r"cell \\(SB_PLL40_\w+|SB_HFOSC)", rtlil)) == cells


def test_an_oscillator_inside_is_built_for_its_fastest() -> None:
    """48 MHz within 10 %: a design for 24 must reach 26.4. The ECP5's gives 310 MHz within 15 %, divided."""
    rtlil, constraints = _clock_rtlil(boards.get("upduino-v1"), 24.0)
    assert 'parameter \\CLKHF_DIV "0b01"' in rtlil
    assert re.search(r"set_frequency \S+ 26\.4\d*", constraints)
    ulx3s = boards.get("ulx3s-12f")
    inside = Board(
        name="inside",
        family=ECP5,
        part=ulx3s.part,
        package="CABGA381",
        oscillator="OSCG",
        oscillator_mhz=31.0,
        clock_mhz=31.0,
        links=("uart",),
        platform=ulx3s.platform,
        place_route=("--speed", "6"),
    )
    rtlil, constraints = _clock_rtlil(inside, 31.0)
    assert re.search(r"parameter \\DIV (32'0*1010\b|10\b)", rtlil)
    assert re.search(r'FREQUENCY NET "\S+" 35650000', constraints)


@pytest.mark.parametrize(
    ("name", "mhz", "message"),
    [
        ("icebreaker", 15, "clock must be 12 MHz or in 16..275 MHz, not 15"),
        ("icebreaker", 300, "clock must be 12 MHz or in 16..275 MHz, not 300"),
        ("tang-nano-9k", 3, "clock must be in 3.125..600 MHz, not 3"),
        ("ulx3s-85f", 401, "clock must be in 3.125..400 MHz, not 401"),
        ("icesugar-nano", 24, "clock must be 12 MHz, not 24: the iCE40LP1K has no PLL in CM36"),
        ("ice40-hx1k-blink-evn", 24, "clock: no PLL setting turns 3.3 MHz into 24 MHz"),
    ],
)
def test_clock_out_of_reach(name: str, mhz: float, message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        boards.get(name).reachable_mhz(mhz)


def test_parts_are_placed_in_their_packages() -> None:
    """Options of nextpnr, by its own names of devices and packages; a board's own choice stands."""
    options = {board.name: board.place_route_options for board in boards.BOARDS.values()}
    assert options["icebreaker"] == ("--up5k", "--package", "sg48")
    assert options["versa-ecp5"] == ("--um-45k", "--package", "CABGA381", "--speed", "8")
    assert options["butterstick"] == ("--um5g-85k", "--package", "CABGA381", "--speed", "8")
    own = Board("own", ICE40, ICE40.part("iCE40UP5K"), "SG48", "clk12", 12.0, 12.0, ("uart",), (), ICEBreakerPlatform)
    assert own.place_route_options == ("--up5k", "--package", "sg48")
    older = Board(
        "older",
        ICE40,
        ICE40.part("iCE40UP5K"),
        "SG48",
        "clk12",
        12.0,
        12.0,
        ("uart",),
        (("led_r", 0), ("led_g", 0)),
        ICEBreakerPlatform,
        ("--package", "sg48"),
    )
    assert older.place_route_options == ("--up5k", "--package", "sg48")


def test_pins_of_ones_choice() -> None:
    """Of a connector, of a connector that is on another, of the package; the fingerprint knows them."""
    icebreaker = boards.get("icebreaker")
    assert pins_of(icebreaker) == {"rx": "6", "tx": "9"}
    moved = with_pins(icebreaker, "rx=pmod_0:3, tx=46")
    assert pins_of(moved) == {"rx": "47", "tx": "46"}
    assert moved.fingerprint() != icebreaker.fingerprint()
    assert with_pins(icebreaker, None) is icebreaker
    bitsy = boards.get("icebreaker-bitsy")
    assert pins_of(bitsy) == {"rx": "4", "tx": "48"}
    assert bitsy.platform().connectors["pmod", 1].mapping["3"] == "edge_0:4"


@pytest.mark.parametrize(
    ("pins", "message"),
    [
        ("rx=2", "pins must be rx=PIN,tx=PIN: tx is missing in 'rx=2'"),
        ("rx=2,tx=", "pins must be rx=PIN,tx=PIN, not 'rx=2,tx='"),
        ("2,3", "pins must be rx=PIN,tx=PIN, not '2,3'"),
        ("rx=2,rx=3", "pins must be rx=PIN,tx=PIN: rx is there twice in 'rx=2,rx=3'"),
        ("rx=2,tx=3,cs=4", "pins must be rx=PIN,tx=PIN: there is no signal 'cs'"),
        ("rx=2,tx=2", "pins of icebreaker: rx and tx are both 2"),
        ("rx=pmod_0:2,tx=2", "pins of icebreaker: rx and tx are both 2"),
        (
            "rx=pmod_3:1,tx=2",
            "pins of icebreaker: connector must be one of pmod_0, pmod_1, pmod_2, not 'pmod_3:1'",
        ),
        (
            "rx=pmod_0:5,tx=2",
            "pins of icebreaker: connector pmod_0 has pins 1, 2, 3, 4, 7, 8, 9, 10, not 'pmod_0:5'",
        ),
        (
            "rx=pmod,tx=2",
            "pins of icebreaker: 'pmod' must be CONNECTOR_NUMBER:PIN or a pin of the package, such as 'pmod_0:1'",
        ),
        (
            "rx=35,tx=2",
            "icebreaker: pins of uart_0: Resource component uart_0.rx uses physical pin 35, but it is already used by "
            "resource component clk12_0 that was requested earlier",
        ),
        (
            "rx=2,tx=11",
            "icebreaker: pins of uart_0: Resource component uart_0.tx uses physical pin 11, but it is already used by "
            "resource component led_r_0 that was requested earlier",
        ),
    ],
)
def test_pins_that_can_not_be(pins: str, message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        with_pins(boards.get("icebreaker"), pins)


def test_a_board_without_a_serial_port_asks_for_pins() -> None:
    class Bare(ICEBreakerPlatform):
        resources = [resource for resource in ICEBreakerPlatform.resources if resource.name != "uart"]

    bare = Board("bare", ICE40, ICE40.part("iCE40UP5K"), "SG48", "clk12", 12.0, 12.0, ("uart",), platform=Bare)
    message = "bare: the platform has no resource uart; choose pins: --pins rx=PIN,tx=PIN"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        pins_of(bare)
    assert pins_of(with_pins(bare, "rx=3,tx=4")) == {"rx": "3", "tx": "4"}
    no_platform = Board("none", ICE40, ICE40.part("iCE40UP5K"), "SG48", "clk12", 12.0, 12.0, ("uart",))
    with pytest.raises(RequestError, match=r"^a board must have a platform, and has none$"):
        no_platform.platform()


def test_what_pins_are_read_as() -> None:
    assert parse_pins(" rx = A1 , tx=j_1:3", ("rx", "tx")) == {"rx": "A1", "tx": "j_1:3"}


def test_settings_of_a_link() -> None:
    """A slow clock has a slow serial port."""
    assert board_link(boards.get("ice40-hx1k-blink-evn")).settings == {"baud": 115_200}
    assert board_link(boards.get("icebreaker")).settings == {"baud": 1_000_000}
